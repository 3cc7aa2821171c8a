"""A real slurmctld and slurmd of a user without root, with one node: this machine.

They see a home directory, an /etc and an /opt/watchman of their own, so that the examples run as they stand.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.conftest import require_namespace
from tests.support.loopback import await_true, free_port

ROOT = Path(__file__).parents[2]
PROGRAMS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
USER, UID, HOME = "operator", 61141, "/home/operator"
# $0 is the test's directory, $1 the checkout, $2 the prefix of the interpreter.
INSIDE = f"""
set -e
cp -a /etc "$0/etc"
sed -i /^{USER}:/d "$0/etc/passwd"
echo "{USER}:x:{UID}:{UID}::{HOME}:/bin/sh" >>"$0/etc/passwd"
mkdir -p "$0/etc/watchman"
mount --bind "$0/etc" /etc
mount -t tmpfs tmpfs /mnt
mkdir /mnt/python
mount --bind "$2" /mnt/python
mount -t tmpfs tmpfs /opt
mkdir /opt/watchman
mount --bind "$1" /opt/watchman
mount --bind "$0/watchman" /opt/watchman/.venv/bin/watchman
mount -t tmpfs -o mode=755 tmpfs /home
mkdir {HOME}
mount --bind "$0/home" {HOME}
echo
read -r _
"""
# The checkout and its interpreter may lie where only root can go.
WATCHMAN = """#!/bin/sh
PYTHONHOME=/mnt/python LD_LIBRARY_PATH=/mnt/python/lib PYTHONPATH=/opt/watchman:/opt/watchman/{packages} \\
exec /mnt/python/bin/python{version} -m watchman_cli "$@"
"""
SETTINGS = f"""\
ClusterName=watchman
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={USER}
SlurmdUser={USER}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
StateSaveLocation={HOME}/state
SlurmdSpoolDir={HOME}/spool
SlurmctldPort={{controller}}
SlurmdPort={{node}}
SlurmctldPidFile={HOME}/slurmctld.pid
SlurmdPidFile={HOME}/slurmd.pid
SlurmctldLogFile={HOME}/slurmctld.log
SlurmdLogFile={HOME}/slurmd.log
ReturnToService=2
MessageTimeout=100
SlurmdTimeout=0
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
ScronParameters=enable
NodeName=localhost NodeAddr=127.0.0.1 CPUs={{cpus}} RealMemory=64000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A cluster of one node, which takes `cpus` tasks at a time; a context manager.

    `home` is the folder that its user sees as HOME, and `config` what he sees as /etc/watchman/config.yaml.
    """

    def __init__(self, folder: Path, cpus: int) -> None:
        require_namespace("--mount")
        self._folder, self.home = folder, folder / "home"
        self.config = folder / "etc" / "watchman" / "config.yaml"
        for each in (self.home, self.home / "state", self.home / "spool"):
            each.mkdir(parents=True)
            os.chown(each, UID, UID)
        settings = SETTINGS.format(controller=free_port(), node=free_port(), cpus=cpus)
        (self.home / "slurm.conf").write_text(settings)
        packages = Path(os.__file__).parent.relative_to(sys.base_prefix) / "site-packages"
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        program = WATCHMAN.format(packages=Path(".venv") / packages, version=version)
        (folder / "watchman").write_text(program)
        (folder / "watchman").chmod(0o755)
        self._stack = ExitStack()

    def __enter__(self) -> Slurm:
        if not shutil.which("slurmctld", path=PROGRAMS):
            raise RuntimeError("no Slurm here: run the tests with `make test`, which installs it")
        with self._stack as stack:
            arguments = [str(self._folder), str(ROOT), sys.base_prefix]
            self._namespace = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            stack.callback(self._namespace.communicate)
            assert self._namespace.stdout and self._namespace.stdout.readline(), "no namespace"
            self._start(stack, "slurmctld", "-D")
            self._start(stack, "slurmd", "-D", "-N", "localhost")
            await_true(lambda: "idle" in self._ask("sinfo", "-h", "-o", "%T"), "Slurm's node is not idle")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def has(self, program: str) -> bool:
        """Return whether this release of Slurm has a program."""
        return shutil.which(program, path=PROGRAMS) is not None

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PATH": PROGRAMS, "SLURM_CONF": f"{HOME}/slurm.conf", "HOME": HOME, "USER": USER}

    def submit(self, script: str, *options: str) -> str:
        """Submit a script, and return the job's number."""
        return self.run("sbatch", "--parsable", *options, script).strip()

    def cancel(self, *jobs: str) -> None:
        self.run("scancel", *jobs)

    def release(self, job: str) -> None:
        """Let a job that was submitted with --hold begin."""
        self.run("scontrol", "release", job)

    def await_end(self, job: str, limit: float) -> list[str]:
        """Wait until all tasks of a job have ended; return the state and the exit code of each."""
        try:
            await_true(lambda: not self._ask("squeue", "-h", "-j", job), "the job did not end", limit)
        except TimeoutError as error:
            logs = [(self.home / f"{name}.log").read_text()[-2000:] for name in ("slurmctld", "slurmd")]
            raise TimeoutError("\n".join([str(error), self._ask("squeue", "-l"), *logs])) from error
        lines = self.run("scontrol", "--oneliner", "show", "job", job).splitlines()
        fields = [dict(field.partition("=")[::2] for field in line.split()) for line in lines]
        return sorted(f"{each['JobState']} {each['ExitCode']}" for each in fields)

    def _start(self, stack: ExitStack, *command: str) -> None:
        log = stack.enter_context((self.home / f"{command[0]}.out").open("wb"))
        process = subprocess.Popen(self._as_user(command), env=self.environment, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)

    def run(self, *command: str) -> str:
        """Run a command as the user, and return what it prints. Raises RuntimeError if it fails."""
        done = subprocess.run(
            self._as_user(command), env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}: {done.stderr}")
        return done.stdout

    def _as_user(self, command: Sequence[str]) -> list[str]:
        enter = ["nsenter", f"--mount=/proc/{self._namespace.pid}/ns/mnt"]
        user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
        return [*enter, *user, "env", "-C", HOME, *command]

    def _ask(self, *command: str) -> str:
        """Return a command's output, or an empty string if it fails, as long as Slurm is starting."""
        try:
            return self.run(*command)
        except RuntimeError:
            time.sleep(0.1)
            return ""
