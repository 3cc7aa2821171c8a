"""A store in memory, as one of the kinds under the contract's tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.integration.store.conftest import Kind
from watchman_cli.store import Field, Store
from watchman_cli.store.memory import Memory, MemoryStore
from watchman_cli.store.redis.keys import KeyField


@dataclass
class MemoryKind(Kind):
    """A memory that the stores of one test share."""

    memory: Memory = field(default_factory=Memory)

    def open(self) -> Store:
        return MemoryStore(self.memory)

    def put(self, name: str, field: KeyField, value: bytes) -> None:
        self.memory.values[name, _value_field(field)] = value

    def get(self, name: str, field: KeyField) -> bytes | None:
        return self.memory.values.get((name, _value_field(field)))

    def delete(self, name: str, field: KeyField) -> None:
        if field == "lock":
            del self.memory.locks[name]
        else:
            del self.memory.values[name, _value_field(field)]

    def is_locked(self, name: str) -> bool:
        return name in self.memory.locks

    def locks(self) -> list[str]:
        return sorted(self.memory.locks)

    def leftovers(self) -> list[str]:
        names = {*self.memory.locks, *self.memory.batches, *(name for name, _ in self.memory.values)}
        return sorted(name for name in names if "probe" in name)


def _value_field(field: KeyField) -> Field:
    assert field != "changes" and field != "lock"
    return field
