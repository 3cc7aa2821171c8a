"""Jobs of a real ecFlow server that never run: the test speaks in their place, as ecflow_client does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.ecflow_server import EcflowServer
from tests.support.loopback import await_true

SCRIPT = "%ECF_PASS% %ECF_TRYNO%\n"  # its job file has what the job needs to speak


def prepare_jobs(server: EcflowServer, *names: str) -> str:
    """Write the scripts of tasks; return the variables of a suite whose jobs are submitted to nothing."""
    for name in names:
        (server.home / f"{name}.ecf").write_text(SCRIPT)
    return f"edit ECF_HOME '{server.home}'\nedit ECF_FILES '{server.home}'\nedit ECF_JOB_CMD 'true'\n"


def start_job(server: EcflowServer, path: str, rid: str) -> None:
    """Make a submitted task active, with this job's id."""
    job = Path(f"{server.home}{path}.job1")
    await_true(lambda: job.exists() and len(job.read_text().split()) == 2, f"{path} was not submitted")
    init_job(server, path, job, rid)


def init_job(server: EcflowServer, path: str, job: Path, rid: str, timeout: float = 30) -> None:
    """Make a task active whose job file is `job`, with this job's id. Raises what `speak` does."""
    speak(server, path, job, f"--init={rid}", timeout)


def speak(server: EcflowServer, path: str, job: Path, argument: str, timeout: float = 30) -> None:
    """Have the job of a task say something to its server, whose job file is `job`.

    Raises subprocess.TimeoutExpired if the server lets the job wait, CalledProcessError if it refuses it.
    """
    password, try_no = job.read_text().split()
    variables = {
        "ECF_HOST": server.host,
        "ECF_PORT": str(server.port),
        "ECF_NAME": path,
        "ECF_PASS": password,
        "ECF_TRYNO": try_no,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ECF_")}
    settings = (f"{name}={value}" for name, value in variables.items())
    command = server.release.command("env", *settings, "ecflow_client", argument)
    subprocess.run(command, env=environment, check=True, timeout=timeout, capture_output=True)
