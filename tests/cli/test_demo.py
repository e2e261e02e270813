# SPDX-License-Identifier: MIT
"""skcptun demo, the first thing that a newcomer runs."""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import termios
import time
import urllib.request

import pytest
from conftest import SKCPTUN, children_of, free_port, is_alive, skcptun, wait_for

# The janitor beside the demo; web server, link, server, client; the two kinds of load; plain TCP.
CHILDREN = 8
# A terminal as people have it.
COLUMNS, ROWS = 80, 24


def start(box, *args):
    process = box.start("demo", *args, env=dict(os.environ, TMPDIR=str(box.path)))
    wait_for(lambda: "The tunnel is up" in process.log(), 20, what="tunnel up")
    children = wait_for(lambda: len(c := children_of(process.pid)) == CHILDREN and c)
    # Plain TCP has processes of its own.
    return process, children + [g for c in children for g in children_of(c)]


def wait_nothing_left(box, children):
    wait_for(lambda: not any(map(is_alive, children)), 4, what="children ended")
    wait_for(lambda: not list(box.path.glob("skcptun-demo-*")), 4, what="folder removed")


def test_demo(box):
    process, children = start(box, "--port", str(free_port()))
    url = re.search(r"http://127\.0\.0\.1:\d+/", process.log()).group()
    with urllib.request.urlopen(url, timeout=60) as page:
        assert b"It works." in page.read()
    with urllib.request.urlopen(url + "bytes/100000", timeout=60) as answer:
        assert len(answer.read()) == 100000
    # One line a second.
    wait_for(lambda: len(re.findall(r"^ +\d+ s  GET tunnel .*; download tunnel .* Mbit/s$", process.log(), re.M)) >= 4, 60)
    process.signal(signal.SIGINT)
    assert process.wait(20) == 0, process.log()
    wait_nothing_left(box, children)
    log = process.log()
    assert max(map(len, log.splitlines())) < COLUMNS, log
    assert "2 % loss each way" in log and "50 ms round trip" in log
    assert "All of it arrived, and right." in log
    median = float(re.search(r"^  through the tunnel +\d+ +([\d.]+)", log, re.M).group(1))
    assert median >= 50
    lost = float(re.search(r"The line under the tunnel lost .*\(([\d.]+) %\)", log).group(1))
    assert 0.5 < lost < 30


def can_have_tun():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError:
        return False
    return os.geteuid() == 0


@pytest.mark.skipif(not can_have_tun(), reason="needs root and /dev/net/tun")
def test_demo_shows_plain_tcp_beside(box):
    """A line as bad, without the tunnel: each GET takes the line's round trip twice, for its connection and for
    itself; a row that did not cross it would take none."""
    process, children = start(box, "--loss", "0", "--rtt", "300", "--port", str(free_port()))
    wait_for(lambda: re.search(r"download tunnel (?!0\.0)[\d.]+, TCP (?!0\.0)[\d.]+ Mbit/s", process.log()), 60)
    process.signal(signal.SIGINT)
    assert process.wait(20) == 0, process.log()
    wait_nothing_left(box, children)
    done, median, *_ = re.search(r"^  plain TCP \(\w+\) +(\d+) +([\d.]+)", process.log(), re.M).groups()
    assert int(done) > 0 and float(median) >= 600, process.log()


def test_demo_says_why_plain_tcp_is_not_shown(box):
    if os.geteuid() != 0:
        pytest.skip("root alone can become somebody else")
    os.chown(box.path, 65534, 65534)
    for folder in box.path.parents:
        if not folder.stat().st_mode & 0o001:
            pytest.skip(f"{folder} is closed to others")
    done = skcptun("demo", "--seconds", "3", "--port", str(free_port()), env=dict(os.environ, TMPDIR=str(box.path)),
                   user=65534, group=65534, extra_groups=[])
    assert done.returncode == 0, done.stdout + done.stderr
    # Where anybody may open it, the row is there.
    row = re.findall(r"^  plain TCP .*$", done.stdout, re.M)[-1]
    assert re.search(r"not shown: .*: \w+|\) +\d+ +[\d.]+|starting", row), done.stdout
    assert max(map(len, done.stdout.splitlines())) < COLUMNS, done.stdout


def on_a_terminal(*args, seconds, env):
    """What skcptun writes to a terminal, until it ends or for so long."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(SKCPTUN, [SKCPTUN, *args], env)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    out = b""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        try:
            if select.select([fd], [], [], 1)[0]:
                out += os.read(fd, 65536)
        except OSError:  # EIO: it has ended
            break
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return os.waitstatus_to_exitcode(status), out.decode()


def test_demo_fits_a_terminal(box):
    status, out = on_a_terminal("demo", "--seconds", "3", "--port", str(free_port()), seconds=60,
                                env=dict(os.environ, TMPDIR=str(box.path)))
    assert status == 0, out
    lines = re.sub(r"\x1b\[[0-9?]*[A-Za-z]", "", out).split("\r\n")
    assert max(map(len, lines)) < COLUMNS, out
    # All that is said before the table, and the table, on one screen.
    table = next(i for i, line in enumerate(lines) if "GET, ms" in line)
    assert table + 7 < ROWS
    assert [line.split("  ")[0] for line in lines[table + 1:table + 3]] == ["no line", "through the tunnel"]


def test_demo_over_a_clean_line(box):
    done = skcptun("demo", "--seconds", "2", "--loss", "0", "--rtt", "0", "--rate", "0",
                   env=dict(os.environ, TMPDIR=str(box.path)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(box.path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_demo_ended_by_a_signal(box, number):
    process, children = start(box)
    wait_for(lambda: " 1 s  GET" in process.log())
    process.signal(number)
    assert process.wait() == (-number if number == signal.SIGKILL else 0), process.log()
    wait_nothing_left(box, children)
    assert ("All of it arrived" in process.log()) == (number != signal.SIGKILL)


def test_demo_shows_why_a_child_failed(box):
    process, children = start(box)
    client = wait_for(lambda: next((p for p in children if b"client.lua" in open(f"/proc/{p}/cmdline", "rb").read()), None))
    os.kill(client, signal.SIGKILL)
    assert process.wait() == 1
    assert "the client was ended by signal 9" in process.log()
    assert "the end of the client's log" in process.log()
    wait_nothing_left(box, children)


def test_demo_port_taken(box):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = skcptun("demo", "--port", port, env=dict(os.environ, TMPDIR=str(box.path)))
    assert done.returncode == 1 and f"port {port}" in done.stderr
    assert list(box.path.iterdir()) == []


def test_demo_keeps_its_key_to_itself(box):
    process, children = start(box)
    (folder,) = box.path.glob("skcptun-demo-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    key = re.search(r'key = "([^"]+)"', (folder / "client.lua").read_text()).group(1)
    ticket = re.search(r'ticket = "([^"]+)"', (folder / "client.lua").read_text()).group(1)
    assert (folder / "client.lua").stat().st_mode & 0o777 == 0o600
    seen = process.log() + (folder / "client.log").read_text() + (folder / "server.log").read_text()
    for pid in children + [process.pid]:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as f:
            seen += f.read()
    assert key not in seen and ticket not in seen
    wait_for(lambda: " 1 s  GET" in process.log())
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    wait_nothing_left(box, children)
