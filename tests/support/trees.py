"""Records for hypothesis: trees of nodes whose names and details have what their bytes are searched for."""

from __future__ import annotations

from hypothesis import strategies as st

from watchman_cli.snapshot import SINCE_SHOWN, StatusRecord
from watchman_cli.status import NodeStatus

NAMES = st.sampled_from(("a", "b", 'q"}', "},{", '"path":', "ü", "a\\", "c"))
RECORDS = st.builds(
    lambda status, since, flags, more: ("", status, since if status in SINCE_SHOWN else None, flags, more),
    st.sampled_from([each.value for each in NodeStatus]),
    st.sampled_from((None, "2026-11-24T00:00:00+00:00", "2026-11-24T00:00:01+00:00")),
    st.sampled_from(((), ("late",), ("late", "zombie"))),
    st.sampled_from(((), (("deadline", "12:00"),), (("parts", ["},{", "late", 1]),))),
)
TREES = st.dictionaries(st.lists(NAMES, min_size=1, max_size=3).map(lambda p: "/" + "/".join(p)), RECORDS)


def records(tree: dict[str, tuple[object, ...]]) -> list[StatusRecord]:
    root = StatusRecord("/", "queued")
    return [root, *(StatusRecord(path, *record[1:]) for path, record in tree.items())]  # type: ignore[arg-type]
