"""A group that builds only the command that runs: building all of them takes 7 ms of every run."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo


class Command(NamedTuple):
    """Where a command's function is; `cls` is the class in its module that typer makes a command of."""

    module: str
    function: str
    epilog: str
    cls: str = ""


class Commands(Mapping[str, Any]):
    """Commands by name; each is imported and built when it is first needed, except those in `built`."""

    def __init__(self, commands: Mapping[str, Command], built: Mapping[str, Any]) -> None:
        self._commands = commands
        self._names = (*commands, *built)
        self._built = dict(built)

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            command = self._commands[name]
            module = import_module(f"watchman_cli.cli.{command.module}")
            info = CommandInfo(
                name=name,
                callback=getattr(module, command.function),
                cls=getattr(module, command.cls) if command.cls else TyperCommand,
                epilog=command.epilog,
            )
            self._built[name] = get_command_from_info(
                info, pretty_exceptions_short=True, rich_markup_mode=None
            )
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class LazyGroup(TyperGroup):
    """A group of the commands in `table`; those that typer registered come after them."""

    table: Mapping[str, Command]

    def __init__(self, **options: Any) -> None:
        registered = options.pop("commands", None) or {}
        super().__init__(commands={}, **options)
        self.commands = Commands(self.table, registered)  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in their order."""
        return list(self.commands)
