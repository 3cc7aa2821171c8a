"""Faults on the way to an ecFlow server, and of the server itself."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

from tests.conftest import require_namespace
from tests.faults.environment import ECFLOW_SECRET, MARKER, MEDIUM, FaultRun
from tests.support.ecflow_server import EcflowError, EcflowServer
from tests.support.faulty_server import Connection, Reply, black_hole, http_front
from tests.support.loopback import free_port
from tests.support.redis_server import RedisServer


def signalled(server: EcflowServer | RedisServer, signum: int) -> None:
    """Send a server a signal."""
    assert server.process
    server.process.send_signal(signum)


def hang(run: FaultRun) -> None:
    """Accept, and never answer."""
    run.fake(lambda connection: None)


def dead_port(run: FaultRun) -> None:
    """Have nothing listen."""
    run.set_address(("127.0.0.1", free_port()))


def in_black_hole(run: FaultRun) -> None:
    """Have packets dropped."""
    run.set_address(run.stack.enter_context(black_hole()))


def unresolved(run: FaultRun) -> None:
    """Name a host that does not exist."""
    run.variables["RES_OPTIONS"] = "timeout:1 attempts:1"  # where no resolver can be reached
    run.set_address(("no-such-host.invalid.", 3141))


def without_network(run: FaultRun) -> None:
    """Leave only a Unix socket that leads out of the namespace in which the run is."""
    require_namespace("--net")
    home = run.folder / "unix"
    home.mkdir()
    path = home / "socket"
    run.redis.kill()
    run.redis.arguments = (*run.redis.arguments, "--unixsocket", str(path))
    run.redis.start()
    secret = run.store.split(":")[2].partition("@")[0]
    run.store = f"unix://watchman:{secret}@{path}"
    run.prefix = ("unshare", "--net")


def silent_resolver(run: FaultRun) -> None:
    """Have names be asked of a socket that nobody reads."""
    require_namespace("--mount")
    silent = run.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    silent.bind((f"127.53.{os.getpid() % 250}.{threading.get_native_id() % 250 + 1}", 53))
    config = run.folder / "resolv.conf"
    config.write_text(f"nameserver {silent.getsockname()[0]}\n")
    script = f'mount --bind {config} /etc/resolv.conf && exec "$0" "$@"'
    run.prefix = ("unshare", "--mount", "sh", "-c", script)
    run.set_address(("ecflow.example.org", 3141))


def a_byte_a_second(reply: Reply) -> None:
    """Pass an answer on, slowly."""
    for byte in reply.data:
        reply.connection.forward(bytes([byte]))
        threading.Event().wait(1)


def close(connection: Connection) -> None:
    """Close a connection once a request came."""
    connection.client.recv(1 << 16)
    connection.client.close()


def reset(connection: Connection) -> None:
    """Reset a connection once a request came."""
    connection.client.recv(1 << 16)
    connection.reset()


def half_way(run: FaultRun) -> None:
    """Close in the middle of a large reply."""
    run.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if reply.before > 1 << 20:
            happened.set()
            reply.connection.client.shutdown(socket.SHUT_RDWR)
            raise OSError("closed half-way")
        reply.connection.forward(reply.data)

    run.proxy(run.environment.large, behave)


def tls_server(run: FaultRun) -> EcflowServer:
    """Have the server speak TLS."""
    home = run.environment.certificates(run.folder / "tls")
    return run.own_server("", ECF_SSL="1", HOME=str(home))


def half_way_over_tls(run: FaultRun) -> None:
    """Close in the middle of a reply over TLS."""
    home = run.environment.certificates(run.folder)
    run.entry["protocol"] = "ssl"
    run.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if reply.before:  # the handshake comes first
            happened.set()
            reply.connection.forward(reply.data[: len(reply.data) // 2])
            raise OSError("closed half-way")
        reply.connection.forward(reply.data)

    run.proxy(run.own_server("", ECF_SSL="1", HOME=str(home)), behave)


def wrong_protocol(run: FaultRun, asked: str, spoken: str) -> None:
    """Ask a server in another protocol than it speaks, with a certificate where one is needed."""
    run.environment.certificates(run.folder)
    run.entry["protocol"] = asked
    if spoken == "ssl":
        tls_server(run)
    elif spoken != "tcp":
        chain = run.folder / ".ecflowrc" / "ssl" if spoken == "https" else None
        run.set_address(run.stack.enter_context(http_front(run.environment.healthy.port, chain)))


def no_certificate(run: FaultRun) -> None:
    """Ask a server that speaks TLS with no certificate at hand."""
    tls_server(run)
    run.entry["protocol"] = "ssl"


def no_handshake(run: FaultRun) -> None:
    """Have the handshake refused with a fatal alert."""
    run.environment.certificates(run.folder)
    run.entry["protocol"] = "ssl"
    run.answer(b"\x15\x03\x03\x00\x02\x02\x28")


def stopped_for_a_while(run: FaultRun) -> None:
    """Stop the server in the middle of a reply, and let it go on."""
    server = run.environment.large
    run.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        reply.connection.forward(reply.data)
        if reply.before > 1 << 20 and not happened.is_set():
            happened.set()
            signalled(server, signal.SIGSTOP)
            run.stack.callback(signalled, server, signal.SIGCONT)
            threading.Timer(0.7, signalled, [server, signal.SIGCONT]).start()

    run.proxy(server, behave)


def killed(run: FaultRun, again: bool) -> None:
    """Kill the server in the middle of a reply."""
    server = run.own_server(MEDIUM)
    server.checkpt()
    run.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if happened.is_set():
            reply.connection.forward(reply.data)
            return
        happened.set()
        reply.connection.forward(reply.data[: len(reply.data) // 2])
        server.kill()
        if again:
            server.start()
        raise OSError("its server is dead")

    run.proxy(server, behave)


def refused_by_white_list(run: FaultRun) -> None:
    """Have the server's white list name somebody else."""
    lists = run.folder / "lists"
    lists.write_text("4.4.14\nsomebody\n")
    run.own_server("", ECF_LISTS=str(lists))


def wrong_password(run: FaultRun) -> None:
    """Give a password that is not the server's."""
    run.own_server("")
    run.entry["password"] = ECFLOW_SECRET[::-1]


def vanishing(run: FaultRun) -> None:
    """Delete all suites between two attempts."""
    server = run.own_server(MEDIUM)
    run.happened = happened = threading.Event()

    def behave(reply: Reply) -> None:
        if not happened.is_set():
            happened.set()
            server.delete_all(True)
            raise OSError("closed")
        reply.connection.forward(reply.data)

    run.proxy(server, behave)


def deep(run: FaultRun) -> None:
    """Nest nodes deep, and give them odd names."""
    names = ["_", "0", "9.9.9", "a.b_c", "__.__", "Z" * 250, "007", "e" + ".1" * 60]
    tasks = "".join(f"task {name}\nlabel l '{MARKER}'\n" for name in names)
    suites = "".join(f"suite {name}\nfamily {name}\n{tasks}endfamily\nendsuite\n" for name in names)
    levels = "".join(f"family {names[level % 8]}\n" for level in range(100))
    run.own_server(f"{suites}suite deep\n{levels}{tasks}" + "endfamily\n" * 100 + "endsuite\n")


def dropped_handle(run: FaultRun) -> None:
    """Have somebody drop the client handle that watchman keeps for its suites."""
    server = run.own_server(MEDIUM)
    run.entry["suites"] = ["s"]
    first = run.collect()
    assert first.code == 0, first.err
    ((handle, _, _),) = server.handles()
    server.ch_drop(handle)


def changed_handle(run: FaultRun) -> None:
    """Have a client take a suite out of the client handle that watchman keeps."""
    server = run.own_server(MEDIUM)
    run.entry["suites"] = ["s"]
    first = run.collect()
    assert first.code == 0, first.err
    ((handle, _, _),) = server.handles()
    server.ch_remove(handle, ["s"])


def refused_plug(run: FaultRun) -> None:
    """Have a client move an archived suite to where it is, which the server refuses after restoring it."""
    server = run.own_server(MEDIUM)
    server.alter("/s", "add", "variable", "ECF_HOME", str(server.home))
    server.archive("/s")
    run.entry["suites"] = ["s"]
    first = run.collect()
    assert first.code == 0, first.err
    with contextlib.suppress(EcflowError):
        server.plug("/s", "/s")
