"""Rows: values in the store that are damaged, or that another program wrote."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.arrangements import stored
from tests.faults.case import FaultCase
from watchman_cli.ecflow_client import Instance

OVER = "overwritten"
READ_IN_FULL = "read in full, and overwritten"
FIELDS = ("status", "health", "sync", "lock")
NOT_OURS = {"lock": "taken over, because it does not expire as a run's lock does", "sync": READ_IN_FULL}
LARGE = 1 << 62  # more than ecFlow's numbers have room for

STORED_ROWS = tuple(
    replace(row, side="stored", code=0)
    for row in (
        *(
            FaultCase(
                f"{field} of another type",
                f"`{field}` in Redis is a key of another type",
                lambda run, field=field: stored.another_type(run, field),  # type: ignore[misc]
                "",
                OVER,
            )
            for field in FIELDS
        ),
        *(
            FaultCase(
                f"{field} not ours",
                f"`{field}` in Redis is a value that is not watchman's",
                lambda run, field=field: stored.not_ours(run, field),  # type: ignore[misc]
                "",
                NOT_OURS.get(field, OVER),
            )
            for field in FIELDS
        ),
        *(
            FaultCase(
                f"{field} huge",
                f"`{field}` in Redis has {size >> 20} MB",
                lambda run, field=field, size=size: stored.huge(run, field, size),  # type: ignore[misc]
                "",
                f"not read; {OVER}",
                deadline=8,
            )
            for field, size in (("health", 20 << 20), ("sync", 100 << 20))
        ),
        FaultCase(
            "snapshot damaged",
            "The snapshot in Redis was damaged after its beginning",
            stored.damaged,
            "",
            READ_IN_FULL,
        ),
        FaultCase("snapshot cut", "The snapshot in Redis was cut", stored.cut, "", READ_IN_FULL),
        FaultCase(
            "evicted",
            "Redis evicted the snapshot (`maxmemory-policy`), or it expired (`expire`)",
            stored.evicted,
            "",
            "read in full, and written; until then `list`, `check`, `show` and the page name both causes",
        ),
        FaultCase(
            "clock set back",
            "The clock was set back, and the snapshot in the store has a time in the future",
            stored.set_back,
            "in the future: the clock of its host was ahead",
            "written, with one warning: the newer reading counts, not the later time",
            where="warning",
        ),
        *(
            FaultCase(
                f"health of absurd size: {name}",
                "The health record has absurdly large numbers, or invalid times",
                lambda run, name=name, value=value: stored.health_with(run, **{name: value}),  # type: ignore[misc]
                "",
                "its invalid parts are not used, and are overwritten",
                listed=name == "failures",
            )
            for name, value in (
                ("failures", (1 << 64) - 1),
                ("nodes", (1 << 63)),
                ("attempts", (1 << 64) - 1),
                ("next_verification", "9999-99-99T99:99:99+99:99"),
                ("failing_since", "2026-13-45T99:99:99Z"),
            )
        ),
        *(
            FaultCase(
                f"cache of absurd content: {name}",
                "The sync cache was forged with absurdly large numbers, or invalid states",
                lambda run, change=change: stored.forged(run, change),  # type: ignore[misc]
                "",
                READ_IN_FULL,
                listed=name == "numbers",
            )
            for name, change in (
                ("numbers", lambda cache: cache._replace(state_change_no=LARGE, modify_change_no=LARGE)),
                ("below nothing", lambda cache: cache._replace(state_change_no=-1, modify_change_no=-1)),
                ("handle", lambda cache: cache._replace(handle=LARGE, marker="x")),
                ("nodes", lambda cache: cache._replace(nodes=-LARGE, rate=1e300)),
                ("states", lambda cache: cache._replace(suspended={"/forecast/f/suspended": ("wet", "x")})),
                ("instance", lambda cache: cache._replace(instance=Instance("", "", "", "", "1"))),
                ("calendars", lambda cache: cache._replace(begin_times={"forecast": "9999-Dec-31 23:59:59"})),
            )
        ),
    )
)
