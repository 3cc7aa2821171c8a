"""The entry point: the commands, and the end of a command by an error."""

import errno
import os
import resource
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from watchman_cli import __version__
from watchman_cli.cli.lazy import Command, LazyGroup
from watchman_cli.cli.unexpected import describe, error_code, report
from watchman_cli.cli.zsh import answer_first_tab, is_script_wanted
from watchman_cli.errors import ConfigError, WatchmanError, print_error
from watchman_cli.signals import exit_now


class WatchmanGroup(LazyGroup):
    """The commands; those of `config` are a group of their own."""

    table = {  # noqa: RUF012
        "collect": Command("collect", "collect", "Example: watchman collect --server nwpc_op -v"),
        "show": Command("show", "show", "Example: watchman show nwp_xp/nwpc_op --status aborted"),
        "list": Command("list", "list_servers", "Example: watchman list --json"),
        "page": Command("page", "page", "Example: watchman page --output /var/www/html/ecflow.html"),
        "changes": Command("changes", "changes", "Example: watchman changes --all --to aborted --follow"),
        "check": Command(
            "check", "check", "Example: watchman check nwp_xp/nwpc_op --max-age 5m", "PluginCommand"
        ),
        "silence": Command(
            "silence", "silence", "Example: watchman silence nwpc_op /forecast --for 2h --because 'new disks'"
        ),
        "wait": Command(
            "wait", "wait", "Example: watchman wait nwpc_op /suite/family --until complete --or aborted"
        ),
        "why": Command("why", "why", "Example: watchman why nwp_xp/nwpc_op /suite/family/task"),
        "node": Command(
            "node", "node", "Example: watchman node nwp_xp/nwpc_op /suite/task --variable ECF_JOBOUT"
        ),
        "find": Command("find", "find", "Example: watchman find --variable HOST=login01"),
        "lint": Command("lint", "lint", "Example: watchman lint nwp_xp/nwpc_op"),
    }


class ConfigGroup(LazyGroup):
    """The commands of `config`."""

    table = {  # noqa: RUF012
        "check": Command("config_check", "config_check", "Example: watchman config check --connect"),
        "init": Command(
            "config_init", "config_init", "Example: watchman config init login01:3141 login02:3141"
        ),
        "servers": Command(
            "config_servers", "config_servers", "Example: watchman config servers --shard 1/8"
        ),
        "import": Command("config_import", "config_import", "Example: watchman config import OLD.yaml"),
    }


app = typer.Typer(
    name="watchman",
    cls=WatchmanGroup,
    help="Reads the state of every node of many ecFlow servers, and stores it for operators and programs.",
    epilog="Example: watchman collect --config /etc/watchman/config.yaml",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(
    cls=ConfigGroup,
    help="Creates and checks the configuration.",
    epilog="Example: watchman config check --connect",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(config_app, name="config")


@app.callback(invoke_without_command=True)
def common(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="With --version: those of Python, redis-py and the bindings, too."
    ),
) -> None:
    """Handle the options without a command."""
    if version:
        print(f"watchman {__version__}")
        if verbose:
            from watchman_cli.cli.versions import others

            print("\n".join(others()))
        raise typer.Exit
    if verbose:
        raise ConfigError(["-v: give it after the command, or with --version"])


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; an error becomes a line on standard error and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    code: Any = error_code(arguments)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold the passwords
        open_streams()
        if is_script_wanted(arguments, os.environ):
            answer_first_tab()
        code = app(arguments, standalone_mode=True)
    except SystemExit as exit_:
        if not isinstance(exit_.__context__, BrokenPipeError):
            code = exit_.code
        elif code == 1:  # typer's code if the reader closed the pipe, which is not an error
            code = 0
    except WatchmanError as error:
        for line in error.messages:
            print_error(line)
        code = error.exit_code
    except OSError as error:  # of standard output; errors of servers and stores are reported elsewhere
        limit = " (ulimit -n)" if error.errno == errno.EMFILE else ""
        code = report(arguments, f"{error}{limit}")
    except Exception as error:
        no_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
        limit = "no thread can be started: the limit of processes (ulimit -u) is reached"
        code = report(arguments, limit if no_thread else describe(error))
    exit_now(code if isinstance(code, int) else 0, error_code(arguments))


def open_streams() -> None:
    """Replace a closed standard stream by the null device, so that no other file gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 (until the process ends)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
