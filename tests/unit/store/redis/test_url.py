"""The address of a Redis: each is read as it is meant, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchman_cli.errors import ConfigError
from watchman_cli.store import open_store
from watchman_cli.store.redis.url import Endpoint, parse

SECRET = "SECRET"


def test_passwords_are_not_shown() -> None:
    found = parse(f"redis+sentinel://u:{SECRET}@h/m?sentinel_username=s&sentinel_password={SECRET}")
    assert (found.password, found.sentinel_password) == (SECRET, SECRET) and SECRET not in repr(found)


@pytest.mark.parametrize(
    "url, endpoints, db",
    [
        ("redis://h", ["h:6379"], 0),
        ("redis://h/", ["h:6379"], 0),
        ("redis://h:1/12", ["h:1"], 12),
        ("redis://h?db=3", ["h:6379"], 3),
        ("redis://login-1.example.org:6380/0", ["login-1.example.org:6380"], 0),
        ("redis://[::1]:1/2", ["::1:1"], 2),
        ("redis://[::1]", ["::1:6379"], 0),
        ("unix:///run/r.sock?db=2", ["/run/r.sock"], 2),
        ("unix:///run/a%20b.sock", ["/run/a b.sock"], 0),
        ("redis+sentinel://a,b:2,[::1],[::2]:3/m", ["a:26379", "b:2", "::1:26379", "::2:3"], 0),
        ("redis+sentinel://a/m/4", ["a:26379"], 4),
        ("redis+sentinel://a/m?db=4", ["a:26379"], 4),
        ("redis+cluster://a,b:2", ["a:6379", "b:2"], 0),
        ("redis+cluster://a/0", ["a:6379"], 0),
    ],
)
def test_what_is_named(url: str, endpoints: list[str], db: int) -> None:
    found = parse(url)
    assert ([str(endpoint) for endpoint in found.endpoints], found.db) == (endpoints, db)
    assert (found.username, found.password, found.context) == (None, None, None)


def test_parts_of_a_sentinel() -> None:
    found = parse("redis+sentinel://u:p@h/my%20master/1?sentinel_username=s&sentinel_password=a%2Bb+c%40")
    assert (found.kind, found.service, found.db) == ("sentinel", "my master", 1)
    assert (found.username, found.password) == ("u", "p")
    assert (found.sentinel_username, found.sentinel_password) == ("s", "a+b+c@")
    assert found.endpoints == (Endpoint("h", 26379),)


@pytest.mark.parametrize("password", ["%", "/", "#", "?", "@", ":", "a%2Fb", "ü", "&=+ ,", "100%", "[x]"])
@pytest.mark.parametrize("scheme", ["redis://{}@h/0", "unix://{}@/s", "redis+sentinel://{}@h/m"])
def test_every_password_can_be_written(password: str, scheme: str) -> None:
    from urllib.parse import quote

    for user in ("", "user", "u@x"):
        found = parse(scheme.format(f"{quote(user, safe='')}:{quote(password, safe='')}"))
        assert (found.username, found.password) == (user or None, password)


def test_tls(tmp_path: Path) -> None:
    import ssl

    for scheme in ("rediss://h", "rediss+cluster://h", "rediss+sentinel://h/m"):
        context = parse(scheme).context
        assert context and context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED
    lax = parse("rediss://h?ssl_check_hostname=false").context
    assert lax and not lax.check_hostname and lax.verify_mode == ssl.CERT_REQUIRED
    unverified = parse("rediss://h?ssl_cert_reqs=none").context
    assert unverified and unverified.verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize(
    "url, reason",
    [
        ("redis://h/prod", "invalid database: use a number"),
        ("redis://h/1/2", "invalid database: use a number"),
        ("redis://h/-1", "invalid database: use a number"),
        ("redis://h/0/", "invalid database: use a number"),
        ("redis://h?db=", "db is empty"),
        ("redis://h?db=x", "invalid database: use a number"),
        ("redis://h/1?db=1", "the database is given twice"),
        ("redis://h?db=1&db=2", "db is given twice"),
        ("redis://", "invalid host"),
        ("redis:///0", "invalid host"),
        ("redis://h:", "invalid host"),
        ("redis://h:port/0", "invalid host"),
        ("redis://h:0", "port 0 is not between"),
        ("redis://h:70000", "port 70000 is not between"),
        ("redis://a,b/0", "invalid host"),
        ("redis://::1/0", "write an IPv6 address in [ ]"),
        ("redis://h/0?decode_responses=true", "unknown option decode_responses"),
        ("redis://h/0?socket_timeout=1", "unknown option socket_timeout"),
        ("redis://h/0?nonsense", "unknown option"),
        ("redis://h/0?ssl_ca_certs=/x", "is for TLS"),
        ("unix:///s?ssl_ca_certs=/x", "is for TLS"),
        ("unix://", "absolute path"),
        ("unix://relative/path", "absolute path"),
        ("redis+sentinel://h", "the service's name is missing"),
        ("redis+sentinel://h/m/x", "invalid database: use a number"),
        ("redis+sentinel://h,/m", "invalid host"),
        ("redis+cluster://h/1", "only database 0"),
        ("redis+cluster://h?db=1", "only database 0"),
        ("rediss://h?ssl_ca_certs=/nonexistent", "ssl_ca_certs: /nonexistent: No such file"),
        (f"rediss://h?ssl_ca_certs={__file__}", "invalid certificate or key"),
        ("rediss://h?ssl_keyfile=/nonexistent", "ssl_keyfile needs ssl_certfile"),
        ("rediss://h?ssl_certfile=/nonexistent", "ssl_certfile: /nonexistent: No such file"),
        ("rediss://h?ssl_cert_reqs=optional", "invalid ssl_cert_reqs: use required or none"),
        ("redis://user@h", "user:password or :password"),
        ("redis://user:@h", "user:password or :password"),
        ("http://h", "the address must begin with one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url, "watchman.yaml:1: store")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("watchman.yaml:1: store: ") and reason in line


@pytest.mark.parametrize("sign", ["/", "#", "?", "%", "%zz", "/?#", "%ff"])
@pytest.mark.parametrize("scheme", ["redis://u:{}@h:1/0", "redis://:{}@h", "redis+sentinel://:{}@h,i/m"])
def test_a_password_that_is_not_encoded_is_refused_and_not_shown(sign: str, scheme: str) -> None:
    for password in (f"{SECRET}{sign}{SECRET}", f"{sign}{SECRET}", f"{SECRET}{sign}"):
        with pytest.raises(ConfigError) as caught:
            open_store(scheme.format(password))
        assert "write % as %25, / as %2F, ? as %3F, # as %23" in str(caught.value)
        assert SECRET not in str(caught.value)
