"""A node's attributes, as ECMWF's own lines: what they mean, and how they are kept.

A run in which nothing changed imports no more of this stage than what is here.
"""

from typing import Literal, NamedTuple

DetailsLife = Literal["keep", "set", "remove"]  # what becomes of the expiry of stored details


class KeptDetails(NamedTuple):
    """Which details are in the store: the signature and stamp they were written with, and their expiry.

    `hidden_repeats` are the paths of the nodes whose repeat is a secret, `expire` is in seconds.
    """

    signature: list[str]
    stamp: str
    expire: int | None
    hidden_repeats: list[str]

    @property
    def revision(self) -> str:
        """The revision of the snapshot that they belong to."""
        return self.stamp.partition(" ")[0]

    def expiring(self, expire: int | None) -> tuple["KeptDetails", DetailsLife]:
        """Return these with the configured expiry, and what becomes of the expiry in the store."""
        return self._replace(expire=expire), "set" if expire else "remove" if self.expire else "keep"
