"""The names of the modules beside this one, for who still imports them from here."""

from tests.support.ecflow_server import ECFLOW_PYTHON, EcflowError, EcflowServer
from tests.support.loopback import READY_LIMIT, accepts, await_true, free_port
from tests.support.redis_server import RedisServer, health_of, records_of, status_of
from tests.support.watchman import UNPRIVILEGED, WATCHMAN, Result, Watchman, read_terminal

__all__ = [
    "ECFLOW_PYTHON",
    "READY_LIMIT",
    "UNPRIVILEGED",
    "WATCHMAN",
    "EcflowError",
    "EcflowServer",
    "RedisServer",
    "Result",
    "Watchman",
    "accepts",
    "await_true",
    "free_port",
    "health_of",
    "read_terminal",
    "records_of",
    "status_of",
]
