"""Steps of a soak that set texts of several lines, and a full sync by bindings that cannot misread them.

ECMWF's bindings misread such a text. So they ask through a relay, which puts each text that the soak has set
on one line: it looks for the whole text, and need not know where a text in a definition ends.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.support.agents import ask_agent
from tests.support.ecflow_server import EcflowError, EcflowServer
from tests.support.jobs import SCRIPT, init_job
from tests.support.relay import Relay

if TYPE_CHECKING:
    from tests.soak.soak import Soak

KEYWORDS = ("task", "family", "endfamily", "suite", "endsuite")  # nodes that are named so
IDS = (
    "Submitted batch job 4711\nsbatch: partition ok",
    "4711.pbs\nendsuite",
    "4711\nendfamily\nendsuite\nsuite forged\nendsuite",
    "12\ntask x\nendfamily\n# state:complete",
    "13\n  task x # state:aborted dur:00:00:01",
    "14\n\n# enddef",
    "16\ncalendar initTime:2026-Jan-01 00:00:00",
    'label info "17\nstate:aborted flag:late"',
    "18 abort<: no\nreason>abort\n19",
)
# The last one is a trigger once the server has read its own checkpoint, and stands in its text as before.
TWO_MEANINGS = (
    "20\ntask forged #",
    "21\ntask forged # try:1 state:active",
    "22\ntrigger t1 == complete and",
)
UNREAD, JOB_LIMIT = 0.05, 2.0  # how probable a text of two meanings is; seconds in which a job is heard


class OneLine:
    """A way to the server on which each of `texts` has one line."""

    def __init__(self, server: EcflowServer) -> None:
        self.server = server
        self.texts: dict[bytes, bytes] = {}  # as they stand in a reply, and what takes their place
        self.seen = 0  # how many there were in the last reading
        self.relay = Relay(server.port, self._rewrite)

    def add_id(self, text: str) -> None:
        """Know a job's id."""
        self.texts[b"rid:" + _in_json(text)] = b"rid:1"

    def add_expression(self, text: str) -> None:
        """Know a trigger or a complete."""
        self.texts[_in_json(text)] = _in_json(text.replace("\n", " "))

    def snapshot(self) -> Any:
        """Return what a full sync by the bindings shows. Raises EcflowError."""
        kind, found = ask_agent(self.server.release, [self.relay.host, self.relay.port, "snapshot"])
        self.relay.take()
        if kind == "error":
            raise EcflowError(found)
        return found

    def close(self) -> None:
        self.relay.__exit__()

    def _rewrite(self, _: bytes, reply: bytes) -> bytes:
        self.seen = 0
        for text, other in self.texts.items():
            self.seen += reply.count(text)
            reply = reply.replace(text, other)
        return reply


def _in_json(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


def load(soak: Soak) -> Any:
    """Load a suite, since there is no task."""
    name = f"s{soak.random.randint(0, 5)}"
    soak.ecflow.load_text(soak.definition(name), True)
    return name


def set_id(soak: Soak) -> Any:
    """A job is submitted, and gives an id of several lines as it begins."""
    above = {path.rpartition("/")[0] for path in soak.paths}
    inside = [path for path in soak.paths if path.count("/") > 1]
    tasks = [path for path in inside if path not in above and "/alias" not in path]
    if not tasks:
        return load(soak)
    path = soak.random.choice(tasks)
    suite, name = path.split("/")[1], path.rpartition("/")[2]
    text = soak.random.choice(TWO_MEANINGS if soak.random.random() < UNREAD else IDS)
    home = soak.ecflow.home
    (home / f"{name}.ecf").write_text(SCRIPT)
    for variable, value in (("ECF_FILES", home), ("ECF_HOME", home), ("ECF_JOB_CMD", "true")):
        soak.ecflow.alter(f"/{suite}", "add", "variable", variable, str(value))
    for job in home.glob(f"{path[1:]}.job*"):
        job.unlink()
    soak.ecflow.restart_server()
    with suppress(EcflowError):  # it was begun
        soak.ecflow.begin_suite(suite)
    soak.ecflow.run(path, True)
    jobs = list(home.glob(f"{path[1:]}.job*"))
    if not jobs:
        return path, "no job"
    soak.one_line.add_id(text)
    try:
        init_job(soak.ecflow, path, jobs[0], text, JOB_LIMIT)
    except (subprocess.SubprocessError, ValueError) as error:
        raise EcflowError(f"{path}: {error}") from error
    soak.several_lines["ids"] += 1
    return path, text


def set_expression(soak: Soak) -> Any:
    """A trigger or a complete of several lines is set."""
    inside = [path for path in soak.paths if path.count("/") > 1]
    if not inside:
        return load(soak)
    path = soak.random.choice(inside)
    above = path.rpartition("/")[0]
    siblings = [other.rpartition("/")[2] for other in inside if other.rpartition("/")[0] == above]
    name = soak.random.choice([name for name in siblings if name in KEYWORDS] or siblings)
    other = soak.random.choice(siblings)
    text = soak.random.choice((
        "1 == 0 and\n0 == 1",
        "1 == 0\n  or 1 == 0",
        f"{other} == complete and\n{name} == complete",
        f"{other} == aborted and\n{name} eq complete and\n{name} == unknown",
        f"{other} == complete\nand\n{name} eq\ncomplete",
        f"1 == 0 and\n{name}\neq complete",
        f"({name} == complete\nor {other} == aborted)\n\n and ({name} == active)",
    ))  # fmt: skip
    soak.one_line.add_expression(text)
    what = soak.random.choice(("trigger", "trigger", "complete"))
    soak.ecflow.alter(path, "change", what, text)
    soak.several_lines["expressions"] += 1
    return path, what, text
