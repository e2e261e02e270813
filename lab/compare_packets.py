# SPDX-License-Identifier: MIT
"""The rows `latency` and `pps`, on a clean veth pair, one peer at a time: what a small message costs, and how many small
packets go through."""
import json
import os
import time

from compare_bench import FAILURES, Cpu, benches, finish
from compare_tables import OURS, OURS_TUN, cell, labels, median, table, values, verdict

TUN_US, PPS_LEAST = 120, 120000
PPS_BYTES = 100
RIVAL = "shadowsocks"


def latency(run):
    count = 3000 if run.options.quick else 30000

    def one(bench):
        got = json.loads(finish(bench.start_turns(count), time.monotonic() + 60 + count / 500))
        return {"us": got["500"] / 1000, "p99_us": got["990"] / 1000}
    _each(run, "latency", one, lambda r: f"{r['us']:.1f} us, p99 {r['p99_us']:.0f}", count=count)


def pps(run):
    seconds = 2 if run.options.quick else 6

    def one(bench):
        limit = time.monotonic() + seconds + 30
        count = bench.start_count(seconds + 1)
        flood = json.loads(finish(bench.start_flood(seconds, PPS_BYTES), limit))
        came = json.loads(finish(count, limit))["total"]
        return {"pps": came / seconds, "offered": flood["sent"] / seconds}
    _each(run, "pps", one, lambda r: f"{r['pps']:.0f} of {r['offered']:.0f} packets/s", seconds=seconds)


def _each(run, row, one, words, **meta):
    results = []
    for seed in run.seeds:
        for peer in run.peers_in(row):
            made, cpu = [], Cpu()
            try:
                with benches(run.base, run.load, [peer], seed, None) as made:
                    got = one(made[0])
                got |= {"cpu_busy": cpu.busy(), "load": os.getloadavg()[0]}
                results.append({"peer": peer.name, "seed": seed, **got, "cpu_own": cpu.own()})
                print(f"{row}: {peer.name:16} {words(got)}; cpu {got['cpu_busy']:.0%}", flush=True)
            except FAILURES as error:
                results.append({"seed": seed, **run.failed(row, peer.name, error, made)})
            run.keep(row, results, **meta)


def _of(part, key, peer):
    return values(part["results"], lambda r: r[key], peer=peer)


def latency_table(part):
    lines = [[label, cell(_of(part, "us", peer), "{:.0f}"), cell(_of(part, "p99_us", peer), "{:.0f}")]
             for peer, (label, _) in labels(part)]
    return table(["request after answer, 64 bytes, clean veth pair", "median, µs", "p99, µs"], lines)


def pps_table(part):
    lines = [[label, cell(_of(part, "pps", peer), "{:.0f}"), cell(_of(part, "offered", peer), "{:.0f}")]
             for peer, (label, _) in labels(part)]
    return table([f"UDP datagrams of {PPS_BYTES} bytes through the TUN", "delivered a second", "sent a second"],
                 [*lines, ["**must reach**", f"**{PPS_LEAST}**", ""]])


def latency_verdicts(part):
    lines = []
    rival = median(_of(part, "us", RIVAL))
    if rival:
        lines.append(verdict("request after answer, TCP mode, µs, shadowsocks-libev's being the mark", rival,
                             median(_of(part, "us", OURS)), "{:.0f}", False))
    lines.append(verdict("the same, TUN mode, µs", TUN_US, median(_of(part, "us", OURS_TUN)), "{:.0f}", False))
    return lines


def pps_verdicts(part):
    return [verdict("UDP of 100 bytes through the TUN, packets a second delivered", PPS_LEAST,
                    median(_of(part, "pps", OURS_TUN)), "{:.0f}", True)]
