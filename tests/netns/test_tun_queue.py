# SPDX-License-Identifier: MIT
"""The queue into the tunnel: short beside an upload, fair between flows.

    c: tun0 10.77.0.2 skcptun --lnk0==== link ====lnk0-- skcptun tun0 10.77.0.1 :s
"""
import socket
import threading
import time

import pytest
from lab import INSTRUMENTED, PATIENCE
from tun import NET, Iperf, iperf, ping, received_mbit, tun_pair

SERVER = f"{NET}.1"


def test_ping_beside_an_upload(lab):
    t = tun_pair(lab, rate=20, delay="40ms", buffer="100ms")
    Iperf(lab, t.s)
    idle = ping(t.c, SERVER, count=20)
    results = {}

    def upload():
        results["upload"] = iperf(t.c, SERVER, 12)

    thread = threading.Thread(target=upload)
    thread.start()
    time.sleep(3)
    busy = ping(t.c, SERVER, count=160, interval=0.05)
    thread.join()
    mbit = received_mbit(results["upload"])
    tun = t.client.status()["tun"]
    lab.note(f"TUN, 20 Mbit/s, 80 ms: upload {mbit:.1f} Mbit/s, ping {idle.avg:.1f} ms idle, {busy.avg:.1f} ms (max {busy.max:.0f}) "
             f"beside it; {tun['dropped']} packets dropped by the queue")
    assert busy.received == 160
    if not INSTRUMENTED:  # aims, met on a quiet machine: + 30 ms, 16.4 Mbit/s; an unmanaged queue adds 100 ms and more
        assert busy.avg <= idle.avg + 60
        assert mbit >= 12


class Thin(threading.Thread):
    """64 bytes there and back every 100 ms; round trips in ms."""

    def __init__(self, t, port, end):
        super().__init__(daemon=True)
        self.sock = t.c.connect(port, SERVER)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.times, self.end = [], end

    def run(self):
        while time.monotonic() < self.end:
            began = time.monotonic()
            self.sock.sendall(b"x" * 64)
            left = 64
            while left > 0:
                left -= len(self.sock.recv(left))
            self.times.append((time.monotonic() - began) * 1000)
            time.sleep(max(0, 0.1 - (time.monotonic() - began)))
        self.sock.close()


def echo(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := sock.recv(4096):
        sock.sendall(data)


def thin_flows(lab, t, port, count, seconds):
    listener = lab.closing(t.s.listen(port, SERVER))

    def serve():
        for _ in range(count):
            threading.Thread(target=echo, args=(lab.closing(listener.accept()[0]),), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    flows = [Thin(t, port, time.monotonic() + seconds) for _ in range(count)]
    for flow in flows:
        flow.start()
    for flow in flows:
        flow.join(seconds + 20 * PATIENCE)
    return sorted(x for flow in flows for x in flow.times)


def p99(times):
    return times[int(len(times) * 0.99)]


@pytest.mark.slow
def test_thin_flows_beside_bulk(lab):
    """20 thin inner flows beside 180 bulk ones at 2 % loss wait hardly longer than one alone."""
    link = {"rate": 100, "delay": "20ms", "buffer": "50ms", "loss": 0.02}
    t = tun_pair(lab, **link)
    alone = p99(thin_flows(lab, t, 7100, 1, 30))
    for port in (5201, 5202):
        Iperf(lab, t.s, port)
    bulk = [threading.Thread(target=iperf, args=(t.c, SERVER, 18, port, "-P", "90"), daemon=True) for port in (5201, 5202)]
    for thread in bulk:
        thread.start()
    time.sleep(3)
    times = thin_flows(lab, t, 7101, 20, 12)
    for thread in bulk:
        thread.join()
    lab.note(f"TUN, 2 % loss: p99 of 20 thin flows beside 180 bulk ones {p99(times):.0f} ms (median {times[len(times) // 2]:.0f}), "
             f"of one alone {alone:.0f} ms")
    assert p99(times) <= alone + 20
