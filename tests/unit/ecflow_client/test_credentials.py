"""The proof of the user for an HTTP server: a token of a file, or the password over https."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchman_cli.ecflow_client import Access, EcflowError
from watchman_cli.ecflow_client.credentials import Credentials, authorization, credentials_for
from watchman_cli.ecflow_client.errors import TokenWithheld


def tokens(folder: Path, *entries: dict[str, Any]) -> str:
    path = folder / "tokens.json"
    path.write_text(json.dumps({"version": 1, "tokens": entries}))
    return str(path)


BEARER = {"type": "bearer", "api": {"key": "abc-123", "email": "a@b"}}
BASIC = {"type": "basic", "api": {"username": "fred", "password": "s3cret%"}}


@pytest.mark.parametrize("pattern", [".*", "https?://h:1", "^.*h:1"])
def test_a_token_goes_in_clear_only_if_its_entry_says_so(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(EcflowError, match=r"is not sent in clear$"):
        authorization("http://h:1", tokens(tmp_path, {"server": pattern, **BEARER}))
    for right in ("http://h:1", "^http://.*"):
        assert authorization("http://h:1", tokens(tmp_path, {"server": right, **BEARER}))
    for url in ("https://h:1", "http://localhost:1", "http://127.0.0.1:1", "http://::1:1"):
        assert authorization(url, tokens(tmp_path, {"server": ".*", **BEARER})), url


def test_entries_of_other_types_are_passed_over(tmp_path: Path) -> None:
    """As ecFlow's own client does (ClientEnvironment.cpp, TokenFile::load)."""
    others: list[dict[str, Any]] = [{"server": ".*", "type": "oidc", "api": {"x": 1}}, {"server": "("}]
    path = tokens(tmp_path, *others, {"server": ".*", **BEARER})
    assert authorization("https://h:1", path) == {"Authorization": "Bearer abc-123"}
    assert authorization("https://h:1", tokens(tmp_path, *others)) == {}


def test_where_tokens_are_looked_for(tmp_path: Path) -> None:
    """What is configured, else ECF_AUTHTOKENS, else ~/.ecflowapirc; none need be there."""
    url = "https://host:443"
    entry = {"server": ".*", **BEARER}
    home = {"HOME": str(tmp_path)}
    assert authorization(url, None, home) == {}
    named = tokens(tmp_path, entry)
    (tmp_path / ".ecflowapirc").write_text(json.dumps({"tokens": [{**entry, "api": {"key": "home"}}]}))
    assert authorization(url, None, home) == {"Authorization": "Bearer home"}
    assert authorization(url, None, {**home, "ECF_AUTHTOKENS": named}) == {"Authorization": "Bearer abc-123"}
    assert authorization(url, named, home) == {"Authorization": "Bearer abc-123"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"tokens": ["s3cret"]}',
        '{"tokens": [{"server": "(", "type": "bearer", "api": {"key": "s3cret"}}]}',
        '{"tokens": [{"server": ".*", "type": "bearer", "api": {"key": "s3cret\\r\\nX: y"}}]}',
        '{"tokens": [{"server": ".*", "type": "bearer", "api": {"key": 3}}]}',
        '{"tokens": [{"server": ".*", "type": "bearer", "api": {}}]}',
    ],
)
def test_a_file_of_tokens_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(EcflowError) as raised:
        authorization("http://h:1", str(path))
    assert str(raised.value) == f"{path}: it is not a file of ecFlow's API tokens"
    assert raised.value.kind == "authentication"


def test_a_file_of_tokens_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EcflowError, match="No such file"):
        authorization("http://h:1", str(tmp_path / "none"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example.org", "localhost.example.org", "xlocalhost", "128.0.0.1"]
)
def test_a_token_goes_in_clear_to_this_host_only(tmp_path: Path, host: str) -> None:
    path = tokens(tmp_path, {"server": ".*", **BEARER})
    with pytest.raises(TokenWithheld, match=f"^{path}: the token for http://{host}:1 is not sent in clear$"):
        authorization(f"http://{host}:1", path)


def test_the_first_entry_for_the_whole_url_is_used(tmp_path: Path) -> None:
    def entry(server: str, key: str) -> dict[str, Any]:
        return {"server": server, "type": "bearer", "api": {"key": key}}

    path = tokens(
        tmp_path, entry("https://h", "begins"), entry("h:1", "ends"), entry(".*:1", "a"), entry(".*", "b")
    )
    assert authorization("https://h:1", path) == {"Authorization": "Bearer a"}
    assert authorization("https://h:2", path) == {"Authorization": "Bearer b"}


def access(protocol: str, path: str | None = None, password: str | None = "s3cret%") -> Access:
    return Access("h", 1, protocol, "fred", password, tokens=path)


BASIC_HEADER = {"Authorization": "Basic ZnJlZDpzM2NyZXQl"}


def test_token_comes_before_the_password(tmp_path: Path) -> None:
    path = tokens(tmp_path, {"server": "https://h:1", **BEARER})
    token = {"Authorization": "Bearer abc-123"}
    assert credentials_for(access("https", path), "fred") == Credentials(token, "token", path)
    assert credentials_for(access("https", path, None), "fred") == Credentials(token, "token", path)


def test_password_is_sent_over_https_only(tmp_path: Path) -> None:
    path = tokens(tmp_path)
    assert credentials_for(access("https", path), "fred") == Credentials(BASIC_HEADER, "password", path)
    for other in ("http", "tcp", "ssl"):
        assert credentials_for(access(other, path), "fred") == Credentials({}, "nothing", path)
    assert credentials_for(access("https", path, None), "fred") == Credentials({}, "nothing", path)


def test_no_file_of_tokens_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ECF_AUTHTOKENS", raising=False)
    assert credentials_for(access("https"), "fred") == Credentials(BASIC_HEADER, "password", None)
    assert credentials_for(access("http"), "fred") == Credentials({}, "nothing", None)
