"""`config init` and `config import`: each writes a configuration that works."""

from __future__ import annotations

import pytest

from tests.support.ecflow_server import EcflowServer
from tests.support.faulty_server import Connection, FakeServer
from tests.support.watchman import Watchman
from tests.unit.ecflow_client.replies import STATISTICS, member, reply
from watchman_cli import config


def test_init(watchman: Watchman, ecflow: EcflowServer) -> None:
    output = watchman.home / "new.yaml"
    arguments = ("config", "init", f"127.0.0.1:{ecflow.port}", "--config", str(output))
    environment = watchman.environment(LOGNAME="op")
    with watchman.start(*arguments, "--store", "redis://h:1/2", environment=environment) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b""), (out, err)
    assert "# ecFlow 5." in output.read_text() and "HALTED, up since" in output.read_text()
    found = config.load(output, {})
    assert found.store == "redis://h:1/2" and output.stat().st_mode & 0o777 == 0o600
    assert (found.servers[0].name, found.servers[0].port) == (f"op/127.0.0.1_{ecflow.port}", ecflow.port)


def test_init_keeps_what_is_there_and_says_who_does_not_answer(watchman: Watchman) -> None:
    output = watchman.home / "new.yaml"
    first = watchman.run("config", "init", "localhost:1", "--config", str(output))
    assert (
        first.code == 1 and first.err == "localhost:1: connection refused; it was added to the file anyway\n"
    )
    assert config.load(output, {}).servers[0].address == "localhost:1"
    before = output.read_bytes()
    again = watchman.run("config", "init", "localhost:1", "--config", str(output))
    assert again.code == 2 and "exists, and stays as it is" in again.err and output.read_bytes() == before
    for wrong in ("localhost", "http://h:1", "h:99999", "h:0"):
        assert watchman.run("config", "init", wrong, "--config", "other").code == 2


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\u2029", "\x0b"])
def test_nothing_that_a_server_says_becomes_configuration(watchman: Watchman, end: str) -> None:
    """A line break of YAML's in `Up since`, or in the version, adds no key: ecflow_python names a program."""
    more = f"{end}  - {{owner: x, repo: y, host: h, port: 1}}{end}ecflow_python: /program{end}x-rest:"

    def behave(connection: Connection) -> None:
        connection.client.recv(65536)
        lying = STATISTICS.replace("00:12:57", f"00:12:57{more}").replace("(5.9.2)", f"(5.9.2{more})")
        body = bytes(reply(member("SStringCmd", str_=lying)))
        connection.forward(f"{len(body):8x}".encode() + body)

    output = watchman.home / "new.yaml"
    with FakeServer(behave) as server:
        result = watchman.run("config", "init", f"{server.host}:{server.port}", "--config", str(output))
    assert (result.code, result.err) == (0, "")
    found = config.load(output, {})
    assert found.ecflow_python is None and [each.host for each in found.servers] == [server.host]
    assert "unknown release" in output.read_text()
    assert all(line.isprintable() for line in output.read_text().split("\n"))


def test_import(watchman: Watchman, ecflow: EcflowServer) -> None:
    old, output = watchman.home / "old.yaml", watchman.home / "new.yaml"
    old.write_text(
        "global:\n  scrape_interval: 20s\nscrape_configs:\n  -\n    job_name: j\n    owner: nwp_xp\n"
        f"    repo: nwpc_op\n    host: 127.0.0.1\n    port: {ecflow.port}\n"
        f"sink_config:\n  type: redis\n  url: file://{watchman.home}/store\n"
    )
    result = watchman.run("config", "import", str(old), "--config", str(output))
    assert result.code == 0 and result.err == f"{old}: scrape_configs.job_name: no counterpart\n"
    command = f"watchman collect --config {output}"
    lines = [f"* * * * * {pause}{command}" for pause in ("", "sleep 20; ", "sleep 40; ")]
    assert result.text.splitlines()[1:] == lines
    assert watchman.run("collect", "--config", str(output)).code == 0
    assert (watchman.home / "store/nwp_xp/nwpc_op/status.json").exists()


def test_import_into_a_folder_whose_name_a_shell_would_obey(watchman: Watchman) -> None:
    folder = watchman.home / "a $(id) 100%"
    folder.mkdir()
    old, output = watchman.home / "old.yaml", folder / "new.yaml"
    old.write_text('" ": 1\nscrape_configs: [{owner: "é\U0001f600", repo: r, host: h, port: 1}]\n')
    result = watchman.run("config", "import", str(old), "--config", str(output))
    assert (result.code, result.err) == (0, f"{old}: ' ': no counterpart\n")
    quoted = str(output).replace("%", r"\%")
    assert result.text.splitlines()[1] == f"* * * * * watchman collect --config '{quoted}'"
    assert config.load(output, {}).servers[0].owner == "é\U0001f600"
