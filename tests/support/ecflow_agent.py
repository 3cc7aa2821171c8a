"""Runs under the interpreter that has the ecFlow bindings, and does with a server what operators do.

It reads a JSON list from each line of standard input, [host, port, method, arguments...], and answers
each with a JSON line: ["ok", result] or ["error", text]. `snapshot` is an independent full sync_local().
"""

import ctypes
import json
import os
import re
import sys

import ecflow

OUT = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the bindings print on it


def connect(host, port):
    client = ecflow.Client(host, port)
    client.set_connection_attempts(1)
    return client


def records(defs):
    found = [["/", word(defs.get_state())]]
    return found + [[node.get_abs_node_path(), word(node.get_dstate())] for node in defs.get_all_nodes()]


def word(value):
    """Return an enumeration's value in words, which newer bindings print with its type."""
    return str(value).rpartition(".")[2]


def snapshot(client):
    client.sync_local()
    defs = client.get_defs()
    details = [[each.get_state_change_time(), str(each.get_flag())] for each in defs.get_all_nodes()]
    state = str(defs.get_server_state()).rpartition(".")[2]
    return {"records": records(defs), "details": details, "server_state": state}


def variable(client, name):
    """A variable of the server's own."""
    client.sync_local()
    return next(each.value() for each in client.get_defs().server_variables if each.name() == name)


def in_memory(text):
    fd = os.memfd_create("defs")
    os.write(fd, text.encode())
    return f"/proc/self/fd/{fd}"


def load_text(client, text, force=False):
    client.load(in_memory(text), force)


def load_restored(client, text, force=False):
    """Load a definition with its states, as a checkpoint has them."""
    defs = ecflow.Defs()
    defs.restore_from_checkpt(in_memory(text))
    client.load(defs, force)


def printed_by(request):
    """What a request prints on descriptor 1."""
    read, write = os.pipe()
    kept = os.dup(1)
    os.dup2(write, 1)
    try:
        request()
        ctypes.CDLL(None).fflush(None)
    finally:
        os.dup2(kept, 1)
        os.close(write)
        os.close(kept)
    with os.fdopen(read) as lines:
        return lines.read()


def handles(client):
    """The client handles on the server, as [number, user, suites]."""
    found, user = [], None
    for line in printed_by(client.ch_suites).splitlines():
        match = re.match(r"(\S*)\s+(\d+)  (.*)", line)
        if match:
            user = match[1] or user  # it is printed with the first of its handles only
            found.append([int(match[2]), user, match[3].split()])
    return found


def stats(client):
    return printed_by(client.stats)


def truth(_, text):
    """What the bindings say of each node of a definition: its trigger, its complete, and why it waits."""
    defs = ecflow.Defs()
    defs.restore_from_checkpt(in_memory(text))
    found = {}
    for node in defs.get_all_nodes():
        path = node.get_abs_node_path()
        says = found[path] = {}
        if node.get_trigger():
            says["trigger"] = node.evaluate_trigger()
        if node.get_complete():
            says["complete"] = node.evaluate_complete()
        try:
            why = ecflow.WhyCmd(defs, path).why()
            says["why"] = [line for line in (why.split("\n") if isinstance(why, str) else why) if line]
        except Exception as error:
            says["why"] = str(error)
    return found


OURS = {each.__name__: each for each in (snapshot, variable, load_text, load_restored, handles, stats, truth)}


def argument(value):
    if isinstance(value, str) and value.startswith("State."):
        return getattr(ecflow.State, value[6:])
    return value


def main():
    for line in sys.stdin:
        host, port, method, *arguments = json.loads(line)
        client = connect(host, port)
        try:
            if method in OURS:
                result = OURS[method](client, *arguments)
            else:
                result = getattr(client, method)(*map(argument, arguments))
            answer = ["ok", result if isinstance(result, (dict, list, str, bool, type(None))) else None]
        except Exception as error:
            answer = ["error", str(error)]
        OUT.write(json.dumps(answer) + "\n")
        OUT.flush()


if __name__ == "__main__":
    main()
