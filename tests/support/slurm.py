"""A real slurmctld and slurmd of the user who runs the tests, with one node: this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.support.loopback import await_true, free_port

PROGRAMS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
SETTINGS = """\
ClusterName=watchman
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
StateSaveLocation={home}/state
SlurmdSpoolDir={spool}
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
ReturnToService=2
MessageTimeout=100
SlurmdTimeout=0
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A cluster of one node, which takes `cpus` tasks at a time; a context manager. `home` is its folder."""

    def __init__(self, home: Path, cpus: int) -> None:
        self.home = home
        (home / "state").mkdir(parents=True)
        # slurmd makes a socket for each task here, whose path is short.
        self._spool = tempfile.TemporaryDirectory(prefix="slurm-")
        settings = SETTINGS.format(
            user=pwd.getpwuid(os.geteuid()).pw_name,
            home=home,
            spool=self._spool.name,
            controller=free_port(),
            node=free_port(),
            cpus=cpus,
        )
        (home / "slurm.conf").write_text(settings)
        self._stack = ExitStack()

    def __enter__(self) -> Slurm:
        if not shutil.which("slurmctld", path=PROGRAMS):
            raise RuntimeError("no Slurm here: run the tests with `make test`, which installs it")
        with self._stack as stack:
            self._start(stack, "slurmctld", "-D")
            self._start(stack, "slurmd", "-D", "-N", "localhost")
            await_true(lambda: "idle" in self._ask("sinfo", "-h", "-o", "%T"), "Slurm's node is not idle")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._spool.cleanup()

    @property
    def environment(self) -> Mapping[str, str]:
        return {"PATH": PROGRAMS, "SLURM_CONF": str(self.home / "slurm.conf"), "HOME": str(self.home)}

    def submit(self, script: Path, *options: str) -> str:
        """Submit a script, and return the job's number."""
        return self._run("sbatch", "--parsable", *options, str(script)).strip()

    def cancel(self, *jobs: str) -> None:
        self._run("scancel", *jobs)

    def release(self, job: str) -> None:
        """Let a job that was submitted with --hold begin."""
        self._run("scontrol", "release", job)

    def await_end(self, job: str, limit: float) -> list[str]:
        """Wait until all tasks of a job have ended; return the state and the exit code of each."""
        try:
            await_true(lambda: not self._ask("squeue", "-h", "-j", job), "the job did not end", limit)
        except TimeoutError as error:
            logs = [(self.home / f"{name}.log").read_text()[-2000:] for name in ("slurmctld", "slurmd")]
            raise TimeoutError("\n".join([str(error), self._ask("squeue", "-l"), *logs])) from error
        lines = self._run("scontrol", "--oneliner", "show", "job", job).splitlines()
        fields = [dict(field.partition("=")[::2] for field in line.split()) for line in lines]
        return sorted(f"{each['JobState']} {each['ExitCode']}" for each in fields)

    def _start(self, stack: ExitStack, *command: str) -> None:
        log = stack.enter_context((self.home / f"{command[0]}.out").open("wb"))
        process = subprocess.Popen(command, env=self.environment, cwd=self.home, stdout=log, stderr=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=self.home, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr}")
        return done.stdout

    def _ask(self, *command: str) -> str:
        """Return a command's output, or an empty string if it fails, as long as Slurm is starting."""
        try:
            return self._run(*command)
        except RuntimeError:
            time.sleep(0.1)
            return ""
