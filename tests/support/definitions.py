"""A definition with every kind of attribute that a version of ecFlow has."""

from __future__ import annotations

_TASK = "/everything/tasks/attributes"
_ATTRIBUTES = """
      repeat integer STEP 0 10 2
      edit VARIABLE 'a b'
      label info "nothing yet"
      label lines "one\\ntask two\\nthree"
      meter progress 0 100 90
      event 1 ready
      event done
      late -s +00:15 -a 20:00 -c +02:00
      limit disk 10
      queue q first second third
      generic g one two
      zombie user:fob::300
"""
_TIMES = """
      time 10:00
      time +00:05 20:00 00:30
      today 03:00
      cron -w 0,1 10:00
      date 1.*.*
      day monday
"""
_AVISO = """
      aviso --name AVISO --listener '{ "event": "mars", "request": { "class": "od" } }' \
--url http://127.0.0.1:1/v1 --schema /no/such/schema --polling 60 --auth /no/such/authorisation
"""
_MIRROR = """
      mirror --name MIRROR --remote_path /s --remote_host 127.0.0.1 --remote_port 3199 --polling 60 \
--remote_auth /no/such/authorisation
"""


def everything(version: tuple[int, ...]) -> str:
    """Return a definition with everything that this version of ecFlow has for a node."""
    tasks = {"attributes": _ATTRIBUTES, "times": _TIMES}
    if version >= (5, 12):
        tasks["datetime"] = "repeat datetime DT 20260101T000000 20260102T000000 06:00:00\n"
    if version >= (5, 17):
        tasks["datetimelist"] = 'repeat datetimelist DTL "20260101T000000" "20260105T120000"\n'
    families = {
        "repeats": "repeat date YMD 20260101 20261231 1\n",
        "enumerated": 'repeat enumerated E "a" "b" "c"\n',
        "string": 'repeat string S "x" "y"\n',
        "day": "repeat day 1\n",
        "cancel": "autocancel +10\n",
        "archive": "autoarchive +10\n",
        "verify": "verify complete:1\n",
        "inlimit": f"inlimit {_TASK}:disk 1\n",
        "trigger": f"trigger {_TASK} == complete\ncomplete {_TASK}:done\n",
        "defstatus": "defstatus complete\n",
    }
    inside = "".join(f"    task {name}\n{text}" for name, text in tasks.items())
    beside = "".join(f"  family {name}\n{text}task t\nendfamily\n" for name, text in families.items())
    # These ask other servers once their suite has begun, so it does not; only "everything" may be begun.
    outside = {"aviso": _AVISO, "mirror": _MIRROR} if version >= (5, 13) else {}
    waiting = "".join(f"  task {name}\n{text}" for name, text in outside.items())
    return (
        "suite everything\n  clock real\n  edit SUITE 'one'\n"
        f"  family tasks\n{inside}  endfamily\n{beside}endsuite\n"
        f"suite outside\n  task t\n{waiting}endsuite\n"
    )
