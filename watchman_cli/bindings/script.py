"""Reads one server in full with the ecflow bindings. The only code that imports them.

It is run as a script by an interpreter that has the bindings, so it imports only them and the standard
library of Python 3.9. Standard input has the job, one JSON object; without `host` nothing is read.
Standard output gets one JSON object a line: the versions, or why the bindings cannot be imported; then
what was read, or why it was not. The process is killed when it takes too long, or when its parent dies.
"""

import sys

if sys.path and sys.path[0] and sys.path[0] == __file__.rpartition("/")[0]:
    sys.path.pop(0)  # the script's folder is not a place to import from

import ctypes
import json
import math
import os
import pwd
import re
import resource
import signal
from typing import Any

PR_SET_PDEATHSIG = 1
# The end of an expression that is not whole; a variable may have any name.
NEEDS_OPERAND = re.compile(r"(^|[^\w.)]|(?<![\w.])(?<!:)(?<!: )[\w.]*(and|or|not|eq|ne|lt|le|gt|ge|AND|OR))$")
NAME = re.compile(r"[A-Za-z0-9_][\w.-]*\Z", re.ASCII)
ERROR_SIZE = 4000  # characters of the bindings' message that are passed on, to be classified


def main() -> None:
    """Do the job on standard input."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the passwords
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    out = os.fdopen(os.dup(1), "w")
    noise = os.memfd_create("noise")  # the bindings print on both
    os.dup2(noise, 1)
    os.dup2(noise, 2)
    job = json.loads(sys.stdin.read())
    try:
        import ecflow
    except Exception as error:  # whatever a broken installation raises
        answer(out, {"import_error": str(error)[:ERROR_SIZE]})
        return
    answer(out, {"ecflow": ecflow.__version__, "python": sys.version.split()[0]})
    if "host" in job:
        try:
            answer(out, read(ecflow, job))
        except Exception as error:
            size = os.fstat(noise).st_size
            printed = os.pread(noise, ERROR_SIZE, max(0, size - ERROR_SIZE)).decode("utf-8", "replace")
            said = f"{type(error).__name__}: {error}"[:ERROR_SIZE]
            answer(out, {"error": f"{said}\n{printed}"})
    out.flush()
    os._exit(0)  # freeing a definition of 100,000 nodes takes time


def answer(out: Any, document: dict[str, Any]) -> None:
    """Write one line, at once: the process may be killed any time."""
    out.write(json.dumps(document) + "\n")
    out.flush()


def read(ecflow: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Return a full sync of the server as the job asks for it."""
    client = connect(ecflow, job)
    if job["suites"]:
        client.ch_register(False, [job["marker"], *job["suites"]])
        try:
            client.sync_local()
        finally:
            client.ch_drop()
    else:
        client.sync_local()
    defs = client.get_defs()
    if defs is None:  # what very old servers give when nothing is loaded
        defs = ecflow.Defs()
    found: Any = {
        "state": word(defs.get_state()),
        "server_state": word(defs.get_server_state()),
        "cut": [node.get_abs_node_path() for node in defs.get_all_nodes() if is_cut(node)],
        "nodes": [
            (
                node.get_abs_node_path(),
                word(node.get_dstate()),
                node.get_state_change_time(),
                [detail(node, method) for method in job["details"]],
            )
            for node in defs.get_all_nodes()
        ],
    }
    found["version"] = next((v.value() for v in defs.server_variables if v.name() == "ECF_VERSION"), None)
    if job["lines"]:
        found["lines"] = checkpoint(defs)
    found["state_change_no"], found["modify_change_no"] = numbers(defs)
    return dict(found)


def is_cut(node: Any) -> bool:
    """Return whether the bindings read only the first line of a node's job's id, trigger or complete.

    A job has an id only after it was submitted and became active, so both stand in the lines that follow.
    """
    has_id = method_of(node, "get_process_or_remote_id") and node.get_process_or_remote_id()
    if has_id and not node.get_int_try_no() and word(node.get_state()) == "unknown":
        return True
    for expression in (node.get_trigger(), node.get_complete()):
        if expression is not None and NEEDS_OPERAND.search(str(expression.get_expression()).rstrip()):
            return True
    return not NAME.match(str(node.name()))  # a part of a text that was taken for a node


def method_of(node: Any, name: str) -> bool:
    """Return whether a node has a method: a node's own attributes are its children and variables, too."""
    return hasattr(type(node), name)


def detail(node: Any, method: str) -> Any:
    """Return a method's result, as JSON has it; None if a node does not have the method."""
    value = getattr(node, method)() if method_of(node, method) else None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def word(value: Any) -> str:
    """Return an enumeration's value in words: `queued`, which newer bindings print as `DState.queued`."""
    return str(value).rpartition(".")[2]


def connect(ecflow: Any, job: dict[str, Any]) -> Any:
    """Return a client that makes one attempt, and whose limit is this process's life."""
    for name in [name for name in os.environ if name.startswith("ECF_") or name == "NO_ECF"]:
        if name not in ("ECF_SSL_DIR", "ECF_AUTHTOKENS"):
            del os.environ[name]  # each would change what the bindings ask, or whom
    os.environ["ECF_CONNECT_TIMEOUT"] = str(math.ceil(job["patience"]) + 1)
    if job["certificate"] and os.path.basename(job["certificate"]) == "server.crt":
        os.environ["ECF_SSL_DIR"] = os.path.dirname(job["certificate"])
    if job["tokens"]:
        os.environ["ECF_AUTHTOKENS"] = job["tokens"]
    if job["password"]:  # of two files (UserCmd.cpp): for a user who is named, and for logins
        own = "ECF_CUSTOM_PASSWD" if job["user"] else "ECF_PASSWD"
        user = job["user"] or pwd.getpwuid(os.getuid()).pw_name
        os.environ[own] = in_memory(
            "5.0.0\n%s %s %d %s\n" % (user, job["host"], job["port"], job["password"])
        )
    client = ecflow.Client(job["host"], job["port"])
    client.set_connection_attempts(1)
    if job["protocol"] != "tcp":
        getattr(client, "enable_" + job["protocol"])()  # older bindings have no HTTP
    if job["user"]:
        client.set_user_name(job["user"])
    return client


def numbers(defs: Any) -> list[int]:
    """Return a definition's change numbers, of states and of structure, which only a checkpoint holds.

    The suites are taken out first, so that this costs nothing however many nodes there are.
    """
    kept: list[Any] = [suite.remove() for suite in list(defs.suites)]
    head = "".join(checkpoint(defs).split("\n", 2)[:2])
    kept.clear()
    found = [re.search(name + r"_change:(\d+)", head) for name in ("state", "modify")]
    return [int(match[1]) if match else 0 for match in found]


def checkpoint(defs: Any) -> str:
    """Return a definition's text, with all that is known of each node, and a character for each byte."""
    path = in_memory("")
    defs.save_as_checkpt(path)
    with open(path, encoding="latin-1", newline="") as text:
        return text.read()


def in_memory(text: str) -> str:
    """Return the path of a file that is only in memory and holds `text`."""
    fd = os.memfd_create("watchman")
    os.write(fd, text.encode())
    return "/proc/self/fd/%d" % fd


if __name__ == "__main__":
    main()
