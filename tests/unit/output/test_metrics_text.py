"""The text of the metrics, which is that of prometheus_client, but for how a number is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from watchman_cli.output.metrics import METRICS, Series, labels_of
from watchman_cli.output.metrics_text import decode, encode

OF_A_DEADLINE = "watchman_deadline_state"  # with labels that have what a user wrote
OF_A_RUN = "watchman_run_exit_code"
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


SERIES = st.fixed_dictionaries(
    {
        OF_A_RUN: st.dictionaries(st.tuples(TEXTS), NUMBERS, min_size=1, max_size=3),
        OF_A_DEADLINE: st.dictionaries(
            st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), NUMBERS, min_size=1, max_size=5
        ),
    }
)


@given(SERIES)
def test_the_text_is_prometheus_client_s_own(series: Series) -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected(series))
    assert lines_of(encode(series)) == lines_of(generate_latest(registry))


@given(SERIES)
def test_the_text_is_read_as_it_was_written(series: Series) -> None:
    assert decode(encode(series)) == series


@pytest.mark.parametrize(
    "line",
    [
        "watchman_run_exit_code 1",
        "watchman_run_exit_code{} 1",
        'watchman_run_exit_code{config="c"} x',
        'watchman_run_exit_code{config="c"}',
        'watchman_run_exit_code{config="c",more="m"} 1',
        'watchman_run_exit_code{config="c} 1',
        'watchman_run_exit_code{config="c",} 1',
        'watchman_run_exit_code{config="c"}1',
        'watchman_run_exit_code{Config="c"} 1',
        'watchman_server_up{config="c";owner="o",repo="r",} 1',
        'watchman_server_up{owner="o",config="c",repo="r"} 1',
        'watchman_server_up{config="c",owner="o"} 1',
        'other{config="c"} 1',
        "\x00",
    ],
)
def test_a_damaged_line_costs_itself_alone(line: str) -> None:
    good: Series = {OF_A_RUN: {("/c.yaml",): 1.0}}
    assert decode(line.encode() + b"\n\xff\n" + encode(good)) == good
