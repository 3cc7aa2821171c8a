"""A read-only client of ecFlow's protocol: an address goes in, nodes or their changes come out.

    for node in Client(Access("localhost", 3141)).full_sync():
        print(node.path, node.state.dstate)

It changes nothing on a server except client handles of its own. Every failure is an EcflowError. The protocol
is the same for ecFlow 5.6 to 5.19: JSON as the library cereal writes it, one connection for each request.
Sources are named as in ECMWF's repository `ecflow` (`libs/...`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .access import Access
from .changes import Changes
from .client import Client, RegisteredHandle
from .errors import (
    AccessRefused,
    CertificateMissing,
    CertificateRefused,
    CertificateUntrusted,
    ConnectionClosed,
    ConnectionRefused,
    EcflowError,
    ErrorKind,
    FullReadingRequired,
    HandleGone,
    HandshakeFailed,
    HostUnreachable,
    HttpRefused,
    NameUnresolved,
    NoAnswer,
    NotEcflow,
    NotUnderstood,
    OtherHttpServer,
    OtherName,
    OutOfResources,
    PasswordUnusable,
    ProxyFailed,
    Redirected,
    ReplyTooLarge,
    RequestRefused,
    TokenError,
    TokenWithheld,
    TooSlow,
    TreeUnproved,
    WrongProtocol,
)
from .replies import Answer
from .requests import Command, FullSync, Stats, Sync
from .statistics import Instance, Statistics
from .transport import Limits
from .work import Work

if TYPE_CHECKING:
    from .definition import Definition, Node, parse_definition
    from .handles import Drop, Handle, ListHandles, Register
    from .mementos import Mementos, NodeChange
    from .node_state import NodeState

__all__ = [
    "Access",
    "AccessRefused",
    "Answer",
    "CertificateMissing",
    "CertificateRefused",
    "CertificateUntrusted",
    "Changes",
    "Client",
    "Command",
    "ConnectionClosed",
    "ConnectionRefused",
    "Definition",
    "Drop",
    "EcflowError",
    "ErrorKind",
    "FullReadingRequired",
    "FullSync",
    "Handle",
    "HandleGone",
    "HandshakeFailed",
    "HostUnreachable",
    "HttpRefused",
    "Instance",
    "Limits",
    "ListHandles",
    "Mementos",
    "NameUnresolved",
    "NoAnswer",
    "Node",
    "NodeChange",
    "NodeState",
    "NotEcflow",
    "NotUnderstood",
    "OtherHttpServer",
    "OtherName",
    "OutOfResources",
    "PasswordUnusable",
    "ProxyFailed",
    "Redirected",
    "Register",
    "RegisteredHandle",
    "ReplyTooLarge",
    "RequestRefused",
    "Statistics",
    "Stats",
    "Sync",
    "TokenError",
    "TokenWithheld",
    "TooSlow",
    "TreeUnproved",
    "Work",
    "WrongProtocol",
    "parse_definition",
]


# Where the names are that not each reading needs; each is imported when it is first used.
_MODULES = {
    "Definition": "definition",
    "Drop": "handles",
    "Handle": "handles",
    "ListHandles": "handles",
    "Mementos": "mementos",
    "Node": "definition",
    "NodeChange": "mementos",
    "NodeState": "node_state",
    "Register": "handles",
    "parse_definition": "definition",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
