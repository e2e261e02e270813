# SPDX-License-Identifier: MIT
"""The target behind the tunnel, and an honest user of it that measures what it gets. Programs of their own, so that
neither waits for the test's other work.

    honest.py target PORT       first byte of a connection: d sends without end, s never reads, h reads, e sends back
    honest.py use ADDRESS PORT  downloads, asks, connects; "mark" on standard input: one line of JSON of what it got
                                since the mark before
"""
import json
import selectors
import socket
import sys
import threading
import time

BLOCK = bytes(65536)
ASK_S = 0.02      # between two requests of 64 bytes
CONNECT_S = 0.25  # between two new connections
LOST_S = 5        # for one that gets no answer


class Target:
    """One thread for all: 10,000 connections may come."""

    def __init__(self, port):
        self.selector = selectors.DefaultSelector()
        self.door = socket.socket()
        self.door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.door.bind(("0.0.0.0", port))
        self.door.listen(4096)
        self.door.setblocking(False)
        self.selector.register(self.door, selectors.EVENT_READ, self.accept)

    def accept(self, _):
        try:
            sock, _ = self.door.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(sock, selectors.EVENT_READ, self.first)

    def first(self, sock):
        command = sock.recv(1)
        if command == b"d":
            self.selector.modify(sock, selectors.EVENT_WRITE, self.send)
        elif command == b"s":
            self.selector.unregister(sock)
            kept.append(sock)
        else:
            self.selector.modify(sock, selectors.EVENT_READ, self.echo if command == b"e" else self.sink)
        if not command:
            raise ConnectionResetError

    def send(self, sock):
        sock.send(BLOCK)

    def sink(self, sock):
        if not sock.recv(65536):
            raise ConnectionResetError

    def echo(self, sock):
        data = sock.recv(65536)
        if not data:
            raise ConnectionResetError
        sock.send(data)

    def serve(self):
        while True:
            for key, _ in self.selector.select():
                try:
                    key.data(key.fileobj)
                except BlockingIOError:
                    pass
                except OSError:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()


kept = []


class User:
    def __init__(self, address, port):
        self.to = (address, port)
        self.lock = threading.Lock()
        self.clear()
        for work in (self.download, self.ask, self.connect):
            threading.Thread(target=self.again, args=(work,), daemon=True).start()

    def clear(self):
        self.since = time.monotonic()
        self.bytes, self.asked, self.connected, self.lost = 0, [], [], 0

    def open(self, command):
        sock = socket.create_connection(self.to, timeout=LOST_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(command)
        return sock

    def again(self, work):
        while True:
            try:
                work()
            except OSError:
                with self.lock:
                    self.lost += 1
                time.sleep(0.1)

    def download(self):
        with self.open(b"d") as sock:
            buffer = bytearray(1 << 18)
            while True:
                n = sock.recv_into(buffer)
                if n == 0:
                    raise ConnectionResetError
                with self.lock:
                    self.bytes += n

    def ask(self):
        with self.open(b"e") as sock:
            while True:
                self.exchange(sock, bytes(64))
                time.sleep(ASK_S)

    def exchange(self, sock, request, begin=None):
        begin = begin or time.monotonic()
        sock.sendall(request)
        left = len(request)
        while left > 0:
            n = len(sock.recv(left))
            if n == 0:
                raise ConnectionResetError
            left -= n
        with self.lock:
            # The list that counts now, not the one from before a mark.
            (self.asked if len(request) == 64 else self.connected).append(time.monotonic() - begin)

    def connect(self):
        begin = time.monotonic()
        with self.open(b"e") as sock:
            self.exchange(sock, b"?", begin)
        time.sleep(CONNECT_S)

    def mark(self):
        with self.lock:
            seconds = max(time.monotonic() - self.since, 1e-3)
            line = {"seconds": seconds, "mbit": self.bytes * 8e-6 / seconds, "lost": self.lost,
                    "ask_ms": spread(self.asked), "connect_ms": spread(self.connected)}
            self.clear()
        print(json.dumps(line), flush=True)


def spread(times):
    times = sorted(1000 * t for t in times)
    if not times:
        return None
    return {"n": len(times), "p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100], "max": times[-1]}


def main():
    if sys.argv[1] == "target":
        Target(int(sys.argv[2])).serve()
    user = User(sys.argv[2], int(sys.argv[3]))
    for _ in sys.stdin:
        user.mark()


if __name__ == "__main__":
    main()
