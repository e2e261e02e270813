# SPDX-License-Identifier: MIT
"""As a service: what the manager is told (sd_notify), and the units of packaging/systemd."""
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import GUARD, ROOT, SKCPTUN, free_port, skcptun

UNITS = ROOT / "packaging/systemd"


class Manager:
    """Systemd's end of NOTIFY_SOCKET."""

    def __init__(self, box, abstract=False):
        self.name = f"@skt-test-{os.getpid()}" if abstract else str(box.path / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.name.replace("@", "\0", 1))
        self.socket.settimeout(10 * GUARD)

    def hear(self, word):
        """What came until a message with the word, and that message."""
        heard = []
        while True:
            heard.append(self.socket.recv(4096).decode())
            if word in heard[-1]:
                return heard

    def env(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.name, **more}


@pytest.mark.parametrize("abstract", [False, True])
def test_the_manager_is_told_when_it_listens_reads_again_and_ends(box, abstract):
    manager = Manager(box, abstract)
    port = free_port()
    config = box.write("c.lua", box.client_config(free_port(socket.SOCK_DGRAM), port))
    process = box.start(config, env=manager.env())
    assert manager.hear("READY=1") == ["READY=1"]
    socket.create_connection(("127.0.0.1", port), 10).close()
    assert re.search(r"STATUS=proxy_client: 0 sessions up, 1 not; \d connections$", manager.hear("STATUS=")[-1])
    process.signal(signal.SIGHUP)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", manager.hear("RELOADING=1")[-1])
    assert "READY=1" in manager.hear("READY=1")[-1]
    box.write("c.lua", "nonsense")
    process.signal(signal.SIGHUP)
    manager.hear("RELOADING=1")
    manager.hear("READY=1")  # a refused file leaves it as it was, and running
    process.signal(signal.SIGTERM)
    manager.hear("STOPPING=1")
    assert process.wait() == 0


def test_the_watchdog_is_told_that_it_turns(box):
    manager = Manager(box)
    config = box.write("c.lua", box.client_config(free_port(socket.SOCK_DGRAM), free_port()))
    box.start(config, env=manager.env(WATCHDOG_USEC="400000"))
    heard = [word for _ in range(3) for word in manager.hear("WATCHDOG=1")]
    assert "READY=1" in heard


def test_a_watchdog_for_another_process_is_none_of_ours(box):
    manager = Manager(box)
    config = box.write("c.lua", box.client_config(free_port(socket.SOCK_DGRAM), free_port()))
    process = box.start(config, env=manager.env(WATCHDOG_USEC="20000", WATCHDOG_PID="1"))
    manager.hear("STATUS=")
    process.signal(signal.SIGTERM)
    assert not any("WATCHDOG" in word for word in manager.hear("STOPPING=1"))
    assert process.wait() == 0


@pytest.mark.parametrize("name", ["/nowhere/at/all", "relative", "", "@", "/" + "x" * 200])
def test_without_a_manager_it_runs(box, name):
    port = free_port()
    config = box.write("c.lua", box.client_config(free_port(socket.SOCK_DGRAM), port))
    process = box.start(config, env={**os.environ, "NOTIFY_SOCKET": name})
    while "listening" not in process.log():
        assert process.popen.poll() is None, process.log()
    process.signal(signal.SIGTERM)
    assert process.wait() == 0


def test_what_can_not_start_is_never_ready(box):
    manager = Manager(box)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = box.write("c.lua", box.client_config(free_port(socket.SOCK_DGRAM), taken.getsockname()[1]))
        assert box.start(config, env=manager.env()).wait() == 1
    manager.socket.settimeout(0.01)
    with pytest.raises(TimeoutError):
        manager.socket.recv(4096)


def test_the_group_that_is_meant_may_read_the_configuration(box):
    if os.geteuid() != 0:
        pytest.skip("another account's group takes root")
    config = box.write("c.lua", box.client_config(1, 2, top='user = "nobody",'), mode=0o640)
    nogroup = int(subprocess.run(["id", "-g", "nobody"], capture_output=True, text=True, check=True).stdout)
    os.chown(config, 0, nogroup)
    assert skcptun("check", config).stderr == ""
    os.chown(config, 0, 0)
    assert "others can read this file" in skcptun("check", config).stderr
    os.chown(config, 0, nogroup)
    config.chmod(0o644)
    assert "others can read this file" in skcptun("check", config).stderr
    # A service that was started as somebody else reads it by that group.
    config = box.write("c.lua", box.client_config(1, 2), mode=0o640)
    os.chown(config, 0, nogroup)
    box.path.chmod(0o755)
    done = subprocess.run(["setpriv", "--reuid=nobody", f"--regid={nogroup}", "--clear-groups", SKCPTUN, "check", config],
                          capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 127:
        pytest.skip("the program is where nobody may not reach it")
    assert (done.returncode, done.stderr) == (0, "")


def unit_files(box):
    folder = box.path / "units"
    folder.mkdir()
    for source in UNITS.glob("*.service.in"):
        # Documentation is looked up by verify, and is not installed here.
        text = source.read_text().replace("@CMAKE_INSTALL_FULL_BINDIR@/skcptun", SKCPTUN)
        (folder / source.stem).write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    return folder


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
@pytest.mark.parametrize("unit", ["skcptun@", "skcptun-tun@"])
def test_units_are_right_and_tight(box, unit):
    folder = unit_files(box)
    done = subprocess.run(["systemd-analyze", "verify", f"./{unit}x.service"], cwd=folder, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0 and unit not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25", f"./{unit}.service"],
                          cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-300:]  # 2.5 of 10
