"""`make install` in a checkout, for a user who may not write there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchman_cli import __file__ as package

ROOT = Path(package).parents[1]
# Every module of the package, except the script for the interpreter with the bindings.
IMPORT_ALL = """
import importlib, pkgutil, watchman_cli
for module in pkgutil.walk_packages(watchman_cli.__path__, "watchman_cli."):
    if module.name != "watchman_cli.bindings.script":
        importlib.import_module(module.name)
"""
# As another user, who may read what root may.
AS_NOBODY = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Forbid everybody but root to write in a folder."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]
    for each in folders:
        each.chmod(0o555)
    try:
        yield
    finally:
        for each in folders:
            each.chmod(0o755)


def make_checkout(folder: Path) -> None:
    """Make a checkout with a virtual environment, in which the dependencies are those of this one."""
    shutil.copytree(
        ROOT / "watchman_cli", folder / "watchman_cli", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (site,) = (folder / ".venv/lib").glob("python*/site-packages")
    (site / "paths.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    script = folder / ".venv/bin/watchman"
    script.write_text(f"#!{folder}/.venv/bin/python\nfrom watchman_cli.__main__ import run\nrun()\n")
    script.chmod(0o755)


def compiled_in_a_run(folder: Path) -> set[str]:
    """Return the package's files that are compiled while another user's process imports all of them."""
    command = [str(folder / ".venv/bin/python"), "-v", "-c", IMPORT_ALL]
    if os.geteuid() == 0:
        command = [*AS_NOBODY, *command]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    with read_only(folder):
        result = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    modules = set(re.findall(r"^import 'watchman_cli[\w.]*'", result.stderr, re.MULTILINE))
    assert len(modules) > 100
    return set(re.findall(rf"code object from '?{folder}/(watchman_cli/\S+\.py)\b", result.stderr))


def test_another_user_compiles_nothing_in_a_run(tmp_path: Path) -> None:
    """Also if the installation is told to compile nothing, and after an edit and another installation."""
    make_checkout(tmp_path)
    assert len(compiled_in_a_run(tmp_path)) > 100
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SOURCE_DATE_EPOCH": "1000000000"}
    install = ["make", "-C", str(tmp_path), "install"]
    subprocess.run(install, env=environment, check=True, capture_output=True)
    assert compiled_in_a_run(tmp_path) == set()
    with (tmp_path / "watchman_cli/text.py").open("a") as file:
        file.write("# one more line\n")
    assert compiled_in_a_run(tmp_path) == {"watchman_cli/text.py"}
    subprocess.run(install, env=environment, check=True, capture_output=True)
    assert compiled_in_a_run(tmp_path) == set()
