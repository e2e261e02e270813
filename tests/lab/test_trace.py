# SPDX-License-Identifier: MIT
"""lab/trace: a real transfer through two processes over a bad line, drawn, its figures beside those of the status."""
import heapq
import json
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / "tests/cli")]

import trace_read  # noqa: E402
import trace_summary  # noqa: E402
from conftest import Box, Pair, free_port, wait_for  # noqa: E402

DELAY, LOSS, BYTES = 0.015, 0.04, 3000000


class Line(threading.Thread):
    """Loses datagrams and delays them, on loopback: the client sends to `port`."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.inner, self.outer = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for s in (self.inner, self.outer):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.inner.bind(("127.0.0.1", 0))
        self.port = self.inner.getsockname()[1]
        self.outer.connect(("127.0.0.1", server))
        self.client, self.queue, self.random, self.ended, self.n = None, [], random.Random(7), False, 0

    def take(self, s):
        try:
            data, source = s.recvfrom(65536)
        except ConnectionRefusedError:  # nobody is there now
            return
        if s is self.inner:
            self.client = source
        if self.random.random() >= LOSS:
            self.n += 1
            heapq.heappush(self.queue, (time.monotonic() + DELAY, self.n, s is self.inner, data))

    def run(self):
        while not self.ended:
            wait = max(0, self.queue[0][0] - time.monotonic()) if self.queue else 0.1
            for s in select.select([self.inner, self.outer], [], [], wait)[0]:
                self.take(s)
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, up, data = heapq.heappop(self.queue)
                try:
                    self.outer.send(data) if up else self.inner.sendto(data, self.client)
                except ConnectionRefusedError:
                    pass


@pytest.fixture(name="box")
def make_box():
    box = Box()
    yield box
    box.close()


class LinedPair(Pair):
    """The same over a bad line; both ends traced."""

    def __init__(self, box):  # pylint: disable=super-init-not-called
        udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        self.line = Line(udp)
        self.line.start()
        self.server_file = box.write("server.lua", box.server_config(
            udp, box.target(), top=f'trace_file = "{box.path}/server.sqlog",'))
        self.client_file = box.write("client.lua", box.client_config(
            self.line.port, self.tcp, top=f'trace_file = "{box.path}/client.sqlog",'))
        self.server = box.start(self.server_file, log="server.log")
        self.client = box.start(self.client_file, log="client.log")


def transfer(box):
    """What status said of both ends after one download."""
    pair = LinedPair(box)
    pair.wait_up()
    pair.get(BYTES)

    def settled(which):
        sessions = (pair.status(which) or {"sessions": []})["sessions"]
        return sessions[-1] if sessions and all(s["streams"] == 0 for s in sessions) else None

    status = {which: wait_for(lambda w=which: settled(w), what="all streams closed") for which in ("client", "server")}
    for process in (pair.client, pair.server):
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
    pair.line.ended = True
    return status


def draw(path, *args):
    done = subprocess.run([sys.executable, str(ROOT / "lab/trace"), str(path), "--json", *args], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_figures_are_those_of_the_status(box):
    status = transfer(box)
    cid = str(status["server"]["cid"])
    server = draw(box.path / "server.sqlog", "--session", cid)
    client = draw(box.path / "client.sqlog")
    said = status["server"]
    for mine, theirs in (("retransmitted", "retransmitted"), ("duplicated", "duplicated"), ("parity_sent", "fec_sent")):
        assert server[mine] == said[theirs], mine
    assert client["parity_recovered"] == status["client"]["fec_recovered"]
    assert server["payload_bytes"] >= BYTES
    # Pings go on between the question and the end.
    assert 0 <= server["bytes_sent"] - said["bytes_tx"] < 5000
    assert 0 <= server["bytes_received"] - said["bytes_rx"] < 5000
    assert server["lost"] > 20 and server["lost"] >= server["mended_by_parity"] + server["spurious"]
    assert server["retransmitted"] > 20
    assert abs(sum(server["phase_s"].values()) - server["seconds"]) < server["seconds"]
    assert server["rtt_ms"]["min"] >= 2 * DELAY * 1000
    picture = xml.etree.ElementTree.parse(box.path / "server.svg").getroot()
    words = {e.text for e in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"rate, Mbit/s", "in flight, kB", "round trip, ms", "time of the trace, s", "lost", "phase"} <= words


def record(value):
    return b"\x1e" + json.dumps(value).encode() + b"\n"


HEADER = {"file_schema": "urn:ietf:params:qlog:file:sequential", "title": "t"}


def event(ms, name, **data):
    return record({"time": ms, "name": f"skcptun:{name}", "group_id": "1", "data": data})


def test_a_record_cut_short_at_the_end_is_left_out(tmp_path):
    path = tmp_path / "t.sqlog"
    path.write_bytes(record(HEADER) + event(0, "session_started", role="client") +
                     event(5, "datagram_sent", length=7, type="data") + b'\x1e{"time":9,"na')
    session = trace_read.read(path).choose()
    assert (session.role, trace_summary.summarize(session)["bytes_sent"]) == ("client", 7)


def test_what_is_no_trace_is_refused_in_words(tmp_path):
    path = tmp_path / "t"
    for raw, why in ((b"hello\n", "does not begin with a record separator"), (record({"a": 1}), "no sequential qlog"),
                     (record(HEADER), "there is no session in it")):
        path.write_bytes(raw)
        done = subprocess.run([sys.executable, str(ROOT / "lab/trace"), str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and why in done.stderr and "Traceback" not in done.stderr


def test_a_part_of_it_begins_with_what_was_in_force(tmp_path):
    path = tmp_path / "t.sqlog"
    path.write_bytes(record(HEADER) + event(0, "phase_updated", new="startup") + event(1000, "phase_updated", new="drain") +
                     event(3000, "phase_updated", new="probe_bw") + event(4000, "datagram_sent", length=1, type="data"))
    cut = trace_read.read(path).choose().cut(2, 3.5)
    assert trace_summary.times(cut, "phase_updated") == {"drain": 1.0, "probe_bw": 0.0}
