# SPDX-License-Identifier: MIT
"""What becomes of one TCP connection: a full peer, half-close, reset, no target.

    c: socket -> 127.0.0.1:8080 skcptun --lnk0==== 50 Mbit/s, RTT 10 ms, 1 % loss ====lnk0-- skcptun -> target :s
"""
import hashlib
import socket
import struct
import subprocess
import threading
import time

import pytest
from lab import GUARD, INSTRUMENTED, wait_until
from tunnel import tunnel

pytestmark = pytest.mark.light

LINK = {"rate": 50, "delay": "5ms", "loss": 0.01, "buffer": "50ms"}
MEMORY = 64 << 20
RESET_NOW = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends a reset


def bare(lab, target="127.0.0.1:7000", **client_options):
    return tunnel(lab, web=False, server_options={"target": target, "tcp_recv_timeout": 2}, client_options=client_options,
                  **LINK)


def joined(lab, t, **listen):
    """Both ends of a connection through the tunnel: the user's socket, the target's socket."""
    listener = lab.closing(t.s.listen(7000, **listen))
    user = lab.closing(t.c.connect(8080))
    target = lab.closing(listener.accept()[0])
    for sock in (user, target):
        sock.settimeout(30 * GUARD)
    return user, target


def read_all(sock, digest=None):
    count = 0
    while data := sock.recv(1 << 18):
        count += len(data)
        if digest:
            digest.update(data)
    return count


class Sender(threading.Thread):
    """Sends a pattern for ever; once told, 2 MB more and the end."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock, self.sent, self.enough, self.digest = sock, 0, threading.Event(), hashlib.sha256()
        self.error = None
        self.start()

    def run(self):
        left = 2 << 20
        try:
            while left > 0:
                data = hashlib.sha256(str(self.sent).encode()).digest() * 512
                while data:
                    n = self.sock.send(data)
                    self.digest.update(data[:n])
                    data = data[n:]
                    self.sent += n
                    left -= n if self.enough.is_set() else 0
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error


@pytest.mark.parametrize("direction", ["up", "down"])
def test_slow_reader_holds_the_sender_back(lab, direction):
    t = bare(lab)
    user, target = joined(lab, t)
    writer, reader = (user, target) if direction == "up" else (target, user)
    sender = Sender(writer)

    def stalled():
        before = sender.sent
        time.sleep(2)
        return before if before and sender.sent == before else None

    accepted = wait_until("the sender is held back", stalled, 40)
    assert accepted < MEMORY
    if not INSTRUMENTED:
        for end in (t.client, t.server):
            assert end.process.memory() < MEMORY
    sender.enough.set()
    digest = hashlib.sha256()
    assert read_all(reader, digest) == sender.sent and sender.error is None
    assert digest.digest() == sender.digest.digest()
    if not INSTRUMENTED:
        for end in (t.client, t.server):
            assert end.process.memory() < MEMORY
    lab.note(f"slow reader, {direction}: {accepted / 1e6:.1f} MB accepted before the sender stood still")


def test_stalled_connection_does_not_stop_another(lab):
    t = bare(lab)
    listener = lab.closing(t.s.listen(7000))
    stuck = lab.closing(t.c.connect(8080))
    stuck_target = lab.closing(listener.accept()[0])
    sender = Sender(stuck_target)
    wait_until("something is on its way", lambda: sender.sent > 1 << 20, 10)
    time.sleep(1)
    user = lab.closing(t.c.connect(8080))
    target = lab.closing(listener.accept()[0])
    for i in range(20):
        user.sendall(b"ping %d" % i)
        assert target.recv(100) == b"ping %d" % i
        target.sendall(b"pong %d" % i)
        assert user.recv(100) == b"pong %d" % i
    sender.enough.set()
    assert read_all(stuck) == sender.sent


def test_half_close_with_nc(lab):
    """The target answers only after it has seen the end."""
    t = bare(lab)
    name = lab.files.of(3_000_000)
    listener = lab.closing(t.s.listen(7000))
    with open(lab.files.dir / name, "rb") as question:
        nc = lab.start(t.c, "nc", "nc", "-N", "127.0.0.1", "8080", stdin=question, stdout=subprocess.PIPE)
    target = lab.closing(listener.accept()[0])
    target.settimeout(30 * GUARD)
    digest = hashlib.sha256()
    read_all(target, digest)
    answer = digest.hexdigest().encode() * 10_000
    target.sendall(answer)
    target.close()
    assert nc.popen.communicate(timeout=30 * GUARD)[0] == answer
    assert nc.popen.returncode == 0 and digest.hexdigest() == lab.files.sums[name]


def test_half_close_by_the_target(lab):
    t = bare(lab)
    user, target = joined(lab, t)
    target.sendall(b"hello")
    target.shutdown(socket.SHUT_WR)
    assert user.makefile("rb").read() == b"hello"
    data = hashlib.sha256(b"x").digest() * 10_000
    user.sendall(data)
    user.close()
    assert target.makefile("rb").read() == data


@pytest.mark.parametrize("direction", ["up", "down"])
def test_reset_travels_through(lab, direction):
    t = bare(lab)
    user, target = joined(lab, t)
    user.sendall(b"a")
    assert target.recv(1) == b"a"
    one, other = (user, target) if direction == "up" else (target, user)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_NOW)
    one.close()
    with pytest.raises(ConnectionResetError):
        other.recv(1)


def test_refused_target_is_a_reset(lab):
    t = bare(lab, target="127.0.0.1:7999")
    user = lab.closing(t.c.connect(8080))
    began = time.monotonic()
    with pytest.raises(ConnectionResetError):
        user.recv(1)
    assert time.monotonic() - began < 2 * GUARD


def test_black_holed_target_is_a_reset_in_time(lab):
    # 10.90.0.99 is on the link, and nobody is there: what goes to it reaches c, which is not a router.
    t = bare(lab, target="10.90.0.99:80")
    user = lab.closing(t.c.connect(8080))
    began = time.monotonic()
    user.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        user.recv(1)
    assert 1.5 < time.monotonic() - began < 2 + 2 * GUARD


def test_quiet_connection_ends_after_tcp_keepalive(lab):
    t = bare(lab, tcp_keepalive=2)
    user, target = joined(lab, t)
    for _ in range(3):
        time.sleep(1)
        user.sendall(b"x")
        assert target.recv(1) == b"x"
    began = time.monotonic()
    try:
        assert user.recv(1) == b""
    except ConnectionResetError:
        pass
    assert 1.5 < time.monotonic() - began < 2 + 3 * GUARD
