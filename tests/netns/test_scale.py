# SPDX-License-Identifier: MIT
"""10,000 connections through one session: each is answered, and costs next to nothing while it says nothing.

    c: 10,000 sockets -> 127.0.0.1:8080 skcptun --vth0-- skcptun -> 127.0.0.1:80 :s
"""
import contextlib
import os
import pathlib
import resource
import selectors
import socket
import sys
import time

import pytest
from lab import GUARD, INSTRUMENTED
from link import veth
from tunnel import client, server, wait_session

CONNECTIONS = 10_000
AT_ONCE = 200
EACH_BYTES = 4096
MAX_MEMORY = 64 << 20
TICKS = os.sysconf("SC_CLK_TCK")
TARGET = pathlib.Path(__file__).resolve().parents[1] / "attack" / "honest.py"


@contextlib.contextmanager
def descriptors(most):
    """As many connections as there may be descriptors for, up to `most`: one session has half of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = most if hard == resource.RLIM_INFINITY else min(most, (hard // 2 - 300) // AT_ONCE * AT_ONCE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield count
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask_all(socks):
    """One byte to the target and back on each."""
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            sock.sendall(b"?")
            selector.register(sock, selectors.EVENT_READ)
        left, end = len(socks), time.monotonic() + 20 * GUARD
        while left:
            assert time.monotonic() < end, f"{left} of {len(socks)} connections were not answered"
            for key, _ in selector.select(1):
                assert key.fileobj.recv(16) == b"?"
                selector.unregister(key.fileobj)
                left -= 1


def open_all(ns, count):
    socks = []
    for _ in range(count // AT_ONCE):
        more = [ns.connect(8080) for _ in range(AT_ONCE)]
        for sock in more:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.sendall(b"e")
        ask_all(more)
        socks += more
    return socks


def cpu_seconds(end):
    with open(f"/proc/{end.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wakeups(end):
    with open(f"/proc/{end.process.pid}/status", encoding="ascii") as status:
        return next(int(row.split()[1]) for row in status if row.startswith("voluntary_ctxt_switches"))


def idle_cost(ends, seconds=3):
    """CPU time and wake-ups of each, a second."""
    before = [(cpu_seconds(e), wakeups(e)) for e in ends]
    begin = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    return [((cpu_seconds(e) - cpu) / took, (wakeups(e) - woken) / took) for e, (cpu, woken) in zip(ends, before)]


@pytest.mark.slow
def test_10000_connections(lab):
    c, s = lab.netns("c"), lab.netns("s")
    veth(c, s)
    with descriptors(CONNECTIONS) as count:
        lab.start(s, "target", sys.executable, TARGET, "target", 80).wait_port(80)
        far = server(lab, s, entry={"streams_max": count + 100}, start=False)
        near = client(lab, c, ["10.91.0.2"], start=False)
        ends = (far, near)
        for end in ends:
            end.start()
        near.process.wait_port(8080)
        wait_session(near)
        before = [e.process.memory("VmRSS") for e in ends]
        socks = open_all(c, count)
        for sock in socks:
            lab.closing(sock)
        assert near.status()["tcp"]["open"] == count
        (session,) = near.sessions()
        assert session["streams"] == count
        time.sleep(6)  # acknowledgements, what each connection has to do once
        each = [(e.process.memory("VmRSS") - b) / count for e, b in zip(ends, before)]
        idle = idle_cost(ends)
        ask_all(socks)  # none was lost
        peaks = [e.process.memory() for e in ends]
        for sock in socks:
            sock.close()
    lab.note(f"{count} connections, server and client: {each[0]:.0f} and {each[1]:.0f} bytes each; idle "
             + " and ".join(f"{cpu:.3f} cores, {woken:.1f} wake-ups a second" for cpu, woken in idle)
             + f"; resident at most {peaks[0] / 2**20:.0f} and {peaks[1] / 2**20:.0f} MiB")
    if INSTRUMENTED:
        return
    for end_each, (cpu, woken), peak in zip(each, idle, peaks):
        assert end_each < EACH_BYTES
        assert cpu < 0.05
        assert woken < 60
        assert peak < MAX_MEMORY + (24 << 20)
