"""The metrics as text, in the format that node_exporter's textfile collector reads.

To import prometheus_client would take a tenth of a small run, so these few lines replace it. A test compares
them with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchman_cli.output.metrics import METRICS, Series, labels_of

_VALUE = r'"(?:[^"\\]|\\["\\n])*"'
_LINE = re.compile(rf"(\w+)\{{((?:\w+={_VALUE},?)+)\}} (\S+)")
_LABEL = re.compile(rf"(\w+)=({_VALUE})")
_ESCAPE = re.compile(r"\\(.)")


def encode(series: Series) -> bytes:
    """Return the metrics that have a value, in Prometheus's text format 0.0.4."""
    return "".join(_lines(series)).encode()


def decode(text: bytes) -> Series:
    """Return watchman's series in a text. Other or damaged lines are left out."""
    series: Series = {}
    for line in text.decode(errors="replace").split("\n"):
        match = _LINE.fullmatch(line)
        if match is None or match[1] not in METRICS:
            continue
        labels = {name: _unescaped(value[1:-1]) for name, value in _LABEL.findall(match[2])}
        names = labels_of(match[1])
        try:
            number = float(match[3])
        except ValueError:
            continue
        if labels.keys() == set(names):
            series.setdefault(match[1], {})[tuple(labels[name] for name in names)] = number
    return series


def _lines(series: Series) -> Iterator[str]:
    for name, values in series.items():
        if values:
            yield f"# HELP {name} {METRICS[name][1]}\n# TYPE {name} gauge\n"
        for label_values in sorted(values):
            pairs = sorted(zip(labels_of(name), label_values, strict=True))
            labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in pairs)
            yield f"{name}{{{labels}}} {float(values[label_values])!r}\n"


def _escaped(value: str) -> str:
    """Return a label's value with escapes, for quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _unescaped(value: str) -> str:
    """Return a label's value from the text between quotes."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
