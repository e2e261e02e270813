# SPDX-License-Identifier: MIT
"""A machine that was suspended for an hour: the clock that counts sleep jumps, the others do not. The keys and the session
of before are too old; after waking the client is in again within seconds, and what it had open ends instead of hanging."""
import os
import struct
import time

import pytest
from lab import GUARD
from tunnel import client, server, wait_session
from link import Link
from web import Nginx

pytestmark = pytest.mark.light


def suspendable(lab, name):
    path = lab.dir / f"{name}.suspended"
    path.write_bytes(struct.pack("<q", 0))
    env = {"LD_PRELOAD": str(lab.fakeclock()), "SKT_FAKE_SUSPEND": str(path),
           "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
    return path, env


def jump(path, seconds):
    with open(path, "r+b") as file:
        file.write(struct.pack("<q", seconds))


@pytest.mark.parametrize("who", ["client", "server"])
def test_back_after_a_suspended_hour(lab, who):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="5ms")
    Nginx(lab, s, lab.files)
    file, env = suspendable(lab, who)
    far = server(lab, s, env=env if who == "server" else None)
    near = client(lab, c, ["10.90.0.2"], env=env if who == "client" else None)
    old = wait_session(near)[0]["cid"]
    open_one = c.connect(8080)
    open_one.sendall(b"GET / HTTP/1.0\r\n")  # and no end: it stays open
    time.sleep(0.3)
    jump(file, 3600)
    began = time.monotonic()
    while True:
        assert time.monotonic() - began < 10 * GUARD, near.process.log()
        try:
            with c.connect(8080, timeout=2) as user:
                user.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if user.recv(100).startswith(b"HTTP/1.1"):
                    break
        except OSError:
            pass
        time.sleep(0.1)
    now = wait_session(near)[0]
    assert now["cid"] != old and now["age_s"] < 60, "the session of an hour ago is still in use"
    open_one.settimeout(15 * GUARD)
    try:
        assert open_one.recv(100) == b""
    except ConnectionResetError:
        pass
    open_one.close()
    # The kernel's timers have not slept with the process's clock: its drain would wait for the hour.
    jumped = near if who == "client" else far
    jumped.process.must_exit_0 = False
    jumped.process.kill()
