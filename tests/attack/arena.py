# SPDX-License-Identifier: MIT
"""A server, an honest client, an attacker, and what each of them gets.

    c: skcptun client, honest.py --lnk0==== 40 Mbit/s, RTT 20 ms ====lnk0-- s: skcptun server, honest.py target
    a: skt-attack (10.91.0.1, and all of 10.92.0.0/16 as addresses to forge) --vth0-- s (10.91.0.2)
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import types

import tunnel
from lab import INSTRUMENTED, PATIENCE, ROOT, wait_until
from link import Link, veth
from tunnel import PASSWORD, Skcptun

BUILD = pathlib.Path(os.environ.get("SKT_BUILD", ROOT / "build"))
SKT_ATTACK = os.environ.get("SKT_ATTACK", str(BUILD / "tests/skt-attack"))
HONEST = pathlib.Path(__file__).with_name("honest.py")
# How long each attack lasts; `make check` takes more.
SECONDS = float(os.environ.get("SKT_ATTACK_SECONDS", "0.4"))

GOOD, BAD, OTHER = "G" * 32, "B" * 32, "O" * 32
FORGED = "10.92.0.1"
FORGED_MAX = 10000
KEEPALIVE = 10
MAX_MEMORY = 48 << 20
# So many that a header is unmasked nine times before it is known that nobody knows it.
MANY_KEYS = {"keys": [base64.b64encode(bytes([i] * 32)).decode() for i in range(8)]}
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Talker:
    """A program that answers each line with one of JSON."""

    def __init__(self, lab, ns, name, *argv):
        self.process = lab.start(ns, name, sys.executable, HONEST, *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def mark(self):
        self.process.popen.stdin.write(b"mark\n")
        self.process.popen.stdin.flush()
        return json.loads(self.process.popen.stdout.readline())


class Attack:
    """skt-attack at work. It keeps its session until end()."""

    def __init__(self, arena, case, **params):
        self.name = case
        params.setdefault("ticket", BAD)
        params.setdefault("source", FORGED)
        params.setdefault("other_port", 4001)
        argv = [f"{k}={v}" for k, v in params.items()]
        arena.attacks += 1
        self.process = arena.lab.start(arena.a, f"attack{arena.attacks}-{case}", SKT_ATTACK, case, "10.91.0.2:4000", PASSWORD,
                                       "stay=1", *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        arena.running.append(self)
        self.answer = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        line = self.process.popen.stdout.readline()
        self.answer = json.loads(line) if line else None

    def wait(self, timeout):
        self.thread.join(timeout * PATIENCE)
        assert self.answer is not None, f"{self.name}: no report; {self.process.log()}"
        return types.SimpleNamespace(**self.answer)

    def end(self):
        if not self.process.popen.stdin.closed:
            self.process.popen.stdin.close()
        self.process.popen.wait(10 * PATIENCE)
        assert self.process.popen.returncode == 0, self.process.log()


class Arena:
    """mode: proxy or tun. descriptors: the most that the server may have. honest: is there a client? wrap: what the server
    runs under. memory: max_memory. fields: more of the server's table."""

    def __init__(self, lab, mode="proxy", descriptors=None, entry=None, honest=True, wrap=(), log_level="info", memory="48M",
                 **fields):
        self.lab, self.mode, self.attacks = lab, mode, 0
        self.memory = memory
        self.wrap, self.client, self.base, self.running = list(wrap), None, None, []
        self.c, self.s, self.a = lab.netns("c"), lab.netns("s"), lab.netns("a")
        self.link = Link(lab, self.c, self.s, rate=40, delay="10ms", buffer="20ms")
        veth(self.a, self.s)
        self.a.ip("route", "add", "local", "10.92.0.0/16", "dev", "lo")
        self.s.ip("route", "add", "10.92.0.0/16", "via", "10.91.0.1")
        self.s.ip("addr", "add", "203.0.113.1/32", "dev", "lo")  # as public as the server's own address often is
        self.target = lab.start(self.s, "target", sys.executable, HONEST, "target", 80)
        self.target.wait_port(80)
        self.start_server(descriptors, log_level, entry or {}, fields)
        self.newcomers = 0
        if not honest:
            return
        self.client = self.start_client("client", GOOD, 8080, 2, log_level=log_level)
        self.user = self.use(8080)
        time.sleep(0.8)  # the download has found its rate
        self.user.mark()

    def start_server(self, descriptors, log_level, entry, fields):
        tickets = {t: {"name": n, "tun_ip": f"10.95.0.{i}" if self.mode == "tun" else None}
                   for t, n, i in ((GOOD, "good", 2), (BAD, "bad", 3), (OTHER, "other", 4))}
        table = {"skcp_servers": [{"address": "0.0.0.0", "port": port, "password": PASSWORD, "skcp_keepalive": KEEPALIVE,
                                   # So that the attacker has no more of it than the honest client's link carries.
                                   "max_rate_mbit": 50, **entry} for port in (4000, 4001)],
                 "tickets": tickets, **fields}
        if self.mode == "tun":
            table.update(tun_ip="10.95.0.1", tun_mask="255.255.255.0")
            table["skcp_servers"].pop()
        else:
            table.update(tcp_target_addr="127.0.0.1", tcp_target_port=80)
        wrap = self.wrap + (["prlimit", f"--nofile={descriptors}"] if descriptors else [])
        self.server = Skcptun(self.lab, self.s, "server", f"{self.mode}_server", table, top={"max_memory": self.memory, "log_level": log_level},
                              wrap=wrap + tunnel.WRAP).start()
        self.server.process.wait_port(4000, "udp", 60 if wrap else 10)

    def start_client(self, role, ticket, listen, host, wait=True, log_level="info"):
        remote = {"address": "10.90.0.2", "port": 4000, "password": PASSWORD, "ticket": ticket}
        table = {"skcp_remote_servers": [remote]}
        if self.mode == "tun":
            table.update(tun_ip=f"10.95.0.{host}", tun_mask="255.255.255.0")
        else:
            table.update(tcp_listen_addr="127.0.0.1", tcp_listen_port=listen)
        end = Skcptun(self.lab, self.c, role, f"{self.mode}_client", table, top={"log_level": log_level}).start()
        if wait:
            tunnel.wait_session(end)
        return end

    def use(self, port):
        return Talker(self.lab, self.c, f"user-{port}", "use", *(("10.95.0.1", 80) if self.mode == "tun" else ("127.0.0.1", port)))

    def newcomer(self, ticket=OTHER):
        """Starts one more client, and ends it: how long its first request took, s. Before: the attack is on."""
        self.newcomers += 1
        port = 8081 + self.newcomers
        begin = time.monotonic()
        end = self.start_client(f"new{self.newcomers}", ticket, port, 4, wait=False)
        end.process.wait_port(port)
        self.ask(port, 10)
        took = time.monotonic() - begin
        end.process.stop()
        return took

    def ask(self, port, timeout):
        """One request through the client at this port, tried again while it is reset."""
        def answered():
            try:
                with self.c.connect(port, timeout=timeout) as sock:
                    sock.sendall(b"e?")
                    return sock.recv(1) == b"?"
            except OSError:
                return False
        wait_until(f"an answer through port {port}", answered, timeout)

    def rss(self):
        return self.server.process.memory("VmRSS")

    def cpu(self):
        return cpu_seconds(self.server.process.pid)

    def alive(self):
        return self.server.process.alive() and (not self.client or self.client.process.alive())

    def end_attacks(self):
        """Those that a failed test has left."""
        for attack in self.running:
            attack.process.kill()
        self.running = []

    def as_new(self):
        """Has nothing of an attack stayed?"""
        return self.alive() and not self.left() and (self.base is None or self.rss() < self.base.rss + MAX_MEMORY // 2)

    def baseline(self):
        """What the honest client gets alone, and what it costs the server."""
        if self.base is None:
            self.user.mark()
            cpu = self.cpu()
            time.sleep(max(0.6, SECONDS / 2))
            self.base = types.SimpleNamespace(**self.user.mark())
            self.base.cpu = (self.cpu() - cpu) / self.base.seconds
            self.base.rss = self.rss()
        return self.base

    def cost(self, case, **params):
        """CPU time of the server that a unit takes, s, the units, and the sessions at the end; without an honest client."""
        before = self.cpu()
        attack = Attack(self, case, **params)
        got = attack.wait(20 + SECONDS)
        used = self.cpu() - before
        attack.end()
        return used / got.units, got.units, got.sessions

    def attack(self, case, timeout=20, **params):
        """Runs one; returns what the attacker, the honest client and the server had of it."""
        base = self.baseline()
        lines = len(self.server.process.log().splitlines())
        cpu, begin = self.cpu(), time.monotonic()
        self.user.mark()
        params.setdefault("seconds", SECONDS)
        attack = Attack(self, case, **params)
        got = attack.wait(timeout + SECONDS)
        assert self.server.process.alive(), f"{case}: the server has ended"
        got.honest = types.SimpleNamespace(**self.user.mark())
        got.seconds = time.monotonic() - begin
        got.cpu = (self.cpu() - cpu) / got.seconds
        got.share = got.honest.mbit / base.mbit
        got.rss = self.rss()
        attack.end()
        wait_until(f"{case}: the attacker's sessions are gone", lambda: not self.left(), KEEPALIVE + 3, 0.1)
        got.rss_after = self.rss()
        got.lines = len(self.server.process.log().splitlines()) - lines
        self.note(case, got)
        return got

    def left(self):
        return [s for s in self.server.sessions() if s.get("name") not in ("good", "other")]

    def note(self, case, got):
        ask, before = got.honest.ask_ms or {"p50": -1, "max": -1}, self.base.ask_ms
        self.lab.note(f"{case:17} {got.units / max(got.took, 0.001):8.0f}/s  share {got.share:4.2f}  ask {before['p50']:3.0f} -> "
                      f"{ask['p50']:3.0f}, at most {ask['max']:4.0f} ms  cpu {got.cpu:4.2f} ({self.base.cpu:4.2f})  rss "
                      f"{got.rss / 2**20:3.0f}, after {got.rss_after / 2**20:3.0f} MiB  log {got.lines}  "
                      f"amplification {got.amplification:.1f}")


def check(got, share=0.3, memory=MAX_MEMORY + (24 << 20), amplification=3.0, forged_per_s=None, reached=True):
    """What holds for every attack. Bounds of time and share are wide: the machine has other work. forged_per_s: bytes
    that may go to forged addresses, all together."""
    if reached:
        assert got.reached, "the attacker never got its session: nothing was tested"
    assert got.amplification <= amplification
    assert forged_per_s is None or got.forged_got <= forged_per_s * (got.took + 0.3)
    # What happens for the first time is said at once.
    assert got.lines <= 15 + got.seconds, "more than one line a second in the log"
    assert got.honest.ask_ms and got.honest.ask_ms["n"] > 0, "nobody else was served"
    assert got.honest.lost == 0, "connections of others were lost"
    if INSTRUMENTED:
        return
    assert got.rss <= memory
    assert got.share >= share
    assert got.honest.ask_ms["max"] < 2000
