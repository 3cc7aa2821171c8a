"""What proves to an HTTP server who asks: ecFlow's API tokens, or a password as basic authentication.

Sources: ClientEnvironment.cpp and ClientInvoker.cpp (libs/client/src/ecflow/client).
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .access import Access
from .errors import Sent, TokenError, TokenWithheld

_KEY = re.compile(r"[!-~]+")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1", re.ASCII)


class Credentials(NamedTuple):
    """The proof of the user, as a header, and its kind; `tokens` is the file of tokens, or None."""

    header: Mapping[str, str]
    sent: Sent
    tokens: str | None


def credentials_for(access: Access, user: str) -> Credentials:
    """Return the proof of the user for a server; a token comes before the password. Raises TokenError.

    A password goes over https only: over http anybody on the way could read it.
    """
    path = _token_file(access.tokens)
    header = authorization(access.url, access.tokens)
    if header:
        return Credentials(header, "token", path)
    if access.password and access.protocol == "https":
        header = {"Authorization": _basic(user, access.password)}
        return Credentials(header, "password", path)
    return Credentials({}, "nothing", path)


def authorization(
    url: str, chosen: str | None, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the header with the token for a server's URL; nothing if no file has one.

    In the file, a server is a regular expression that the whole URL matches. Raises TokenError.
    """
    path = _token_file(chosen, environment)
    if path is None:
        return {}
    try:
        document = json.loads(Path(path).read_text())
        for token in document["tokens"]:
            if token.get("type") in _TYPES and re.fullmatch(token["server"], url):
                return {"Authorization": _for_url(token, url, path)}
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise TokenError(f"{path}: it is not a file of ecFlow's API tokens") from error
    return {}


def _token_file(chosen: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of the file of tokens: `chosen`, else that of ECF_AUTHTOKENS, else ~/.ecflowapirc."""
    path = chosen or environment.get("ECF_AUTHTOKENS")
    if path:
        return path
    path = str(Path(environment.get("HOME", "/")) / ".ecflowapirc")
    return path if Path(path).exists() else None


def _for_url(token: Mapping[str, Any], url: str, path: str) -> str:
    """Return the value of HTTP's Authorization, from the entry for a URL.

    Over http anybody on the way could read it. Raises TokenError if the entry does not say that it may.
    """
    found = _TYPES[token["type"]](token["api"])
    scheme, _, address = url.partition("://")
    named = token["server"].removeprefix("^").startswith("http://")
    if scheme == "http" and not named and not _LOOPBACK.fullmatch(address.rpartition(":")[0]):
        raise TokenWithheld(path, url)
    return found


def _bearer(api: Mapping[str, Any]) -> str:
    if not _KEY.fullmatch(api["key"]):  # a header's value, to which a new line would add another
        raise ValueError
    return f"Bearer {api['key']}"


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


# Entries of other types are for others, and are passed over as ecFlow's client does.
_TYPES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "bearer": _bearer,
    "basic": lambda api: _basic(api["username"], api["password"]),
}
