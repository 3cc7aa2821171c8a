"""What is assumed of ecFlow's protocol, held to a real server of each release, one test an assumption."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import put_certificate
from tests.support.definitions import everything
from tests.support.ecflow_server import EcflowError, EcflowServer
from tests.support.loopback import await_true, free_port
from tests.support.release import Release
from watchman_cli.ecflow_client import (
    Access,
    AccessRefused,
    Answer,
    Changes,
    Client,
    Definition,
    Drop,
    FullSync,
    HandleGone,
    Limits,
    ListHandles,
    NodeState,
    Register,
    RequestRefused,
    Stats,
    Sync,
)
from watchman_cli.ecflow_client.node_state import STATES
from watchman_cli.ecflow_client.requests import Caller, Command, encode_request

NEVER = "no.such.suite"  # registered beside the suites, so that a handle can be recognised
SMALL = (
    "suite s\n  family f\n    task a\n    task b\n  endfamily\nendsuite\nsuite other\n  task t\nendsuite\n"
)


@dataclass
class Server:
    """A server of a release, an operator of it, and watchman's client."""

    operator: EcflowServer
    release: Release

    def client(self, **access: Any) -> Client:
        return Client(Access(self.operator.host, self.operator.port, **access))

    def ask(self, *commands: Command, **access: Any) -> Answer:
        return self.client(**access).ask(commands, limits())

    def full(self) -> Definition:
        found = self.ask(FullSync()).definition
        assert found
        return found

    def since(self, definition: Definition, handle: int = 0) -> Answer:
        return self.ask(Sync(definition.state_change_no, definition.modify_change_no, handle))

    def changes(self, definition: Definition, handle: int = 0) -> Changes:
        answer = self.since(definition, handle)
        assert answer.changes, answer
        return answer.changes

    def raw(self, *commands: Command) -> bytes:
        """Return the body of a reply as it came."""
        caller = Caller("somebody", socket.gethostname())
        return self.exchange(b"%8x" % len(body := encode_request(commands, caller)) + body)[8:]

    def exchange(self, request: bytes) -> bytes:
        """Send bytes, and return all that comes until the server closes the connection."""
        with socket.create_connection((self.operator.host, self.operator.port), timeout=30) as link:
            link.sendall(request)
            return b"".join(iter(lambda: link.recv(1 << 16), b""))

    def mementos(self, definition: Definition) -> set[str]:
        """Return the names of the mementos that an incremental answer brings."""
        sync = Sync(definition.state_change_no, definition.modify_change_no)
        names = re.findall(rb'"polymorphic_name": "(\w+)"', self.raw(sync))
        return {name.decode() for name in names} - {"SSyncCmd", "GroupSTCCmd"}


def limits() -> Limits:
    end = time.monotonic() + 60
    return Limits(end, end, 1 << 30)


def records(definition: Definition) -> list[list[str]]:
    """Return a definition's records, as EcflowServer.snapshot() gives them."""
    nodes = zip(definition.paths, definition.states, strict=True)
    return [["/", definition.state], *([path, state.dstate] for path, state in nodes)]


def with_changes(definition: Definition, changes: Changes) -> list[list[str]]:
    """Return the records of a definition after changes."""
    states = dict(zip(definition.paths, definition.states, strict=True))
    for node in changes.nodes:
        old = states[node.path]
        states[node.path] = NodeState(
            old.state if node.state is None else node.state,
            old.suspended if node.suspended is None else node.suspended,
        )
    state = definition.state if changes.state is None else changes.state
    return [["/", state], *([path, states[path].dstate] for path in definition.paths)]


@pytest.fixture
def server(release_server: EcflowServer, release: Release) -> Server:
    return Server(release_server, release)


@pytest.fixture
def small(server: Server) -> Server:
    server.operator.load_text(SMALL)
    server.operator.suspend(["/s", "/other"])  # a server that runs would submit jobs at the next minute
    server.operator.begin_all_suites()
    return server


@pytest.fixture
def full(server: Server) -> Server:
    """A server that holds everything its version knows."""
    server.operator.load_text(everything(server.release.version))
    server.operator.suspend("/everything")
    server.operator.begin_suite("everything")
    return server


# ------------------------------------------------------------------------------ requests and replies


def test_the_length_is_eight_characters_in_hexadecimal_blanks_allowed(small: Server) -> None:
    body = encode_request([Stats()], Caller("somebody", "here"))
    for length in (b"%8x" % len(body), b"%08x" % len(body)):
        reply = small.exchange(length + body)
        assert int(reply[:8], 16) == len(reply) - 8


def test_the_server_closes_the_connection_after_its_reply(small: Server) -> None:
    assert small.raw(Stats())  # which ends where the connection does


def test_the_reply_is_json_with_the_type_of_each_command_of_a_group(small: Server) -> None:
    document = json.loads(small.raw(Stats(), ListHandles(), Sync(0, 0)))
    group = document["22ServerToClientResponse"]["stc_cmd_"]
    assert group["polymorphic_name"] == "GroupSTCCmd"
    members = group["ptr_wrapper"]["data"]["cmdVec_"]
    names = [member["polymorphic_name"] for member in members]
    assert names == ["SStringCmd", "SClientHandleSuitesCmd", "SSyncCmd"]


def test_several_commands_are_answered_in_one_request(small: Server) -> None:
    before = small.operator.requests()
    answer = small.ask(Stats(), ListHandles(), Sync(0, 0))
    assert answer.statistics and answer.handles == () and answer.definition
    assert small.operator.requests() == before + 1


def test_the_server_logs_each_request_with_user_and_host(small: Server) -> None:
    small.raw(Stats())
    logs = b"".join(path.read_bytes() for path in small.operator.home.glob("*.ecf.log"))
    assert f":somebody@{socket.gethostname()}".encode() in logs


def test_nothing_changed_is_at_most_three_kilobytes(full: Server) -> None:
    known = full.full()
    client = full.client()
    answer = client.ask(
        [Stats(), ListHandles(), Sync(known.state_change_no, known.modify_change_no)], limits()
    )
    assert answer.changes and not answer.changes.nodes
    assert client.requests == 1
    assert client.received <= 3000


def test_a_user_who_is_not_allowed_is_refused(
    ecflow_server: Callable[..., EcflowServer], release: Release, tmp_path: Path
) -> None:
    white_list = tmp_path / "lists"
    white_list.write_text("4.4.14\nsomebody\n")
    server = Server(ecflow_server(release=release, environment={"ECF_LISTS": str(white_list)}), release)
    with pytest.raises(AccessRefused):
        server.ask(FullSync(), user="other")


@pytest.mark.parametrize("password", ["secret", "50%!", "ä"])
def test_a_password_is_sent_as_crypt_with_the_user_as_salt(
    ecflow_server: Callable[..., EcflowServer], release: Release, tmp_path: Path, password: str
) -> None:
    port = free_port()
    passwords = tmp_path / "passwords"
    passwords.write_text(f"5.0.0\nfred {socket.gethostname()} {port} {password}\n", encoding="utf-8")
    environment = {"ECF_CUSTOM_PASSWD": str(passwords)}
    server = Server(ecflow_server(release=release, port=port, environment=environment), release)
    assert server.ask(FullSync(), user="fred", password=password).definition
    with pytest.raises(AccessRefused):
        server.ask(FullSync(), user="fred", password=f"{password}x")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return the certificate of a home directory, where ecFlow looks for it."""
    return put_certificate(tmp_path / ".ecflowrc" / "ssl")


def test_over_tls_the_bytes_are_the_same(
    ecflow_server: Callable[..., EcflowServer], release: Release, tmp_path: Path, certificate: Path
) -> None:
    environment = {"ECF_SSL": "1", "HOME": str(tmp_path)}
    server = Server(ecflow_server(release=release, environment=environment), release)
    answer = server.ask(Stats(), FullSync(), protocol="ssl", certificate=str(certificate))
    assert answer.definition and answer.statistics


def test_http_brings_the_same_json_since_5_14(
    ecflow_server: Callable[..., EcflowServer], release: Release
) -> None:
    if release.version < (5, 14):
        said = subprocess.run(
            release.command("ecflow_server", "--help"), capture_output=True, text=True, check=False
        )
        assert "--http" not in said.stdout + said.stderr
        return
    server = Server(ecflow_server(release=release, arguments=["--http"]), release)
    answer = server.ask(Stats(), ListHandles(), FullSync(), protocol="http")
    assert answer.statistics and answer.statistics.instance
    assert answer.definition and answer.handles == ()


# ------------------------------------------------------------------------------ the definition's text


def test_a_full_answer_has_every_node_as_the_bindings_see_it(full: Server) -> None:
    found = full.full()
    truth = full.operator.snapshot()
    assert records(found) == truth["records"]
    assert found.server_state == truth["server_state"]
    assert found.version == ".".join(map(str, full.release.version))


def test_a_server_without_suites_has_the_state_unknown(server: Server) -> None:
    assert records(server.full()) == [["/", "unknown"]] == server.operator.snapshot()["records"]


def test_a_label_or_variable_cannot_forge_a_line(small: Server) -> None:
    forged = "x\nendtask\n  task forged # state:aborted\nendsuite\nsuite forged\n# enddef"
    small.operator.alter("/s/f/a", "add", "variable", "V", forged)
    small.operator.alter("/s/f/a", "add", "label", "L", forged)
    assert records(small.full()) == small.operator.snapshot()["records"]
    assert not any("forged" in path for path in small.full().paths)


@pytest.mark.parametrize("text", ["é".encode("latin-1"), "é€𝄞".encode(), b"\x80\xff"])
def test_text_may_be_in_any_encoding(server: Server, text: bytes) -> None:
    path = server.operator.home / "any.def"
    path.write_bytes(b"suite s\n task t\n  edit V '" + text + b"'\n  label L \"" + text + b'"\nendsuite\n')
    server.operator.load(str(path))
    assert server.full().paths == ["/s", "/s/t"]
    known = server.full()
    server.operator.force_state("/s/t", "State.aborted")
    assert with_changes(known, server.changes(known))[2] == ["/s/t", "aborted"]


def test_change_numbers_come_with_the_definition_and_with_changes(small: Server) -> None:
    known = small.full()
    small.operator.force_state("/s/f/a", "State.aborted")
    changes = small.changes(known)
    now = small.full()
    assert changes.state_change_no == now.state_change_no > known.state_change_no
    assert changes.modify_change_no == now.modify_change_no == known.modify_change_no


# ----------------------------------------------------------------------------------------- changes


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_number(small: Server, state: str) -> None:
    small.operator.resume(["/s", "/other"])
    other = "complete" if state != "complete" else "aborted"
    small.operator.force_state("/s/f/a", f"State.{other}")
    known = small.full()
    small.operator.force_state("/s/f/a", f"State.{state}")
    changes = small.changes(known)
    assert ("/s/f/a", state) in [(node.path, node.state) for node in changes.nodes]
    assert with_changes(known, changes) == small.operator.snapshot()["records"]


def test_a_suspended_node_has_its_own_memento(small: Server) -> None:
    known = small.full()
    small.operator.suspend("/s/f/a")
    assert small.mementos(known) >= {"SuspendedMemento"}
    assert with_changes(known, small.changes(known)) == small.operator.snapshot()["records"]


def test_the_state_of_the_server_has_its_own_memento(small: Server) -> None:
    for action, state in (
        (small.operator.restart_server, "RUNNING"),
        (small.operator.shutdown_server, "SHUTDOWN"),
        (small.operator.halt_server, "HALTED"),
    ):
        known = small.full()
        action()
        assert small.changes(known).server_state == state == small.operator.snapshot()["server_state"]


def test_flags_have_their_own_memento(small: Server) -> None:
    known = small.full()
    small.operator.alter("/s/f/a", "set_flag", "late")
    late = next(node for node in small.changes(known).nodes if node.path == "/s/f/a")
    now = small.full()
    assert dict(late.details) == dict(now.states[now.paths.index("/s/f/a")].details)


STRUCTURE: dict[str, Callable[[EcflowServer], object]] = {
    "a node is deleted": lambda e: e.delete("/s/f/b"),
    "a suite is deleted": lambda e: e.delete("/other"),
    "a suite is added": lambda e: e.load_text("suite new\n task t\nendsuite\n"),
    "a suite is replaced": lambda e: e.load_text("suite other\n task u\nendsuite\n", True),
    "tasks are ordered": lambda e: e.order("/s/f/b", "top"),
    "suites are ordered": lambda e: e.order("/other", "top"),
    "everything is deleted": lambda e: e.delete_all(True),
}


@pytest.mark.parametrize("what", STRUCTURE)
def test_the_whole_definition_comes_or_must_be_asked_for_when(small: Server, what: str) -> None:
    known = small.full()
    STRUCTURE[what](small.operator)
    answer = small.since(known)
    assert answer.changes is None
    assert answer.definition or answer.required
    found = answer.definition or small.full()
    assert records(found) == small.operator.snapshot()["records"]


def test_the_whole_definition_comes_where_the_numbers_are_greater_than_the_servers(small: Server) -> None:
    known = small.full()
    found = small.ask(Sync(known.state_change_no + 100, known.modify_change_no + 100)).definition
    assert found and records(found) == records(known)


def test_the_whole_definition_comes_for_the_numbers_zero(small: Server) -> None:
    found = small.ask(Sync(0, 0)).definition
    assert found and records(found) == small.operator.snapshot()["records"]


A = "/everything/tasks/attributes"
ATTRIBUTES: dict[str, tuple[Sequence[str], str]] = {
    "variable": ([A, "change", "variable", "VARIABLE", "x"], "NodeVariableMemento"),
    "label": ([A, "change", "label", "info", "x\ny"], "NodeLabelMemento"),
    "meter": ([A, "change", "meter", "progress", "10"], "NodeMeterMemento"),
    "event": ([A, "change", "event", "done", "set"], "NodeEventMemento"),
    "repeat": ([A, "change", "repeat", "4", ""], "NodeRepeatMemento"),
    "limit": ([A, "change", "limit_value", "disk", "2"], "NodeLimitMemento"),
    "late": ([A, "change", "late", "-s +00:20", ""], "NodeLateMemento"),
    "trigger": (["/everything/trigger/t", "add", "variable", "V", "1"], "NodeVariableMemento"),
    "defstatus": (
        ["/everything/defstatus", "change", "defstatus", "queued", ""],
        "NodeDefStatusDeltaMemento",
    ),
    "server variable": (["/", "add", "variable", "V", "1"], "ServerVariableMemento"),
    "date": (["/everything/repeats", "change", "repeat", "20260105", ""], "NodeRepeatMemento"),
    "enumerated": (["/everything/enumerated", "change", "repeat", "b", ""], "NodeRepeatMemento"),
}
NEW = {
    "aviso": (
        "/outside/aviso",
        "AVISO",
        """--listener '{ "event": "mars", "request": { "class": "rd" } }'""",
        "NodeAvisoMemento",
    ),
    "mirror": ("/outside/mirror", "MIRROR", "--remote_path /t --remote_host 127.0.0.1", "NodeMirrorMemento"),
}


@pytest.mark.parametrize("what", ATTRIBUTES)
def test_a_memento_of_an_attribute_is_passed_over(full: Server, what: str) -> None:
    arguments, memento = ATTRIBUTES[what]
    known = full.full()
    full.operator.alter(*arguments)
    names = full.mementos(known)
    assert any(name.startswith(memento.removesuffix("Memento")) for name in names), names
    answer = full.since(known)
    if answer.changes:
        assert with_changes(known, answer.changes) == full.operator.snapshot()["records"]
    else:
        # Before 5.12 the flags are not reported where attributes were added, removed or replaced.
        assert answer.required and full.release.version < (5, 12)


@pytest.mark.parametrize("what", NEW)
def test_a_memento_of_5_13_is_passed_over(full: Server, what: str) -> None:
    path, name, value, memento = NEW[what]
    known = full.full()
    if full.release.version < (5, 13):
        with pytest.raises(EcflowError):
            full.operator.alter(path, "change", what, name, value)
        return
    full.operator.alter(path, "change", what, name, value)
    assert memento in full.mementos(known)
    full.operator.force_state("/outside/t", "State.aborted")
    assert with_changes(known, full.changes(known)) == full.operator.snapshot()["records"]


def test_a_repeat_of_5_12_and_of_5_17_is_passed_over(full: Server) -> None:
    for name, since in (("datetime", (5, 12)), ("datetimelist", (5, 17))):
        path = f"/everything/tasks/{name}"
        known = full.full()
        assert (path in known.paths) == (full.release.version >= since)
        if path in known.paths:
            full.operator.force_state(path, "State.complete")
            assert with_changes(known, full.changes(known)) == full.operator.snapshot()["records"]


# ------------------------------------------------------------------------------------------ restarts


def restart(server: Server) -> None:
    server.operator.kill()
    server.operator.start()


def test_statistics_tell_one_start_from_another(small: Server) -> None:
    def instance() -> Any:
        found = small.ask(Stats()).statistics
        assert found and found.instance and found.missing == ()
        return found.instance

    before = instance()
    assert before.version == ".".join(map(str, small.release.version))
    assert before.port == str(small.operator.port)
    assert (before.pid is not None) == (small.release.version >= (5, 16))
    assert instance() == before

    def restarted() -> bool:
        restart(small)  # until the start is of another second
        return bool(instance() != before)

    await_true(restarted, "a restart was not reported")


def test_the_count_of_stats_requests_begins_again(small: Server) -> None:
    def count() -> int:
        found = small.ask(Stats()).statistics
        assert found
        return found.stats_count

    first = count()
    assert count() == first + 1
    assert count() == first + 2
    restart(small)
    assert count() == first


@pytest.mark.parametrize("checkpoint", [False, True])
def test_change_numbers_begin_again_with_a_restart(small: Server, checkpoint: bool) -> None:
    """So what they are counted from must be reported by something else (stats)."""
    for state in STATES:
        small.operator.force_state("/s/f/a", f"State.{state}")
    if checkpoint:
        small.operator.checkpt()
    known = small.full()
    restart(small)
    now = small.full()
    assert (now.paths == known.paths) == checkpoint
    assert now.state_change_no < known.state_change_no


# ------------------------------------------------------------------------------------ client handles


def register(server: Server, *suites: str) -> int:
    found = server.ask(Register((*suites, NEVER))).registered
    assert found
    return found


def test_a_handle_brings_only_its_suites(small: Server) -> None:
    handle = register(small, "s")
    found = small.ask(Sync(0, 0, handle)).definition
    assert found and found.paths == ["/s", "/s/f", "/s/f/a", "/s/f/b"]


def test_the_handle_registered_first_in_a_group_is_that_of_the_second_command(small: Server) -> None:
    answer = small.ask(Register(("s", NEVER)), FullSync())
    assert answer.registered and answer.definition
    assert answer.definition.paths == ["/s", "/s/f", "/s/f/a", "/s/f/b"]


def test_changes_in_other_suites_cost_a_handle_nothing(small: Server) -> None:
    handle = register(small, "s")
    known = small.ask(Sync(0, 0, handle)).definition
    assert known
    small.operator.force_state("/other/t", "State.aborted")
    small.operator.delete("/other")
    small.operator.load_text("suite third\n task t\nendsuite\n")
    answer = small.since(known, handle)
    assert answer.changes and not answer.changes.nodes, answer
    small.operator.force_state("/s/f/a", "State.aborted")
    changed = {node.path for node in small.changes(known, handle).nodes}
    assert changed and all(path.startswith("/s") for path in changed)


def test_handles_are_listed_with_their_users_and_suites(small: Server) -> None:
    first, second = register(small, "s"), register(small, "other")
    listed = small.ask(ListHandles()).handles
    assert listed
    assert {(each.number, each.suites) for each in listed} == {
        (first, ("s", NEVER)),
        (second, ("other", NEVER)),
    }
    assert len({each.user for each in listed}) == 1 and listed[0].user


def test_a_handle_that_was_dropped_is_reported_and_ends_no_server(small: Server) -> None:
    handle = register(small, "s")
    known = small.ask(Sync(0, 0, handle)).definition
    assert known
    small.ask(Drop(handle))
    for numbers in ((0, 0), (known.state_change_no, known.modify_change_no)):
        assert isinstance(small.ask(Sync(*numbers, handle)).error, HandleGone)
    assert isinstance(small.ask(Drop(handle)).error, HandleGone)
    assert records(small.full()) == small.operator.snapshot()["records"]


def test_the_number_of_a_dropped_handle_is_given_to_somebody_else(small: Server) -> None:
    handle = register(small, "s")
    small.ask(Drop(handle))
    assert register(small, "other") == handle


def test_handles_are_gone_after_a_restart(small: Server) -> None:
    small.operator.checkpt()
    handle = register(small, "s")
    restart(small)
    assert small.ask(ListHandles()).handles == ()
    assert isinstance(small.ask(Sync(0, 0, handle)).error, HandleGone)


def test_a_full_sync_cannot_be_asked_for_with_a_handle() -> None:
    """It would end ecflow_server 5.9.2 where the handle is gone (SIGSEGV)."""
    assert not hasattr(FullSync(), "handle")
    assert b'"client_handle_":0' in encode_request([FullSync()], Caller("somebody", "here"))


def test_change_numbers_are_signed_and_of_32_bits(small: Server) -> None:
    found = small.ask(Sync(2**31 - 1, 2**31 - 1)).definition
    assert found and records(found) == small.operator.snapshot()["records"]
    with pytest.raises(RequestRefused):
        small.ask(Sync(2**31, 2**31))
    assert records(small.full()) == records(found)
