"""A read-only client of ecFlow's protocol: an address goes in, nodes or their changes come out.

It imports nothing of the rest of the project, and changes nothing on a server but a client handle of
its own. The protocol is the same for ecFlow 5.6 to 5.19: JSON as the library cereal writes it, one
connection a request. Sources are named as in ECMWF's repository `ecflow` (`libs/...`).
"""

from watchman_cli.ecflow_client.access import Access
from watchman_cli.ecflow_client.changes import Changes, NodeChange
from watchman_cli.ecflow_client.client import Client
from watchman_cli.ecflow_client.definition import Definition, NodeState, parse_definition
from watchman_cli.ecflow_client.errors import (
    AccessRefused,
    CertificateMissing,
    ConnectionClosed,
    ConnectionRefused,
    EcflowError,
    FullReadingRequired,
    HandleGone,
    HandshakeFailed,
    HostUnreachable,
    NameUnresolved,
    NoAnswer,
    NotEcflow,
    NotUnderstood,
    OtherHttpServer,
    OutOfResources,
    ReplyTooLarge,
    RequestRefused,
    TooSlow,
    TreeUnproved,
    WrongProtocol,
)
from watchman_cli.ecflow_client.replies import Answer, Handle
from watchman_cli.ecflow_client.requests import Drop, FullSync, ListHandles, Register, Stats, Sync
from watchman_cli.ecflow_client.statistics import Instance, Statistics
from watchman_cli.ecflow_client.transport import Limits
from watchman_cli.ecflow_client.work import Work

__all__ = [
    "Access",
    "AccessRefused",
    "Answer",
    "CertificateMissing",
    "Changes",
    "Client",
    "ConnectionClosed",
    "ConnectionRefused",
    "Definition",
    "Drop",
    "EcflowError",
    "FullReadingRequired",
    "FullSync",
    "Handle",
    "HandleGone",
    "HandshakeFailed",
    "HostUnreachable",
    "Instance",
    "Limits",
    "ListHandles",
    "NameUnresolved",
    "NoAnswer",
    "NodeChange",
    "NodeState",
    "NotEcflow",
    "NotUnderstood",
    "OtherHttpServer",
    "OutOfResources",
    "Register",
    "ReplyTooLarge",
    "RequestRefused",
    "Statistics",
    "Stats",
    "Sync",
    "TooSlow",
    "TreeUnproved",
    "Work",
    "WrongProtocol",
    "parse_definition",
]
