"""`python -m benchmarks [NAME...]`: measures, prints a table of each benchmark, keeps the figures, draws."""

from __future__ import annotations

import argparse
import compileall
import os
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console

from benchmarks import (
    chart,
    commands,
    cpu_time,
    details,
    endurance,
    fleet,
    many_servers,
    million_nodes,
    page,
    peak_rss,
    readers,
    results,
    server_load,
    single_server,
    sizing,
)
from benchmarks.measure import QUICK, Scale, machine

BENCHMARKS = {
    "single_server": (single_server, "One server, the whole process"),
    "cpu_time": (cpu_time, "CPU time"),
    "many_servers": (many_servers, "Many servers"),
    "fleet": (fleet, "A fleet of which some are slow and some are dead"),
    "sizing": (sizing, "What a server of some size needs"),
    "commands": (commands, "Commands that do little"),
    "server_load": (server_load, "What a run costs the server"),
    "peak_rss": (peak_rss, "Peak memory"),
    "endurance": (endurance, "Many runs in a row"),
    "page": (page, "The HTML page"),
    "readers": (readers, "Changes, metrics and deadlines"),
    "details": (details, "Details, in CPU time"),
    "million_nodes": (million_nodes, "A server with a million nodes"),
}
HERE = Path(__file__).parent
PACKAGE = HERE.parent / "watchman_cli"


def main() -> None:
    """Run the benchmarks that are named, all if none is."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small, to see that they work; keeps no figures")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep the figures here")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    compileall.compile_dir(PACKAGE, quiet=2)  # as it is where it was installed
    scale = QUICK if options.quick else Scale()
    kept: Path | None = options.results or (None if options.quick else HERE / "results.json")
    console = Console(width=None if os.isatty(1) else 170, highlight=False)
    for name in options.names or BENCHMARKS:
        benchmark, title = BENCHMARKS[name]
        began, load = datetime.now(timezone.utc), os.getloadavg()[0]
        lines = list(benchmark.lines(scale))
        console.print(results.table(title, lines), "")
        if kept:
            circumstances = {"taken": began.isoformat(timespec="seconds"), "load_before": load, **machine()}
            results.keep(kept, name, circumstances, lines)
    if options.quick:
        console.print("These sizes are only for trying; the targets are for the full ones.")
    if kept:
        chart.draw(kept, kept.with_name("chart.svg"))


if __name__ == "__main__":
    main()
