# SPDX-License-Identifier: MIT
"""The rows: which bench is loaded with what, how often, and what is kept of it."""
import json
import os
import platform
import subprocess
import time

from lab import ROOT
import compare_burst
import compare_links
import compare_packets
import compare_share
import compare_tun
from compare_bench import (BULK_LINK, FAILURES, THIN_LINK, Cpu, batches, benches, measure_bulk, measure_downloads,
                           measure_rtt)
from compare_digest import digest
from compare_tables import ROWS

LOSSES = (0.01, 0.05, 0.10)
CONNS = (1, 10)
FIRST_SEED = 11

def wire_bytes(link, pings):
    """IP bytes in both directions, without those of the UDP echo beside (those that reached its server came back)."""
    echo = (64 + 28) * pings * (2 - THIN_LINK["loss"])
    return round(link["a2b"]["in_bytes"] + link["b2a"]["in_bytes"] - echo)


def machine():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": os.uname().release,
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)}


def revision(build):
    """Of what was measured: a file `revision` in the build folder goes before the state of the checkout."""
    try:
        with open(f"{build}/revision", encoding="ascii") as note:
            return note.read().strip()
    except OSError:
        pass
    try:
        done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True,
                              check=False)
        return done.stdout.strip() or "unknown"
    except OSError:  # no git here
        return "unknown"


def _bulk_digest(peer, got, seconds):
    means = [sum(us) / len(us) / 1000 if us else None for us in (got["thin_us"], got["thin_idle_us"])]
    return {"peer": peer.name, "mbit": got["bytes"] * 8e-6 / seconds,
            "waste": got["wire"] / got["total"] if got["total"] else None, "drained": got["drained"],
            "thin_ms": means[0], "thin_idle_ms": means[1],
            "delay_ms": means[0] - means[1] if None not in means else None,
            "thin_unanswered": got["thin_unanswered"], "link": got["link"], "cpu_busy": got["cpu_busy"],
            "status": got["status"],
            "per_s_mbit": [round(sum(got["per_100ms"][i:i + 10]) * 8e-6, 2) for i in range(0, seconds * 10, 10)]}


def merge(before, now):
    """Results of the same row measured at two times."""
    if not before:
        return now
    old, new = before["meta"], now["meta"]
    meta = {**old, **new, "quick": old["quick"] or new["quick"]}
    for field in ("date", "revision"):
        known = old[field].split(", ")
        meta[field] = ", ".join(known + [new[field]] * (new[field] not in known))
    for field in ("skipped", "settings", "labels"):
        meta[field] = {**old[field], **new[field]}
    return {"meta": meta, "results": before["results"] + now["results"]}


class Run:
    def __init__(self, options, out, base, load, peers, skipped):
        self.options, self.out, self.base, self.load, self.peers = options, out, base, load, peers
        self.skipped = skipped
        self.meta = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "machine": machine(),
                     "revision": revision(options.build), "quick": options.quick}
        self.seeds, self.before = [], None

    def all(self):
        measures = {"rtt": self.rtt, "bulk": lambda: self.bulk("bulk", False), "up": lambda: self.bulk("up", True),
                    "clean": self.clean, "tun": lambda: compare_tun.measure(self),
                    "share": lambda: compare_share.measure(self), "burst": lambda: compare_burst.measure(self),
                    "links": lambda: compare_links.measure(self), "latency": lambda: compare_packets.latency(self),
                    "pps": lambda: compare_packets.pps(self)}
        assert tuple(measures) == ROWS
        for row in ROWS:
            if row in self.options.only:
                self._begin(row)
                start = time.monotonic()
                measures[row]()
                print(f"{row}: took {time.monotonic() - start:.0f} s", flush=True)

    def _begin(self, row):
        path = self.out / f"{row}.json"
        self.before = json.loads(path.read_text()) if self.options.more and path.exists() else None
        used = [r["seed"] for r in self.before["results"]] if self.before else []
        first = max(used, default=FIRST_SEED - 2) + 2
        self.seeds = [first + 2 * i for i in range(self.options.seeds)]

    def peers_in(self, row):
        return [p for p in self.peers if row in p.rows]

    def keep(self, row, results, **meta):
        """Written after each step: an interrupted run keeps what it has."""
        used = [p for p in self.peers if any(r["peer"] in (p.name, "all") for r in results)]
        skipped = {p.name: why for p, why in self.skipped if row in p.rows}
        meta = {**self.meta, **meta, "skipped": skipped, "settings": {p.name: p.settings for p in used},
                "labels": {p.name: (p.label, p.color) for p in used}}
        whole = merge(self.before, {"meta": meta, "results": results})
        text = json.dumps(whole, indent=None, separators=(",", ":"))
        part = self.out / f"{row}.part"
        part.write_text(text)
        part.rename(self.out / f"{row}.json")

    def failed(self, row, peer, error, made=()):
        print(f"{row}: {peer}: FAILED: {error}", flush=True)
        for bench in made:
            print(bench.logs(), flush=True)
        return {"peer": peer, "failed": str(error)[:300]}

    def rtt(self):
        count, results, peers = 200 if self.options.quick else 1000, [], self.peers_in("rtt")
        for seed in self.seeds:
            for conns in CONNS:
                cpu, made = Cpu(), []
                try:
                    with benches(self.base, self.load, peers, seed, THIN_LINK) as made:
                        measured = measure_rtt(made, conns, count)
                except FAILURES as error:
                    results.append({"conns": conns, "seed": seed, **self.failed("rtt", "all", error, made)})
                    continue
                for peer, (messages, pings, link) in zip(peers, measured):
                    results.append({"peer": peer.name, "conns": conns, "seed": seed, "load": os.getloadavg()[0],
                                    "cpu_busy": cpu.busy(), "cpu_own": cpu.own(), "rtt": digest(messages),
                                    "ping": digest(pings),
                                    "wire_bytes": wire_bytes(link, count)})
                    self._say_rtt(results[-1])
                self.keep("rtt", results, count=count, link=THIN_LINK)

    @staticmethod
    def _say_rtt(r):
        ping, d = r["ping"]["avg"], r["rtt"]
        ratios = " ".join(f"{k} {d[k] / ping:.3f}" if d.get(k) else f"{k} never" for k in ("avg", "p99", "p999", "max"))
        print(f"rtt: {r['peer']:16} {r['conns']:2} conn, seed {r['seed']}: {ratios} over a ping of {ping:.1f} ms; "
              f"unanswered {d['unanswered']}; wire {r['wire_bytes'] / (d['n'] * 128):.1f} times; cpu {r['cpu_busy']:.0%}, "
              f"ours {r['cpu_own']:.0%}", flush=True)

    def bulk(self, row, up):
        seconds, losses = (8, LOSSES[::2]) if self.options.quick else (15, LOSSES)
        results = []
        for seed in self.seeds:
            for loss in losses:
                for batch in batches(self.peers_in(row)):
                    got = self._bulk_batch(row, batch, {**BULK_LINK, "loss": loss}, seed, (seconds, up))
                    results += [{"loss": loss, "seed": seed, **one} for one in got]
                    for one in results[-len(batch):]:
                        self._say_bulk(row, one)
                    self.keep(row, results, seconds=seconds, link=BULK_LINK)

    def _bulk_batch(self, row, batch, link, seed, how):
        made, cpu = [], Cpu()
        try:
            with benches(self.base, self.load, [peer for peer in batch for _ in range(2)], seed, link) as made:
                measured = measure_bulk(list(zip(made[::2], made[1::2])), *how)
        except FAILURES as error:
            return [self.failed(row, peer.name, error, made if peer is batch[0] else ()) for peer in batch]
        return [{**_bulk_digest(peer, got, how[0]), "cpu_own": cpu.own(), "load": os.getloadavg()[0]}
                for peer, got in zip(batch, measured)]

    @staticmethod
    def _say_bulk(row, r):
        if "failed" in r:
            return
        show = {k: "none" if r[k] is None else f"{r[k]:{form}}" for k, form in
                (("mbit", ".1f"), ("waste", ".3f"), ("delay_ms", "+.1f"), ("thin_idle_ms", ".1f"))}
        print(f"{row}: {r['peer']:16} loss {r['loss']:.0%}, seed {r['seed']}: {show['mbit']} Mbit/s, waste {show['waste']}, "
              f"thin {show['delay_ms']} over {show['thin_idle_ms']} ms; overflow {r['link']['overflow']}, "
              f"drained {r['drained']}; cpu {r['cpu_busy']:.0%}, ours {r['cpu_own']:.0%}", flush=True)

    def clean(self):
        seconds, results = 4 if self.options.quick else 8, []
        for seed in self.seeds:
            for peer in self.peers_in("clean"):
                made = []
                try:
                    with benches(self.base, self.load, [peer], seed, None) as made:
                        got, = measure_downloads(made, seconds)
                    results.append({"peer": peer.name, "seed": seed, **got})
                    print(f"clean: {peer.name:16} {got['mbit']:.0f} Mbit/s; cpu {got['cpu_busy']:.0%}", flush=True)
                except FAILURES as error:
                    results.append({"seed": seed, **self.failed("clean", peer.name, error, made)})
                self.keep("clean", results, seconds=seconds)
