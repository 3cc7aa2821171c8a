"""The address of a Redis. An invalid or unknown part is refused, never ignored.

    redis://[[user]:password@]host[:port][/db]
    unix://[[user]:password@]/path[?db=N]
    redis+sentinel://[[user]:password@]host[:port][,host[:port]...]/service[/db]
    redis+cluster://[[user]:password@]host[:port][,host[:port]...]

`rediss` instead of `redis` means TLS, for the Sentinels too. A user, a password, a service and the values of
options are percent-encoded UTF-8.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    import ssl

SCHEMES = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "unix": ("unix", False),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}
DEFAULT_PORT, DEFAULT_SENTINEL_PORT = 6379, 26379
TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname", "ssl_cert_reqs")
CREDENTIAL_OPTIONS = ("username", "password")  # as in redis-py, instead of user:password@
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%25\w+)?\]|[\w.-]+)(?::(\d+))?")
_ENCODING = "in a user or a password write % as %25, / as %2F, ? as %3F, # as %23"


class Endpoint(NamedTuple):
    """The address on which one Redis listens: a host and a port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


class RedisAddress(NamedTuple):
    """A parsed address; `context` is None without TLS."""

    kind: str
    endpoints: tuple[Endpoint, ...]
    db: int = 0
    service: str = ""
    username: str | None = None
    password: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = None
    context: "ssl.SSLContext | None" = None

    def __repr__(self) -> str:
        return f"RedisAddress({self.kind!r}, {self.endpoints!r})"  # without the passwords


def parse(url: str) -> RedisAddress:
    """Return the parsed `url`. Raises ValueError with the reason, which contains no password."""
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        raise ValueError(f"the address must begin with one of {', '.join(f'{each}://' for each in SCHEMES)}")
    kind, tls = SCHEMES[scheme]
    before, _, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    if "#" in rest or "@" in path or "@" in query:
        raise ValueError(f"it contains a special character in the wrong place; {_ENCODING}")
    userinfo, at, hosts = authority.rpartition("@")
    username, password = _credentials(userinfo) if at else (None, None)
    options = _options(query, kind, tls)
    if at and not options.keys().isdisjoint(CREDENTIAL_OPTIONS):
        raise ValueError("the user or the password is given before @ and as an option")
    service = ""
    if kind == "unix":
        endpoints: tuple[Endpoint, ...] = (_unix_endpoint(hosts, slash + path),)
        path = ""
    else:
        endpoints = _endpoints(hosts, kind)
    if kind == "sentinel":
        service, _, path = path.partition("/")
        service = _decoded(service, "the service's name")
        if not service:
            raise ValueError("the service's name is missing after the Sentinels, as in host:26379/mymaster/0")
    db = _database(path, options.pop("db", None))
    if kind == "cluster" and db:
        raise ValueError("a Redis Cluster has only database 0")
    return RedisAddress(
        kind="single" if kind == "unix" else kind,
        endpoints=endpoints,
        db=db,
        service=service,
        username=options.pop("username", username),
        password=options.pop("password", password),
        sentinel_username=options.pop("sentinel_username", None),
        sentinel_password=options.pop("sentinel_password", None),
        context=_tls_context(options) if tls else None,
    )


def _credentials(userinfo: str) -> tuple[str | None, str]:
    username, colon, password = userinfo.partition(":")
    if not colon or not password:
        raise ValueError("before @, write user:password or :password")
    return _decoded(username, "the user") or None, _decoded(password, "the password")


def _decoded(text: str, name: str) -> str:
    """Return a percent-encoded text decoded. A % that encodes nothing is refused."""
    try:
        if re.search("%(?![0-9A-Fa-f]{2})", text):
            raise ValueError
        return unquote(text, errors="strict")
    except ValueError:  # UnicodeDecodeError is one
        raise ValueError(f"{name} is not percent-encoded UTF-8; {_ENCODING}") from None


def _endpoints(hosts: str, kind: str) -> tuple[Endpoint, ...]:
    each = hosts.split(",") if kind in ("sentinel", "cluster") else [hosts]
    default = DEFAULT_SENTINEL_PORT if kind == "sentinel" else DEFAULT_PORT
    return tuple(_endpoint(host, default) for host in each)


def _endpoint(text: str, default_port: int) -> Endpoint:
    match = _HOST.fullmatch(text)
    if match is None:
        hint = "; write an IPv6 address in [ ]" if text.count(":") > 1 else ""
        raise ValueError(f"invalid host: use host or host:port{hint}; {_ENCODING}")
    port = int(match[2] or default_port)
    if not 0 < port < 65536:
        raise ValueError(f"port {port} is not between 1 and 65535")
    return Endpoint(match[1].strip("[]").replace("%25", "%"), port)


def _unix_endpoint(hosts: str, path: str) -> Endpoint:
    path = _decoded(path, "the path")
    if hosts or path in ("", "/") or "\0" in path:
        raise ValueError("use the absolute path of a socket, as in unix:///run/redis.sock?db=0")
    return Endpoint(path=path)


def _database(path: str, option: str | None) -> int:
    if path and option is not None:
        raise ValueError("the database is given twice, in the path and as db=")
    number = path if option is None else option
    if not re.fullmatch("[0-9]{0,9}", number) or (option is not None and not option):
        raise ValueError("invalid database: use a number, as in redis://host:6379/0")
    return int(number or 0)


def _options(query: str, kind: str, tls: bool) -> dict[str, str]:
    known = ("db", *CREDENTIAL_OPTIONS, *TLS_OPTIONS, *(SENTINEL_OPTIONS if kind == "sentinel" else ()))
    found: dict[str, str] = {}
    for option in query.split("&") if query else ():
        name, equals, value = option.partition("=")
        if name not in known:
            shown = f" {name}" if equals and re.fullmatch("[a-z_]{1,40}", name) else ""
            raise ValueError(f"unknown option{shown}: use {', '.join(known)}")
        if name in TLS_OPTIONS and not tls:
            raise ValueError(
                f"{name} is for TLS: {'not on a Unix socket' if kind == 'unix' else 'use rediss'}"
            )
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = _decoded(value, name)
        if not found[name]:
            raise ValueError(f"{name} is empty")
    return found


def _tls_context(options: Mapping[str, str]) -> "ssl.SSLContext":
    """Return the context of TLS: the trusted certificates, and the client's own."""
    import ssl

    def chosen(name: str, meanings: Mapping[str, bool]) -> bool:
        value = options.get(name, next(iter(meanings)))
        if value not in meanings:
            raise ValueError(f"invalid {name}: use {' or '.join(meanings)}")
        return meanings[value]

    check_hostname = chosen("ssl_check_hostname", {"true": True, "false": False})
    verify = chosen("ssl_cert_reqs", {"required": True, "none": False})
    certificate, private_key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    if private_key and not certificate:
        raise ValueError("ssl_keyfile needs ssl_certfile")
    name, path = "ssl_ca_certs", options.get("ssl_ca_certs")
    try:
        context = ssl.create_default_context(cafile=path)
        if certificate:
            name, path = "ssl_certfile", certificate
            # Without this, a key with a passphrase asks for it on the terminal.
            context.load_cert_chain(certificate, private_key, password=lambda: b"")
    except OSError as error:  # ssl.SSLError is one
        reason = "invalid certificate or key" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValueError(f"{name}: {path}: {reason}") from error
    context.check_hostname = check_hostname and verify
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    return context
