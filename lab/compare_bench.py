# SPDX-License-Identifier: MIT
"""One peer over one link: namespaces, link, load, and what each row of the comparison measures there.

    namespace c                                                        namespace s
    load (rtt, bulk) -> peer's client == lnk0 === skt-link === lnk0 == peer's server -> skt-load serve
    load (rtt --udp) -------------------- the same link ----------------------------->
"""
import contextlib
import json
import os
import resource
import subprocess
import time

from lab import Lab
from link import Link, veth
from compare_peers import set_sysctl

LOAD_PORT = 7000
BESIDE_PORT = 7001
COUNT_PORT = 7002
# The link of the seed document's benchmark: RTT 164 ms with a standard deviation of 3.3 ms (3.2 there), 2.4 % each
# way (4.8 % of the pings there).
THIN_LINK = {"delay": "82ms", "jitter": "4ms", "loss": 0.024}
BULK_LINK = {"delay": "80ms", "rate": 100, "buffer": "100ms"}
SHARE_LINK = {"delay": "20ms", "rate": 50, "buffer": "40ms"}  # one bandwidth-delay product of buffer

# What a measurement may end with; the run goes on.
FAILURES = (AssertionError, OSError, ValueError, LookupError, subprocess.SubprocessError)


class Cpu:
    """How busy the machine was meanwhile, and with our own processes (those that have ended): 1 = every core all the
    time."""

    @staticmethod
    def _read():
        with open("/proc/stat", encoding="ascii") as stat:
            fields = [int(f) for f in stat.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]

    def __init__(self):
        self.total, self.idle = self._read()
        self.start, self.ours = time.monotonic(), self._children()

    @staticmethod
    def _children():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def busy(self):
        total, idle = self._read()
        return round(1 - (idle - self.idle) / max(1, total - self.total), 3)

    def own(self):
        return round((self._children() - self.ours) / (time.monotonic() - self.start) / os.cpu_count(), 3)


class Bench:
    def __init__(self, base, program, peer, seed, link=None):
        """link: settings of skt-link; None: a plain veth pair."""
        self.peer, self.program, self.load_port = peer, program, LOAD_PORT
        self.near = self.link = None
        self.loads = 0
        self.lab = Lab(base)
        try:
            self._build(seed, link)
        except BaseException as error:
            if isinstance(error, Exception):
                print(self.logs(), flush=True)
            self.lab.close()
            raise

    def _build(self, seed, link):
        self.c, self.s = self.lab.netns("c"), self.lab.netns("s")
        for ns in (self.c, self.s):
            set_sysctl(ns, "net.ipv4.tcp_congestion_control", self.peer.cc)
            set_sysctl(ns, "net.ipv4.tcp_rmem", "4096 131072 67108864")
            set_sysctl(ns, "net.ipv4.tcp_wmem", "4096 65536 67108864")
        if link is None:
            _, self.addr_b = veth(self.c, self.s)
        else:
            self.link = Link(self.lab, self.c, self.s, seed=seed, **link)
            self.addr_b = self.link.addr_b
        serve = self.lab.start(self.s, "serve", self.program, "serve", "--port", LOAD_PORT)
        serve.wait_port(LOAD_PORT)
        self.addr, self.port = self.peer.start(self)

    def _start(self, kind, addr, port, ns=None, **options):
        self.loads += 1
        argv = [self.program, kind, "--addr", addr, "--port", port]
        for key, value in options.items():
            argv += ["--" + key.replace("_", "-"), value]
        path = self.lab.dir / f"{kind}-{self.loads}.out"
        with open(path, "wb") as out:
            return path, self.lab.start(ns or self.c, f"{kind}-{self.loads}", *argv, stdout=out)

    def start_beside(self, cc, seconds, drain):
        """A download by kernel TCP through the link itself, beside the peer."""
        serve = self.lab.start(self.s, "serve-beside", self.program, "serve", "--port", BESIDE_PORT, "--cc", cc)
        serve.wait_port(BESIDE_PORT)
        return self._start("bulk", self.addr_b, BESIDE_PORT, seconds=seconds, drain=drain)

    def start_rtt(self, conns, count, interval_ms=100, **more):
        return self._start("rtt", self.addr, self.port, conns=conns, count=count, interval_ms=interval_ms, **more)

    def start_ping(self, count, interval_ms=100):
        """UDP through the link itself, beside the peer."""
        return self._start("rtt", self.addr_b, self.load_port, udp=1, count=count, interval_ms=interval_ms)

    def start_bulk(self, seconds, drain, up=False):
        return self._start("bulk", self.addr, self.port, seconds=seconds, drain=drain, up=int(up))

    def start_turns(self, count):
        return self._start("turns", self.addr, self.port, count=count)

    def start_count(self, seconds):
        """What start_flood sends, where it arrives."""
        load = self._start("count", "0.0.0.0", COUNT_PORT, self.s, seconds=seconds)
        load[1].wait_port(COUNT_PORT, "udp")
        return load

    def start_flood(self, seconds, size):
        return self._start("flood", self.addr, COUNT_PORT, seconds=seconds, size=size)

    def status(self):
        """What skcptun says about its session; None for others."""
        return self.near.sessions()[0] if self.near else None

    def logs(self):
        return self.lab.logs(1500)

    def close(self):
        self.lab.close()


@contextlib.contextmanager
def benches(base, program, peers, seed, link):
    """One for each peer, together; all end together."""
    made = []
    try:
        for peer in peers:
            made.append(Bench(base, program, peer, seed, link))
        yield made
    finally:
        for bench in reversed(made):
            with contextlib.suppress(*FAILURES):
                bench.close()


def batches(peers):
    """What may be measured at the same time over a lossy link: each fast peer alone; together those that send next to
    nothing there."""
    slow = [p for p in peers if p.slow_when_lossy]
    return [[p] for p in peers if not p.slow_when_lossy] + ([slow] if slow else [])


def finish(load, deadline):
    """The output of a load."""
    path, process = load
    code = process.popen.wait(max(0.1, deadline - time.monotonic()))
    assert code == 0, f"{process.name}: exit {code}: {process.log()}"
    return path.read_text()


def parse_rtt(text):
    """(connection, number, sent_us, rtt_us or None) of each message."""
    rows = (tuple(map(int, line.split())) for line in text.splitlines())
    return [(c, n, sent, rtt if rtt >= 0 else None) for c, n, sent, rtt in rows]


def measure_rtt(made, conns, count):
    """Request and response on all benches at the same time: [(messages, pings, link stats)], in µs."""
    limit = time.monotonic() + count * 0.1 + 40
    loads = [(b.start_rtt(conns, count), b.start_ping(count)) for b in made]
    results = []
    for bench, (rtt, ping) in zip(made, loads):
        messages = [m[3] for m in parse_rtt(finish(rtt, limit))]
        pings = [m[3] for m in parse_rtt(finish(ping, limit)) if m[3] is not None]
        results.append((messages, pings, bench.link.stats()))
    return results


def measure_bulk(pairs, seconds, up=False, drain=4):
    """On each pair of benches at the same time a cold transfer with a thin flow beside it, on the first of them; the
    other carries the thin flow alone."""
    limit, way = time.monotonic() + seconds + drain + 40, "a2b" if up else "b2a"

    def sent():
        return [[bench.link.stats()[way] for bench in pair] for pair in pairs]
    before, cpu = sent(), Cpu()
    bulks = [loaded.start_bulk(seconds, drain, up) for loaded, _ in pairs]
    thins = [[bench.start_rtt(1, seconds * 10) for bench in pair] for pair in pairs]
    results = [json.loads(finish(bulk, limit)) for bulk in bulks]
    busy = cpu.busy()
    flows = [[parse_rtt(finish(thin, limit)) for thin in pair] for pair in thins]
    return [_bulk_result(pair[0], seconds, busy, *rest) for pair, *rest in zip(pairs, results, flows, before, sent())]


def _bulk_result(loaded, seconds, busy, result, flows, before, after):
    wire = [a["in_bytes"] - b["in_bytes"] for a, b in zip(after, before)]
    first = result["start_us"] + min(3, seconds / 3) * 1e6
    result["cpu_busy"] = busy
    result["thin_us"], result["thin_idle_us"] = (
        [rtt for _, _, sent, rtt in flow if rtt is not None and first <= sent < result["start_us"] + seconds * 1e6]
        for flow in flows)
    result["thin_unanswered"] = sum(m[3] is None for m in flows[0])
    result["wire"] = wire[0] - wire[1]
    result["link"] = {k: after[0][k] - before[0][k] for k in ("in_packets", "in_bytes", "lost", "overflow")}
    result["status"] = loaded.status()
    return result


def measure_downloads(made, seconds):
    """On all benches at the same time."""
    limit = time.monotonic() + seconds + 40
    cpu = Cpu()
    loads = [bench.start_bulk(seconds, 2) for bench in made]
    results = [json.loads(finish(load, limit)) for load in loads]
    return [{"mbit": r["bytes"] * 8e-6 / seconds, "cpu_busy": cpu.busy(), "load": os.getloadavg()[0]} for r in results]
