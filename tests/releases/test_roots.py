"""The roots of the releases themselves: what is in them, and that nothing stays mounted."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.ecflow_server import EcflowServer
from tests.support.release import ENTER, Release

MAKE_ROOT = ENTER.with_name("make_root")


def mounts_in(root: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if line.split()[4].startswith(f"{root}/")]


def test_server_and_bindings_are_of_the_release(
    release_server: EcflowServer, release: Release, tmp_path: Path
) -> None:
    program = "import ecflow; print(ecflow.__version__)"
    version = subprocess.check_output([release.interpreter(tmp_path), "-c", program], text=True).strip()
    assert f"Ecflow version({version})" in release_server.stats()


def test_nothing_stays_mounted_in_a_root(release_server: EcflowServer, release: Release) -> None:
    if release.root is None:
        return
    before = mounts_in(release.root)
    release_server.load_text(
        "suite s\nendsuite\n"
    )  # the server's and the bindings' processes are in the root
    assert mounts_in(release.root) == before
    release_server.kill()
    assert mounts_in(release.root) == before


def test_a_whole_root_is_not_made_again(release: Release) -> None:
    if release.root is None:
        return
    made = subprocess.run([MAKE_ROOT, release.name, release.root], capture_output=True, check=True)
    assert made.stdout == b""
