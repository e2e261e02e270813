# SPDX-License-Identifier: MIT
"""skcptun demo, the first thing that a newcomer runs."""
import os
import re
import signal
import socket
import time
import urllib.request

import pytest
from conftest import children_of, free_port, is_alive, skcptun, wait_for

# The demo and the janitor beside it: web server, link, server, client; and the two kinds of load.
CHILDREN = 7


def start(box, *args):
    process = box.start("demo", *args, env=dict(os.environ, TMPDIR=str(box.path)))
    wait_for(lambda: "The tunnel is up" in process.log(), 20, what="tunnel up")
    return process, wait_for(lambda: len(c := children_of(process.pid)) == CHILDREN and c)


def wait_nothing_left(box, children):
    wait_for(lambda: not any(map(is_alive, children)), 4, what="children ended")
    wait_for(lambda: not list(box.path.glob("skcptun-demo-*")), 4, what="folder removed")


def test_demo(box):
    process, children = start(box, "--seconds", "4", "--port", str(free_port()))
    url = re.search(r"http://127\.0\.0\.1:\d+/", process.log()).group()
    with urllib.request.urlopen(url, timeout=5) as page:
        assert b"It works." in page.read()
    with urllib.request.urlopen(url + "bytes/100000", timeout=5) as answer:
        assert len(answer.read()) == 100000
    assert process.wait(20) == 0, process.log()
    wait_nothing_left(box, children)
    log = process.log()
    # One line a second.
    assert len(re.findall(r"^ +\d+ s  GET direct .* tunnel .* download .* verified", log, re.M)) >= 3
    assert "2 % loss each way" in log and "50 ms round trip" in log
    assert "All of it arrived, and right." in log
    median = float(re.search(r"GET, through tunnel .* median ([\d.]+) ms", log).group(1))
    assert 50 <= median < 200
    lost = float(re.search(r"lost by the link .*\(([\d.]+) %\)", log).group(1))
    assert 0.5 < lost < 30


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
    time.sleep(0.3)
    client = next(p for p in children if b"client.lua" in open(f"/proc/{p}/cmdline", "rb").read())
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
