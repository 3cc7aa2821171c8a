"""The address of a server, and the user that asks it."""

from typing import NamedTuple


class Access(NamedTuple):
    """The address of a server, and the user that asks it.

    Without `user` the login's name is taken. `certificate` and `tokens` are paths; without them the files
    are looked for where ecFlow's own client looks.
    """

    host: str
    port: int
    protocol: str = "tcp"
    user: str | None = None
    password: str | None = None
    certificate: str | None = None
    tokens: str | None = None

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self._asdict().items() if name != "password")
        return f"Access({', '.join(shown)})"

    @property
    def url(self) -> str:
        """The server's address as a URL, such as http://host:3141."""
        return f"{self.protocol}://{self.host}:{self.port}"
