"""An error that no command handles: one line, and an exit code that claims nothing of a server or a node."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import watchman_cli
from watchman_cli.cli.unexpected import PACKAGE, describe, error_code
from watchman_cli.duration import parse_duration

SECRET = "secret-of-a-reply"


def test_text_of_an_error_is_hidden() -> None:
    with pytest.raises(ValueError) as raised:
        parse_duration(SECRET)
    assert SECRET in str(raised.value)
    shown = describe(raised.value)
    assert shown.startswith("unexpected ValueError at duration.py:") and SECRET not in shown
    assert describe(MemoryError()) == "out of memory (ulimit -v)"
    assert "cannot be imported: orjson" in describe(ModuleNotFoundError(SECRET, name="orjson"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["check", "r"], 3), (["-x", "check"], 3), (["wait", "r"], 3), (["show", "check"], 1), ([], 1)],
)
def test_the_exit_code_is_the_command_s(arguments: list[str], code: int) -> None:
    assert error_code(arguments) == code


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, to which damage can be done."""
    home = tmp_path_factory.mktemp("copied")
    shutil.copytree(PACKAGE, home / "watchman_cli")  # with the bytecode: nothing is compiled again
    schemas = Path(watchman_cli.__file__).parents[1] / "schemas"
    shutil.copytree(schemas, home / "watchman_cli/schemas", dirs_exist_ok=True)
    (home / "watchman.yaml").write_text(
        f"store: file://{home}\nservers: [{{owner: o, repo: r, host: h, port: 1}}]\n"
    )
    return home


@pytest.fixture
def damaged(copied: Path, module: str, damage: str) -> Iterator[Path]:
    """The copy with damage in one of its modules."""
    file = copied / "watchman_cli" / module
    whole = file.read_text()
    file.write_text(f"{whole}\n{damage}\n")
    yield copied
    file.write_text(whole)


@pytest.mark.parametrize(
    ("module", "damage", "words"),
    [
        (
            "readback.py",
            f"def read_servers(*_, **__): raise KeyError('{SECRET}')",
            "unexpected KeyError at readback.py:",
        ),
        ("readback.py", "def read_servers(*_, **__): raise MemoryError", "out of memory"),
        (
            "readback.py",
            "def read_servers(*_, **__): raise OSError(24, 'Too many open files')",
            "Too many open files",
        ),
        ("readback.py", "import absent", "cannot be imported: absent"),
        ("cli/options.py", "import absent", "cannot be imported: absent"),
    ],
)
def test_check_is_unknown_and_others_fail(damaged: Path, words: str) -> None:
    for arguments, code in ((["check", "r"], 3), (["page", "--output", "-"], 1)):
        command = [sys.executable, "-m", "watchman_cli", *arguments]
        done = subprocess.run(command, cwd=damaged, capture_output=True, text=True, check=False)
        said, silent = (done.stdout, done.stderr) if code == 3 else (done.stderr, done.stdout)
        assert (done.returncode, silent) == (code, ""), done
        assert said.startswith("WATCHMAN UNKNOWN - " if code == 3 else "watchman: ")
        assert words in said and said.count("\n") == 1 and SECRET not in said
