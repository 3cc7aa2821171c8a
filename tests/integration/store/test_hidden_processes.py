"""A lock whose holder cannot be seen, as under hidepid (proc(5)), is never taken over before its time."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from tests.conftest import require_namespace
from tests.integration.store.test_contract import NAME
from tests.support.redis_server import RedisServer
from watchman_cli.store import holder
from watchman_cli.store.redis.keys import key

# Root without what shows it the processes of others: group and capability; then not to signal them either.
HIDING = (
    "mount -t proc -o hidepid=2 proc /proc && ! setpriv {0} cat /proc/{1}/stat 2>&- && exec setpriv {0} {2}"
)
TAKE = f"""
import sys, time
from watchman_cli.store import open_store
lease = open_store(sys.argv[1]).lease({NAME!r}, time.monotonic() + 20)
print("taken" if lease else "refused")
"""


def test_a_live_run_of_another_user(redis: RedisServer, tmp_path: Path) -> None:
    require_namespace("--mount")
    script = tmp_path / "take.py"
    script.write_text(TAKE)

    def take(capabilities: str) -> str:
        without = f"--regid=65533 --clear-groups --bounding-set={capabilities} --inh-caps={capabilities}"
        command = HIDING.format(without, other.pid, shlex.join([sys.executable, str(script), redis.url]))
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    other = subprocess.Popen([*as_nobody, "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE)
    try:
        assert other.stdout and other.stdout.readline()
        started = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
        host, machine, *_ = holder.new_token().decode().split()
        redis.client.set(key(NAME, "lock"), f"{host} {machine} {other.pid} {started} 00", px=600_000)
        assert take("-sys_ptrace") == "refused"
        assert take("-sys_ptrace,-kill") == "refused"
    finally:
        other.kill()
        other.communicate()
    assert take("-sys_ptrace,-kill") == "taken"
