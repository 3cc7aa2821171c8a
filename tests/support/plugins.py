"""A real Icinga and a real Nagios with the shipped definitions, whose intervals are seconds."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ROOT / ".venv" / "plugins"


class Monitor(ABC):
    """A monitoring system that has only the services of an example."""

    example: Path

    def __init__(self, home: Path, definitions: str) -> None:
        """Write its configuration in `home`. `definitions` is the example's text, or a part of it."""
        if not PROGRAMS.exists():
            raise RuntimeError("no Icinga here: run the tests with `make test`, which fetches it")
        self.home = home
        self._configure(definitions)

    @abstractmethod
    def _configure(self, definitions: str) -> None: ...

    @abstractmethod
    def command(self, *, validate: bool) -> list[str]:
        """Return the command that runs it in the foreground, or only checks its configuration."""

    @abstractmethod
    def state(self, service: str) -> int | None:
        """Return the exit code of a service's last check, or None before the first one."""

    def validate(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(validate=True), env=_environment(), capture_output=True, text=True, check=False
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        with (self.home / "output").open("w") as output:
            process = subprocess.Popen(
                self.command(validate=False), env=_environment(), stdout=output, stderr=output
            )
            try:
                yield
            finally:
                process.terminate()
                process.wait()


def _environment() -> dict[str, str]:
    (folder,) = PROGRAMS.glob("usr/lib/*-linux-gnu*")
    return {**os.environ, "LD_LIBRARY_PATH": str(folder)}


class Icinga(Monitor):
    """Icinga 2."""

    example = ROOT / "examples" / "icinga2" / "watchman.conf"
    own = """
const NodeName = "here"
include <itl>
object CheckerComponent "checker" {{}}
object PerfdataWriter "states" {{
  service_format_template = "$service.name$ $service.state_id$"
  service_perfdata_path = "{home}/states"
  service_temp_path = "{home}/temporary"
  host_temp_path = "{home}/hosts"
  rotation_interval = 1s
}}
include "{home}/watchman.conf"
"""

    def _configure(self, definitions: str) -> None:
        fast = re.sub(r"_interval = \d+\w", "_interval = 1s", definitions)
        (self.home / "watchman.conf").write_text(fast)
        (self.home / "icinga2.conf").write_text(self.own.format(home=self.home))

    def command(self, *, validate: bool) -> list[str]:
        user = getpass.getuser()
        folders = [
            f"Configuration.{name}Dir={self.home}" for name in ("Data", "Log", "Cache", "Spool", "InitRun")
        ]
        settings = [*folders, f"Configuration.RunAsUser={user}", f"Configuration.RunAsGroup={_group()}"]
        (program,) = PROGRAMS.glob("usr/lib/*/icinga2/sbin/icinga2")
        return [
            str(program),
            "daemon",
            *(["--validate"] if validate else []),
            f"--config={self.home}/icinga2.conf",
            f"--include={PROGRAMS}/usr/share/icinga2/include",
            *(f"--define={setting}" for setting in settings),
        ]

    def state(self, service: str) -> int | None:
        written = sorted(self.home.glob("states*"), key=lambda file: file.stat().st_mtime_ns)
        text = "".join(file.read_text() for file in written)
        found = re.findall(rf"^{re.escape(service)} (\d)$", text, re.M)
        return int(found[-1]) if found else None


class Nagios(Monitor):
    """Nagios 4."""

    example = ROOT / "examples" / "nagios" / "watchman.cfg"
    own = """
cfg_file={programs}/etc/nagios4/objects/commands.cfg
cfg_file={programs}/etc/nagios4/objects/contacts.cfg
cfg_file={programs}/etc/nagios4/objects/timeperiods.cfg
cfg_file={programs}/etc/nagios4/objects/templates.cfg
cfg_file={home}/watchman.cfg
log_file={home}/log
object_cache_file={home}/objects.cache
precached_object_file={home}/objects.precache
status_file={home}/status.dat
state_retention_file={home}/retention.dat
lock_file={home}/pid
temp_file={home}/temporary
temp_path={home}
check_result_path={home}/results
command_file={home}/commands
query_socket={home}/socket
nagios_user={user}
nagios_group={group}
check_external_commands=0
enable_notifications=0
use_syslog=0
status_update_interval=1
interval_length=1
illegal_macro_output_chars=`~$&|'"<>
"""

    def _configure(self, definitions: str) -> None:
        (self.home / "results").mkdir()
        (self.home / "watchman.cfg").write_text(definitions)
        own = self.own.format(home=self.home, programs=PROGRAMS, user=getpass.getuser(), group=_group())
        (self.home / "nagios.cfg").write_text(own)

    def command(self, *, validate: bool) -> list[str]:
        options = ["--verify-config"] if validate else []
        return [str(PROGRAMS / "usr/sbin/nagios4"), *options, f"{self.home}/nagios.cfg"]

    def state(self, service: str) -> int | None:
        file = self.home / "status.dat"
        text = file.read_text() if file.exists() else ""
        for block in re.findall(r"^servicestatus \{$(.*?)^\t\}$", text, re.M | re.S):
            if f"service_description={service}\n" in block and "has_been_checked=1" in block:
                return int(re.findall(r"current_state=(\d)", block)[0])
        return None


def _group() -> str:
    import grp

    return grp.getgrgid(os.getgid()).gr_name
