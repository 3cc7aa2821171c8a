"""The metrics as text, in the format that node_exporter's textfile collector reads.

To import prometheus_client would take a tenth of a small run, so these few lines replace it. A test compares
them with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from watchman_cli.output.metrics import METRICS, Labels, Series, labels_of

_LABEL = re.compile(r'(\w+)="([^"\\]*(?:\\["\\n][^"\\]*)*)"')
_ESCAPE = re.compile(r"\\(.)")
_TO_ESCAPE = re.compile(r'[\\\n"]')


class _Form(NamedTuple):
    """The form of a metric's lines, in which the labels are in the order of their names.

    `places` has the place of each label of `labels_of` in them. `size` is the length of the labels with empty
    values. `template` is the line's, for the values in the order of `labels_of`, and the number.
    """

    names: Labels
    places: tuple[int, ...]
    size: int
    template: str


def encode(series: Series) -> bytes:
    """Return the metrics that have a value, in Prometheus's text format 0.0.4."""
    return "".join(_lines(series)).encode()


def decode(text: bytes) -> Series:
    """Return watchman's series in a text. Other or damaged lines are left out."""
    series: Series = {}
    for line in text.decode(errors="replace").split("\n"):
        name, _, rest = line.partition("{")
        if name not in METRICS:
            continue
        labels, _, number = rest.rpartition("} ")
        values = _values(_form(name), labels)
        if values is None:
            continue
        try:
            series.setdefault(name, {})[values] = float(number)
        except ValueError:
            continue
    return series


@cache
def _form(name: str) -> _Form:
    """Return the form of a metric's lines."""
    labels = labels_of(name)
    names = tuple(sorted(labels))
    size = len(",".join(f'{each}=""' for each in names))
    pairs = ",".join(f'{each}="{{{labels.index(each)}}}"' for each in names)
    template = f"{name}{{{{{pairs}}}}} {{{len(labels)}!r}}\n"
    return _Form(names, tuple(map(names.index, labels)), size, template)


def _values(form: _Form, text: str) -> Labels | None:
    """Return the values of the labels in a line, or None if the line has another form."""
    found = _LABEL.findall(text)
    values = [value for _, value in found]
    if tuple([name for name, _ in found]) != form.names or len(text) != form.size + sum(map(len, values)):
        return None
    if "\\" in text:
        values = [_unescaped(value) for value in values]
    return tuple([values[place] for place in form.places])


def _lines(series: Series) -> Iterator[str]:
    for name, numbers in series.items():
        if numbers:
            yield f"# HELP {name} {METRICS[name][1]}\n# TYPE {name} gauge\n"
        form = _form(name)
        for values in sorted(numbers):
            texts = map(_escaped, values) if _TO_ESCAPE.search("".join(values)) else values
            yield form.template.format(*texts, float(numbers[values]))


def _escaped(value: str) -> str:
    """Return a label's value with escapes, for quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _unescaped(value: str) -> str:
    """Return a label's value from the text between quotes."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
