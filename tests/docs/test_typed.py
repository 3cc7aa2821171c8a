"""Type checkers see the types of the installed package in the README's example."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def install_wheel(folder: Path) -> Path:
    """Build the wheel, unpack it into an environment of its own, and return that one's interpreter."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv")
    (packages,) = folder.glob("venv/lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return folder / "venv" / "bin" / "python"


def test_mypy_sees_the_types_of_the_installed_wheel(tmp_path: Path) -> None:
    interpreter = install_wheel(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    revealed = ["snapshot.collected_time", "snapshot.status", "snapshot.counts"]
    code = example + "".join(f"reveal_type({each})\n" for each in revealed)
    (tmp_path / "example.py").write_text(code)
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", interpreter, "example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    types = re.findall(r'Revealed type is "(.*)"', result.stdout)
    assert [each.replace("builtins.", "") for each in types] == [
        "datetime.datetime",
        "def (path: str) -> str | None",
        "def () -> dict[str, int]",
    ]


def test_the_wheel_has_the_license_and_the_schemas(tmp_path: Path) -> None:
    packages = install_wheel(tmp_path).parent.parent.glob("lib/python*/site-packages")
    names = {str(each.relative_to(folder)) for folder in packages for each in folder.rglob("*")}
    assert {"watchman_cli/py.typed", "watchman_cli/schemas/config.schema.json"} <= names
    assert any(re.fullmatch(r"watchman_cli-.*\.dist-info/licenses/LICENSE", name) for name in names)
