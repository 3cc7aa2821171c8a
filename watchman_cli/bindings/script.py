"""The probe: the only code that calls the ecFlow bindings, in processes that can be killed.

This file is run as a script by whichever interpreter has the bindings, so it imports only them and
the standard library of Python 3.9 or later. It is started once a run with a Unix socket as its
standard input: it imports ``ecflow`` once, and forks children, each of which makes one attempt at a
server after another until its supervisor wants no more of it. A child may hang in the bindings,
which hold the GIL and cannot be interrupted; the process that forked it never calls them, so it can
always kill it.

A message on the control socket is one byte with one descriptor: the socket on which a child's
frames go both ways. A frame is a letter, a length and a payload; the letters are below. When the
other end of that socket closes, the child is killed; when the control socket closes, all are.
"""

import sys

if sys.path and sys.path[0] and sys.path[0] == __file__.rpartition("/")[0]:
    sys.path.pop(0)  # the script's folder is not a place to import from

import ctypes
import gc
import json
import math
import os
import pwd
import re
import resource
import select
import signal
import socket
import struct
import threading
from datetime import datetime, timezone
from json.encoder import encode_basestring_ascii
from operator import add

FRAME = struct.Struct("!cI")
HELLO = b"H"  # control: the versions of the bindings and of the interpreter, JSON
NO_BINDINGS = b"N"  # control: why `import ecflow` failed, text
JOB = b"J"  # to the child: what to read, JSON
SKELETON = b"K"  # to the child when it asked for it: it comes through a pipe, whose descriptor is with this
WANT_SKELETON = b"W"  # the child needs the skeleton of the earlier run
ANSWERED = b"A"  # the server has answered the first, small request
RECORDS = b"S"  # part of the snapshot's records, JSON without the brackets
COMPARED = b"I"  # the same of an incremental reading, to be compared with the full one
SHAPE = b"P"  # what a skeleton has besides of the nodes that were sent as RECORDS, JSON
CHANGES = b"C"  # what an incremental reading found changed, JSON; the child waits for a verdict
FIT = b"F"  # to the child: the skeleton is whole, or the changes fit the snapshot that they are for
UNFIT = b"U"  # to the child: not so, everything is wanted
DONE = b"D"  # how the reading went, JSON
ERROR = b"E"  # why it failed, JSON
EXIT = b"X"  # the child ended without DONE or ERROR, JSON

RECORDS_IN_A_FRAME = 2000  # less than a socket holds: the probe need not wait for the supervisor
QUOTES_OF_A_RECORD = 8
WORTH_PATCHING = 0.02  # of all nodes; above it, walking over all of them is cheaper
WORTH_A_FULL_SYNC = 0.5  # changes for each node; above it, a full sync is smaller
DO_FULL_SYNC = "2"  # of ecFlow's ServerReply::News_t
COULD_NOT_APPLY = "Could not apply"  # what the bindings say of changes to nodes they have not
CLOSED_WITHOUT_A_WORD = "EOF("  # what the bindings say then
HANDSHAKE_LIMIT = 1.0  # seconds for the server to show that it speaks TLS
HANDLE_DROPPED = "Handle dropped?"  # what the server says of a handle that it does not know
PR_SET_PDEATHSIG = 1
MADV_POPULATE_WRITE = 23
PAGE = resource.getpagesize()
SIZE_OF_A_NODE = 1700  # bytes of memory that a sync takes, with a few variables, a label and a meter
SIZE_OF_A_BARE_NODE = 600  # the same of a skeleton
WORTH_MAKING_ROOM, MOST_ROOM = 1 << 24, 1 << 29  # bytes
NOISE_LIMIT = 4000
TAIL = " #%s state:%s"  # of a node's line in a skeleton: whether a suite was begun, and the state
# In a skeleton, a container's first child has this variable. The server sends a container's children
# anew when one was added, removed or replaced, naming none of them; then the variable is not there.
MARK = "WATCHMAN_REMEMBERED"

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Unusable(Exception):
    """The memory of an earlier run does not fit this server; says why a full sync is made."""


def send(link, kind, payload=b""):
    link.sendall(FRAME.pack(kind, len(payload)) + payload)  # at once: the other end may close after it


def receive(link):
    """The next frame, as (letter, payload). Raises EOFError when the other end has closed."""
    kind, size = FRAME.unpack(receive_exactly(link, FRAME.size))
    return kind, receive_exactly(link, size)


def send_pipe(link, kind, pipe):
    """Send a descriptor of a pipe, with a frame of its own."""
    socket.send_fds(link, [FRAME.pack(kind, 0)], [pipe])


def receive_pipe(link):
    """The descriptor of a pipe, from the next frame. Raises EOFError when the other end has closed."""
    _, descriptors, _, _ = socket.recv_fds(link, FRAME.size, 1)
    if not descriptors:
        raise EOFError
    return descriptors[0]


def receive_exactly(link, size):
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = link.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return bytes(data)


def tail(noise):
    """The end of what was written to a child's descriptors 1 and 2, as text."""
    size = os.fstat(noise).st_size
    return os.pread(noise, NOISE_LIMIT, max(0, size - NOISE_LIMIT)).decode("utf-8", "replace")


# ------------------------------------------------------------------ the process that forks


def main():
    control = socket.socket(fileno=0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the passwords
    try:
        import ecflow
    except Exception as error:  # whatever a broken installation raises
        control.send(NO_BINDINGS + str(error).encode("utf-8", "replace")[:NOISE_LIMIT])
        return
    hello = {"ecflow": ecflow.__version__, "python": sys.version.split()[0]}
    control.send(HELLO + json.dumps(hello).encode())
    serve(control, ecflow)
    os._exit(0)  # the run waits for it, and taking the bindings apart takes time


def serve(control, ecflow):
    """Fork a child for each job until the control socket closes; then kill and reap them all."""
    wake, waker = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(wake, select.POLLIN)
    children = {}  # pid: (its socket, its noise)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if control.fileno() in ready:
            link = accept_job(control)
            if link is None:
                break
            noise = os.memfd_create("noise")
            pid = os.fork()
            if not pid:
                inherited = [wake, waker, *(fd for _, fd in children.values())]
                run_child(ecflow, link, noise, [control, *(s for s, _ in children.values())], inherited)
            children[pid] = (link, noise)
            poll.register(link, 0)  # only that the supervisor hung up is of interest
        for pid, (link, _) in children.items():
            if link.fileno() in ready:
                poll.unregister(link)
                os.kill(pid, signal.SIGKILL)
        if wake in ready:
            os.read(wake, 1024)
            for pid in [pid for pid in children if report_exit(pid, *children[pid])]:
                link, noise = children.pop(pid)
                try:
                    poll.unregister(link)
                except KeyError:  # it was killed for its supervisor's hanging up
                    pass
                link.close()
                os.close(noise)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def accept_job(control):
    """The socket of the next job, or None when the supervisor has gone."""
    _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return socket.socket(fileno=descriptors[0]) if descriptors else None


def report_exit(pid, link, noise):
    """Reap one child if it has ended, and tell its supervisor when it was not an orderly end."""
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        return False
    code = os.waitstatus_to_exitcode(status)
    if code:
        try:
            link.setblocking(False)
            send(link, EXIT, json.dumps({"code": code, "noise": tail(noise)}).encode())
        except OSError:
            pass  # nobody listens any more
    return True


def run_child(ecflow, link, noise, sockets, fds):
    """Serve jobs in this forked child until the supervisor closes its end, and end the process."""
    code = 1
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        offer_to_the_kernel()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in sockets:
            other.close()
        for fd in fds:
            os.close(fd)
        os.dup2(noise, 1)
        os.dup2(noise, 2)
        gc.disable()  # a node is an object; collecting cycles among 100,000 of them frees nothing
        while True:
            _, payload = receive(link)
            do_job(ecflow, link, noise, json.loads(payload))
    except (OSError, EOFError):
        code = 0  # the supervisor has gone
    finally:
        os._exit(code)  # spares freeing a definition of 100,000 nodes


def do_job(ecflow, link, noise, job):
    """Do one job, and leave nothing of it to the next."""
    reading = Reading(ecflow, link, noise, job)
    try:
        reading.run()
    except Exception as error:
        libc.fflush(None)
        report = {"message": str(error), "noise": tail(noise), "tls": reading.met_tls(str(error))}
        send(link, ERROR, json.dumps(report).encode())
    removed.clear()
    while files:
        os.close(files.pop())
    os.lseek(noise, 0, os.SEEK_SET)
    os.ftruncate(noise, 0)


def offer_to_the_kernel():
    """Have the kernel kill this process first when memory is short, and not a neighbour."""
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:  # no /proc: then it chooses by size
        pass


# --------------------------------------------------------------------- one attempt, in a child


class Reading:
    """One attempt to read one server, from an earlier run's memory where that can be done."""

    def __init__(self, ecflow, link, noise, job):
        self.ecflow = ecflow
        self.link = link
        self.noise = noise
        self.job = job
        self.dstates = {value: name for name, value in ecflow.DState.names.items()}
        self.states = {value: name for name, value in ecflow.State.names.items()}
        self.kinds = {
            ecflow.Suite: "suite",
            ecflow.Family: "family",
            ecflow.Task: "task",
            ecflow.Alias: "alias",
        }
        self.requests = 0
        self.answered = False
        self.at = self.now()

    def run(self):
        why = self.job["why_full"]
        if self.job["memory"] and not why:
            try:
                self.read_from_memory(self.job["memory"])
                return
            except Unusable as error:
                why = str(error)
        self.read_everything(why)

    def now(self):
        return datetime.now(timezone.utc).isoformat(timespec="microseconds")

    def client(self):
        """A client that makes one attempt at a request, and whose limit is this child's life."""
        for name in [name for name in os.environ if name.startswith("ECF_") or name == "NO_ECF"]:
            del os.environ[name]  # each would change what the bindings ask, or whom
        os.environ["ECF_CONNECT_TIMEOUT"] = str(math.ceil(self.job["patience"]) + 1)
        if self.job["password"]:  # of two files (UserCmd.cpp): for a user who is named, and for logins
            own = "ECF_CUSTOM_PASSWD" if self.job["user"] else "ECF_PASSWD"
            os.environ[own] = self.password_file()
        client = self.ecflow.Client(self.job["host"], self.job["port"])
        client.set_connection_attempts(1)
        if self.job["ssl"]:
            client.enable_ssl()
        if self.job["user"]:
            client.set_user_name(self.job["user"])
        return client

    def password_file(self):
        """The path of a password file that is only in memory, in ecFlow's own format."""
        user = self.job["user"] or pwd.getpwuid(os.getuid()).pw_name
        return in_memory("5.0.0\n%s {host} {port} {password}\n".format(**self.job) % user)

    def ask(self, request, *arguments):
        """Make one request of the server."""
        self.requests += 1
        try:
            answer = request(*arguments)
        except RuntimeError as error:
            if HANDLE_DROPPED not in str(error):
                raise
            raise Unusable("somebody dropped the client handle") from error
        if not self.answered:
            self.answered = True
            send(self.link, ANSWERED)
        return answer

    def met_tls(self, message):
        """Whether a plain request failed because the server speaks TLS.

        Such a server closes the connection without a word, and so does one that is killed; only the
        handshake tells them apart.
        """
        if self.answered or self.job["ssl"] or CLOSED_WITHOUT_A_WORD not in message:
            return False
        import ssl  # seldom needed, and slow to import

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            address = self.job["host"], self.job["port"]
            with socket.create_connection(address, HANDSHAKE_LIMIT) as plain, context.wrap_socket(plain):
                return True
        except OSError as error:  # an alert is TLS too
            return "alert" in str(error).lower()

    def printed_by(self, request, *arguments):
        """What a request prints on descriptor 1, which is the only way to get it."""
        start = os.fstat(self.noise).st_size
        os.lseek(self.noise, 0, os.SEEK_END)
        self.ask(request, *arguments)
        libc.fflush(None)
        return os.pread(self.noise, 1 << 20, start).decode("utf-8", "replace")

    def boot(self, client):
        """Which start of which server this is, as `ecflow_client --stats` tells."""
        found = dict(re.findall(r"^ {3}(\S.*?)  +(\S.*?) *$", self.printed_by(client.stats), re.M))
        boot = {
            name: found.get(label)
            for name, label in (
                ("version", "Version"),
                ("host", "Host"),
                ("port", "Port"),
                ("since", "Up since"),
            )
        }
        return boot, int(found.get("stats cmd") or 0)

    # -------------------------------------------------------------------------- a full sync

    def read_everything(self, why):
        make_room(self.job["nodes"] * SIZE_OF_A_NODE)
        client = self.client()
        boot, stats = self.boot(client)  # before the sync: an older boot's name costs a full sync
        self.at = self.now()
        if self.job["left_handle"]:
            self.drop_left_handles(client)
        structure = None
        if self.job["suites"]:
            structure = self.structure_number(client) if self.job["remember"] else None
            self.register(client, [self.job["marker"], *self.job["suites"]])
            self.drop(client)
        else:
            self.ask(client.sync_local)
        defs = client.get_defs()
        if defs is None:  # what very old servers give when nothing is loaded
            defs = self.ecflow.Defs()
        boot["pid"] = server_variable(defs, "ECF_PID")
        comparison = self.compare(boot, stats) if self.job["compare"] else None
        self.send_everything("full", why, defs, boot, stats, structure, comparison)

    def structure_number(self, client):
        """The server's number of structural changes, of whichever suites."""
        low = (self.job["memory"] or {}).get("structure") or 0
        if low and self.structure_is_at_most(client, low - 1):  # of another start of the server
            low = 0
        high, step = low, 1
        while not self.structure_is_at_most(client, high):
            low, high, step = high + 1, high + step, step * 4
        while low < high:
            middle = (low + high) // 2
            if self.structure_is_at_most(client, middle):
                high = middle
            else:
                low = middle + 1
        return high

    def structure_is_at_most(self, client, number):
        """Whether the server's number of structural changes is not above `number`.

        `news` without a handle knows (SNewsCmd.cpp): it is asked for a full sync by who has a higher
        one. But the bindings tell that answer from the one for any change only when they debug.
        """
        client.debug(True)
        try:
            said = re.search(r"news_ = (\d)", self.printed_by(client.group, "news 0 0 %d" % (number + 1)))
        finally:
            client.debug(False)
        if said is None:
            raise RuntimeError("these bindings do not tell the answer to news")
        return said[1] == DO_FULL_SYNC

    def send_everything(self, way, why, defs, boot, stats, structure=None, comparison=None):
        nodes = list(defs.get_all_nodes())
        ambiguous = self.has_twin_aliases(nodes)
        if ambiguous and self.job["memory"] and way == "incremental":
            raise Unusable("two aliases have one path")
        remember = self.job["remember"] and not ambiguous
        self.send_records(defs, nodes, RECORDS, with_shape=remember)
        server_state = str(defs.get_server_state())
        header = header_of(defs) if remember else None
        compared = None
        if comparison:
            caught, why_not = comparison
            compared = why_not or self.send_comparison(caught, header)
        more = {"boot": boot, "stats": stats, "header": header, "compared": compared}
        more["structure"] = structure
        self.done(way, why, server_state, len(nodes), **more)

    def has_twin_aliases(self, nodes):
        """Whether two aliases have one path, which ecFlow allows after a restart from a checkpoint.

        A change names its node by the path, so it cannot be told which of the two is meant.
        """
        alias = self.ecflow.Alias
        if alias not in set(map(type, nodes)):
            return False
        paths = [node.get_abs_node_path() for node in nodes if type(node) is alias]
        return len(set(paths)) < len(paths)

    def send_records(self, defs, nodes, letter, with_shape=False):
        """Send a record for each node, and what of the nodes a skeleton has besides.

        What is done for each node is done by C, over many at once: it costs half of a plain loop.
        """
        node_type = self.ecflow.Node
        ends = {dstate: '","status":"%s"}' % name for dstate, name in self.dstates.items()}
        prefix = '{"path":"/","status":"%s"}' % defs.get_state()
        dstates = []
        for start in range(0, len(nodes) or 1, RECORDS_IN_A_FRAME):
            some = nodes[start : start + RECORDS_IN_A_FRAME]
            theirs = list(map(node_type.get_dstate, some))
            records = as_json(list(map(node_type.get_abs_node_path, some)), list(map(ends.get, theirs)))
            parts = [records] if start else [prefix, records]
            send(self.link, letter, ",".join(filter(None, parts)).encode())
            dstates += theirs
        if with_shape:
            send(self.link, SHAPE, json.dumps(self.shape(nodes, dstates)).encode())

    def shape(self, nodes, dstates):
        """Each node's kind, by its first letter, and the ends of lines that records do not tell."""
        letters = {node_type: kind[0] for node_type, kind in self.kinds.items()}
        kinds = "".join(map(letters.__getitem__, map(type, nodes)))
        numbers = [match.start() for match in re.finditer("s", kinds)]
        suspended = self.ecflow.DState.suspended
        if suspended in dstates:
            numbers += [number for number, dstate in enumerate(dstates) if dstate == suspended]
        tails = [(number, self.skeleton_tail(nodes[number], dstates[number])) for number in numbers]
        return {"kinds": kinds, "tails": tails}

    def skeleton_tail(self, node, dstate):
        """The end of a node's line in a skeleton; None where it is the usual one of its record's status."""
        suite = isinstance(node, self.ecflow.Suite)
        suspended = dstate == self.ecflow.DState.suspended
        if not suite and not suspended:
            return None
        state = self.states[node.get_state()] + " suspended:1" if suspended else self.dstates[dstate]
        return TAIL % (" begun:1" if suite and node.begun() else "", state)

    # ------------------------------------------------------------------- an incremental sync

    def read_from_memory(self, memory):
        """Ask only for what changed since an earlier run. Raises Unusable where that can't be had."""
        client = self.client()
        caught = self.catch_up(client, memory)
        boot, stats = self.boot(client)  # after the sync: no restart since `memory` can hide
        boot["pid"] = caught.pid
        self.refuse_another_start(boot, stats)
        if not caught.news:
            self.done("unchanged", None, str(caught.defs.get_server_state()), memory["nodes"])
        elif caught.everything:
            why = "nodes were added, removed or moved"
            self.send_everything("full", why, caught.defs, boot, stats, memory["structure"])
        else:
            self.send_caught(caught, boot, stats)

    def send_caught(self, caught, boot, stats):
        """Send what changed, or every node where that is not enough to know or not cheaper."""
        if not self.send_changes(caught):
            structure = self.job["memory"]["structure"]
            self.send_everything("incremental", None, caught.defs, boot, stats, structure)
            return
        state = str(caught.defs.get_server_state())
        header = header_of(caught.defs)
        memory = self.job["memory"]
        more = {"boot": boot, "stats": stats, "header": header}
        more["structure"] = memory["structure"]
        self.done("incremental", None, state, memory["nodes"], **more)

    def refuse_another_start(self, boot, stats):
        """Raise Unusable where the server is not the one that is remembered, or has begun anew.

        In a container each start may have one PID, and two of them be in one second; but each counts
        its `stats` requests from nothing.
        """
        memory = self.job["memory"]
        if boot != memory["boot"] or stats <= memory["stats"]:
            raise Unusable("the server was restarted")

    def catch_up(self, client, memory):
        """Bring an earlier run's definition up to date. The client's definition is that one after."""
        handle = self.register(client, [self.job["marker"]])  # of no suite: for memory to be restored into
        try:
            if handle != 1 or self.job["left_handle"]:
                self.drop_left_handles(client, but=handle)
            if self.job["suites"]:
                return self.catch_up_with(client, memory)
        finally:
            self.drop(client)
        return self.catch_up_with(client, memory)

    def catch_up_with(self, client, memory):
        caught = Caught()
        caught.defs = defs = client.get_defs()
        caught.pid = server_variable(defs, "ECF_PID")
        if caught.pid != memory["boot"].get("pid"):
            raise Unusable("the server was restarted")
        state_changes, modify_changes = change_numbers(memory["header"])
        least, _ = change_numbers(header_of(defs))  # the newest change of the definition's own
        restore(defs, in_memory(memory["header"] + "enddef\n"))
        self.at = self.now()
        if self.job["suites"]:
            caught.news = self.news_of_suites(client, state_changes, modify_changes)
        else:
            caught.news = self.ask(client.news_local)
            if caught.news and least - state_changes > WORTH_A_FULL_SYNC * memory["nodes"]:
                raise Unusable("most nodes changed")
        if caught.news and not self.sent_everything(client):
            self.sync_from_skeleton(client, memory)
        caught.defs = client.get_defs()
        if caught.news:  # told by the client of its last request only
            caught.everything = self.sent_everything(client)
            caught.paths = dict.fromkeys(client.changed_node_paths)
            self.check_aliases(caught)
        if self.job["suites"] and not self.structure_is_at_most(client, memory["structure"]):
            raise Unusable("nodes were added, removed or moved, in whichever suite")
        return caught

    def sent_everything(self, client):
        """Whether the server's last answer to a sync was a full definition.

        Then the client is in sync, though no node was named as changed.
        """
        return client.in_sync() and not list(client.changed_node_paths)

    def sync_from_skeleton(self, client, memory):
        """Have the server's changes applied to the skeleton that the supervisor sends."""
        send(self.link, WANT_SKELETON)
        make_room(memory["nodes"] * SIZE_OF_A_BARE_NODE)
        pipe = receive_pipe(self.link)
        try:
            restore(client.get_defs(), path_of(pipe))
        finally:
            os.close(pipe)
            verdict, _ = receive(self.link)
        if verdict != FIT:
            raise Unusable("the skeleton is damaged")
        self.at = self.now()
        try:
            self.ask(client.sync_local)
        except RuntimeError as error:
            if COULD_NOT_APPLY not in str(error):
                raise
            raise Unusable("the changes could not be applied: %s" % error) from error

    def news_of_suites(self, client, state_changes, modify_changes):
        """Whether anything changed of the suites that are wanted, to which the handle is set.

        The server answers a handle to which suites were just added with everything, once. In a
        group it has one reply for all syncs (PreAllocatedReply.cpp), so that the full one, which
        makes it forget that the handle is new, is replaced by the incremental one, and not sent.
        """
        handle, suites = client.ch_handle(), " ".join(self.job["suites"])
        syncs = "sync_full %d; sync %d %d %d" % (handle, handle, state_changes, modify_changes)
        try:
            self.ask(client.group, "ch_add %d %s; %s" % (handle, suites, syncs))
        except RuntimeError as error:
            if COULD_NOT_APPLY not in str(error):
                raise
            return True  # to a definition without nodes: changes of nodes
        return client.in_sync()

    def check_aliases(self, caught):
        """Refuse a change to unknown of an alias, which ecFlow's full sync shows as queued (Alias.cpp)."""
        for node in map(caught.defs.find_abs_node, caught.paths):
            if isinstance(node, self.ecflow.Alias) and node.get_state() == self.ecflow.State.unknown:
                raise Unusable("an alias became unknown")

    def register(self, client, suites):
        """Register a handle and sync with it, in one request: ecFlow's group command allows that.

        One of the suites is a name that marks the handle as watchman's own.
        """
        self.ask(client.group, "ch_register false %s; sync_full 0" % " ".join(suites))
        return client.ch_handle()

    def drop_left_handles(self, client, but=None):
        """Drop the handles of earlier probes of this server that were killed holding one.

        Each line that is printed is a user (only on his first), a handle, and its suites.
        """
        for line in self.printed_by(client.ch_suites).splitlines():
            match = re.match(r"(?:\S+)?\s+(\d+)  (.*)", line)
            if match and self.job["marker"] in match[2].split() and int(match[1]) != but:
                self.drop(client, int(match[1]))

    def drop(self, client, *handle):
        """Drop a handle, the client's own if none is named; no matter if somebody else just did."""
        try:
            self.ask(client.ch_drop, *handle)
        except Unusable:
            pass

    def send_changes(self, caught):
        """Send each changed node's status, its line, and its children in order; return if they fit.

        Nothing is sent where there are many, or where a container's children are not those of before.
        """
        if len(caught.paths) > max(WORTH_PATCHING * self.job["memory"]["nodes"], 20):
            return False
        defs, changes = caught.defs, []
        for path in caught.paths:
            if path == "/":
                children = [suite.name() for suite in defs.suites]
                changes.append({"path": path, "status": str(defs.get_state()), "children": children})
                continue
            node = defs.find_abs_node(path)
            if node is None:
                return False
            kind, dstate = self.kinds[type(node)], node.get_dstate()
            children = list(node.nodes) if kind != "alias" else []
            if children and children[0].find_variable(MARK).name() != MARK:
                return False
            names = [child.name() for child in children]
            if len(set(names)) < len(names):
                return False
            tail = self.skeleton_tail(node, dstate)
            changes.append({"path": path, "status": self.dstates[dstate], "tail": tail, "children": names})
        send(self.link, CHANGES, json.dumps(changes).encode())
        verdict, _ = receive(self.link)
        return verdict == FIT

    # --------------------------------------------------------------- the two ways, compared

    def compare(self, boot, stats):
        """Read the server incrementally too: (what was caught, None) or (None, why it was not)."""
        client = self.client()
        try:
            self.refuse_another_start(boot, stats)
            caught = self.catch_up(client, self.job["memory"])
        except Unusable as error:
            return None, str(error)
        return caught, "the server sent everything" if caught.everything else None

    def send_comparison(self, caught, header):
        """Send the incremental reading, if it is of the same moment; return why it is not."""
        mine = header_of(caught.defs, keep=True) if caught.news else self.job["memory"]["header"]
        if change_numbers(mine) != change_numbers(header):
            return "the server changed between the two"
        if not self.send_changes(caught):
            self.send_records(caught.defs, list(caught.defs.get_all_nodes()), COMPARED)
        return None

    def done(self, way, why, server_state, nodes, **more):
        report = {
            "way": way,
            "why": why,
            "collected_time": self.at,
            "server_state": server_state,
            "nodes": nodes,
            "requests": self.requests,
            **more,
        }
        send(self.link, DONE, json.dumps(report).encode())


class Caught:
    """What asking for the changes since an earlier run gave."""

    defs = None
    pid = None  # of the server, by its own word
    news = False  # whether anything changed
    everything = False  # whether the server sent a full definition instead
    paths = ()  # of the nodes that changed


def as_json(paths, ends):
    """The records of these paths, each with its end, as JSON objects with commas between them.

    A control character is left as it is, and the whole refused: no path may have one, escaped or not.
    """
    records = '{"path":"' + ',{"path":"'.join(map(add, paths, ends)) if paths else ""
    quotes = QUOTES_OF_A_RECORD * len(paths)
    if records.isascii() and "\\" not in records and records.count('"') == quotes:
        return records
    quoted = map(encode_basestring_ascii, paths)
    return ",".join('{"path":' + path + end[1:] for path, end in zip(quoted, ends))


def restore(defs, path):
    """Have a definition be that of a checkpoint. Raises Unusable where it is not one."""
    try:
        defs.restore_from_checkpt(path)
    except RuntimeError as error:
        raise Unusable("what is remembered could not be restored: %s" % error) from error


def make_room(size):
    """Have another core get so much memory for malloc, at once, while this one waits for an answer.

    By itself the kernel gives it page by page, to whoever first writes to one: a quarter of a sync's
    time. Where the kernel (before 5.14) or the C library cannot, this does nothing.
    """
    size = min(size, MOST_ROOM)
    room = libc.malloc(size) if size >= WORTH_MAKING_ROOM else None
    if not room:
        return
    libc.free(room)  # which keeps it: see supervise.ALLOCATION
    start = -(-room // PAGE) * PAGE
    populate = threading.Thread(target=libc.madvise, args=(start, size - 2 * PAGE, MADV_POPULATE_WRITE))
    populate.daemon = True
    populate.start()


def server_variable(defs, name):
    for variable in defs.server_variables:
        if variable.name() == name:
            return variable.value()
    return None


files = []  # descriptors of those that are only in memory, until the job is done
removed = []  # suites taken out of a definition: freeing 100,000 nodes takes longer than all else


def header_of(defs, keep=False):
    """A checkpoint's first two lines: the bindings' version, and the change numbers.

    Only a checkpoint tells the numbers. The suites are taken out first, unless `keep`, so that
    this costs nothing however many nodes there are.
    """
    if not keep:
        removed.extend(suite.remove() for suite in list(defs.suites))
    path = in_memory("")
    defs.save_as_checkpt(path)
    with open(path) as lines:
        return next(lines) + next(lines)


def change_numbers(header):
    """The numbers (of states, of structure) that a checkpoint's second line tells; 0 where absent."""
    return tuple(
        int(match[1]) if match else 0
        for match in (re.search(name + r"_change:(\d+)", header) for name in ("state", "modify"))
    )


def in_memory(text):
    """The path of a file that is only in memory and holds `text`, until the job is done."""
    fd = os.memfd_create("watchman")
    files.append(fd)
    with open(fd, "w", closefd=False) as file:
        file.write(text)
    return path_of(fd)


def path_of(fd):
    """A path by which the bindings open what this process has open."""
    return "/proc/self/fd/%d" % fd


if __name__ == "__main__":
    main()
