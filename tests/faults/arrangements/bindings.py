"""Faults of the referee: the ecflow bindings, and the process that runs them."""

from __future__ import annotations

import uuid

from tests.faults.arrangements.servers import hang
from tests.faults.environment import BAD, ECFLOW_SECRET, GOOD, USER, FaultRun
from tests.support.redis_server import verify_next

REAL = """
import os, sys
here = os.path.dirname(__file__)
sys.path.remove(here)
del sys.modules["ecflow"]
import ecflow
client = ecflow.Client
"""
DUMPING = ("prlimit", "--core=unlimited")  # a core dump would be left in the working directory


def due(run: FaultRun, *names: str) -> None:
    """Have the bindings be due to read these servers, too."""
    for name in names or (BAD,):
        verify_next(run.redis.client, name)


def details_not_permitted(run: FaultRun) -> None:
    """Keep the details of o/bad, and forbid to read all of them."""
    run.entry["details"] = True
    run.redis.client.execute_command("ACL", "SETUSER", "watchman", "-hgetall")
    due(run)


def missing(run: FaultRun) -> None:
    """Have no interpreter with the bindings."""
    run.interpreter("", "-S -E")
    due(run, GOOD, BAD)


def crashing_at_once(run: FaultRun) -> None:
    """Have the import end the interpreter."""
    run.prefix = DUMPING
    run.interpreter("import ctypes; ctypes.string_at(0)")
    due(run)


def hanging(run: FaultRun) -> None:
    """Have the import never end."""
    run.interpreter("import time; time.sleep(99)")
    due(run)


def interposed(statement: str) -> str:
    """Return a module with the bindings in which a statement is executed when a client is made."""
    return f"""{REAL}
def interposed(host, port):
    {statement}
    return client(host, port)
ecflow.Client = interposed
"""


def in_client(run: FaultRun, statement: str) -> None:
    """Have a statement be executed when the bindings make a client."""
    run.interpreter(interposed(statement))
    due(run)


def crashing(run: FaultRun) -> None:
    """Have the bindings crash over a server."""
    run.prefix = DUMPING
    in_client(run, "import ctypes; ctypes.string_at(0)")


def noisy(run: FaultRun) -> None:
    """Have the bindings print."""
    run.interpreter(
        f"""{REAL}
def noise(*_):
    os.write(1, b"Connection refused, timed out, authentication failed\\n" * 2000)
    os.write(2, b"\\xff\\x00\\x1b[31m" * 2000)
def noisy(host, port):
    noise()
    return client(host, port)
noise()
ecflow.Client = noisy
"""
    )
    due(run)


def killed(run: FaultRun) -> None:
    """Have something kill the bindings' process."""
    in_client(run, "import signal; os.kill(os.getpid(), signal.SIGKILL)")


def without_memory(run: FaultRun) -> None:
    """Have the bindings' process reach a limit of its memory."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))"
    in_client(run, f"{limit}; bytearray(1 << 30)")


def differing(run: FaultRun) -> None:
    """Have the bindings read another server than the one that is asked."""
    other = run.environment.server(f"other{uuid.uuid4().hex}")
    run.stack.callback(other.stop)
    passwords = run.folder / "passwords"
    passwords.write_text(f"5.0.0\n{USER} {other.host} {other.port} {ECFLOW_SECRET}\n")
    in_client(run, f"port = {other.port}; os.environ['ECF_CUSTOM_PASSWD'] = '{passwords}'")
    run.truth = other


def only_bindings(run: FaultRun, module: str, options: str = "") -> None:
    """Have both servers be read by the bindings, which are imported by way of a module."""
    run.interpreter(module, options)
    run.entry["reader"] = run.good["reader"] = "bindings"


def only_reader_crashes(run: FaultRun) -> None:
    """Have both servers be read by the bindings, which crash over o/bad."""
    run.prefix = DUMPING
    hang(run)
    port = run.entry["port"]
    crash = "import ctypes; ctypes.string_at(0)"
    only_bindings(run, interposed(f"if port == {port}: {crash}"))
