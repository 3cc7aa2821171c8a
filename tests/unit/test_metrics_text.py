"""The text of the metrics, which is that of prometheus_client, but for how a number is written."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from watchman_cli.output.metrics import METRICS, Series, encode, labels_of

OF_A_DEADLINE = "watchman_deadline_state"  # with labels that have what a user wrote
OF_A_RUN = "watchman_run_exit_code"  # with none
TEXTS = st.text(st.characters(codec="utf-8"), max_size=10) | st.text('\\\n"n', max_size=6)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(1 << 53), 1 << 53)


class Collected:
    """The same metrics, as prometheus_client wants them."""

    def __init__(self, series: Series) -> None:
        self.series = series

    def collect(self) -> Iterator[Metric]:
        for name, found in self.series.items():
            if found:
                family = GaugeMetricFamily(name, METRICS[name][1], labels=labels_of(name))
                for labels in sorted(found):
                    family.add_metric(labels, found[labels])
                yield family


def lines_of(text: bytes) -> list[tuple[str, float | str]]:
    """Return each line's beginning, and its number."""
    parts = [line.rpartition(" ") for line in text.decode().split("\n") if line]
    return [(start, end if start.startswith("#") else float(end)) for start, _, end in parts]


@given(st.dictionaries(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), NUMBERS, max_size=5), NUMBERS)
def test_the_text_is_prometheus_client_s_own(found: dict[tuple[str, ...], float], number: float) -> None:
    series: Series = {OF_A_RUN: {(): number}, OF_A_DEADLINE: found}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected(series))
    assert lines_of(encode(series)) == lines_of(generate_latest(registry))
