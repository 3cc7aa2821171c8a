"""`make demo`: a small real suite on a private ecFlow server, watched into a private Redis."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true
from tests.support.programs import MissingProgram
from tests.support.redis_server import RedisServer
from tests.support.watchman import WATCHMAN, Watchman

SUITE = """\
suite forecast
  edit ECF_MICRO '%'
  family get_data
    task observations
    task boundaries
      trigger observations == complete
  endfamily
  family model
    trigger get_data == complete
    task analysis
    task forecast
      trigger analysis == complete
  endfamily
  family products
    task charts
      trigger /forecast/model/forecast == complete
    task archive
      trigger charts == complete
  endfamily
endsuite
"""

JOB = """\
#!/bin/sh
export ECF_HOST=%ECF_HOST% ECF_PORT=%ECF_PORT% ECF_NAME=%ECF_NAME% ECF_PASS=%ECF_PASS% ECF_TRYNO=%ECF_TRYNO%
ecflow_client --init=$$ && {work} && ecflow_client --complete
"""

WORK = {
    "get_data/observations": "true",
    "get_data/boundaries": "true",
    "model/analysis": "true",
    "model/forecast": "while [ -d %ECF_HOME% ]; do sleep 1; done; exit",
    "products/charts": "true",
    "products/archive": "true",
}


def write_scripts(home: Path) -> None:
    """A script for each task: most do their work at once, the forecast lasts as long as the demo."""
    for name, work in WORK.items():
        script = home / "forecast" / f"{name}.ecf"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(JOB.format(work=work))


def watch(home: Path, *arguments: str) -> int:
    """Run the command as a user would, and show what was typed."""
    print(f"\n$ watchman {shlex.join(arguments)}", flush=True)
    environment = {**os.environ, "WATCHMAN_CONFIG": str(home / "watchman.yaml")}
    return subprocess.run([WATCHMAN, *arguments], env=environment, check=False).returncode


@contextmanager
def running_suite(home: Path) -> Iterator[Watchman]:
    """Start both servers with the suite in the middle of its work, configured; stop them at the end."""
    ecflow, redis = EcflowServer(home), RedisServer(home)
    ecflow.environment = {"ECF_HOST": "127.0.0.1"}
    try:
        ecflow.start()
        redis.start()
        print(f"A private ecflow_server on port {ecflow.port}, a private redis-server on {redis.port}")
        write_scripts(home)
        ecflow.load_text(SUITE)
        ecflow.restart_server()
        ecflow.begin_all_suites()
        ecflow.suspend("/forecast/products/archive")
        print("The suite `forecast` was loaded and begun; waiting for its model to run")
        running = ["/forecast/model/forecast", "active"]
        await_true(lambda: running in ecflow.snapshot()["records"], "the forecast did not start", 120)
        watchman = Watchman(home)
        watchman.configure(redis.url, [{"owner": "demo", "repo": "forecast", "address": ecflow}])
        yield watchman
    finally:
        ecflow.stop()
        redis.stop()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="watchman-demo-") as folder:
        home = Path(folder)
        try:
            with running_suite(home):
                codes = [
                    watch(home, "collect"),
                    watch(home, "list"),
                    watch(home, "show", "demo/forecast"),
                ]
        except MissingProgram as error:
            print(error, file=sys.stderr)
            return 1
    print("\nBoth servers are stopped, and their files are gone.")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
