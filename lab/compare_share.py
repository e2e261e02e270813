# SPDX-License-Identifier: MIT
"""The row `share`: a tunnel's download and one of kernel TCP through the same bottleneck, both from cold at once."""
import collections
import json
import os
import time

from compare_bench import FAILURES, SHARE_LINK, Cpu, benches, finish
from compare_tables import cell, median, table, values, verdict

Pair = collections.namedtuple("Pair", "flow beside")  # a peer's name, a congestion control
PAIRS = [Pair("skcptun", "cubic"), Pair("skcptun", "bbr"), Pair("skcptun-normal", "cubic"), Pair("skcptun-normal", "bbr"),
         Pair("tcp-cubic", "bbr")]
TOGETHER = 2  # pairs measured at the same time, each over a link of its own
FAIR_LEAST = 0.25  # of turbo and of what is beside it
CUBIC_LEAST = 0.45  # of CUBIC beside normal mode
BIN_S = 10


def measure(run):
    seconds, results = 10 if run.options.quick else 60, []
    peers = {p.name: p for p in run.peers_in("share")}
    pairs = [pair for pair in PAIRS if pair.flow in peers]
    for seed in run.seeds:
        for first in range(0, len(pairs), TOGETHER):
            batch = pairs[first:first + TOGETHER]
            for pair, got in zip(batch, _together(run, batch, [peers[p.flow] for p in batch], seed, seconds)):
                results.append({"peer": pair.flow, "beside": pair.beside, "seed": seed, **got})
            run.keep("share", results, seconds=seconds, link=SHARE_LINK)


def _together(run, batch, peers, seed, seconds):
    made, cpu = [], Cpu()
    try:
        with benches(run.base, run.load, peers, seed, SHARE_LINK) as made:
            got = _measure(made, [pair.beside for pair in batch], seconds)
    except FAILURES as error:
        return [run.failed("share", p.flow, error, made if p is batch[0] else ()) for p in batch]
    for pair, one in zip(batch, got):
        one |= {"cpu_own": cpu.own(), "load": os.getloadavg()[0]}
        _say(pair, one, seed)
    return got


def _measure(made, ccs, seconds, drain=1):
    limit = time.monotonic() + seconds + drain + 40
    cpu = Cpu()
    loads = [(b.start_bulk(seconds, drain), b.start_beside(cc, seconds, drain)) for b, cc in zip(made, ccs)]
    flows = [[json.loads(finish(load, limit)) for load in pair] for pair in loads]
    results = []
    for bench, pair in zip(made, flows):
        assert abs(pair[0]["start_us"] - pair[1]["start_us"]) < 1e6, "the two did not start within a second"
        mbit = [flow["bytes"] * 8e-6 / seconds for flow in pair]
        down = bench.link.stats()["b2a"]
        results.append({"mbit": mbit[0], "mbit_beside": mbit[1], "share": mbit[0] / max(sum(mbit), 1e-9),
                        "bins": [_bins(flow, seconds) for flow in pair], "cpu_busy": cpu.busy(), "status": bench.status(),
                        "link": {k: down[k] for k in ("in_packets", "in_bytes", "overflow")}})
    return results


def _bins(flow, seconds):
    """Mbit/s in each BIN_S."""
    bins = flow["per_100ms"]
    return [round(sum(bins[i:i + BIN_S * 10]) * 8e-6 / BIN_S, 1) for i in range(0, seconds * 10, BIN_S * 10)]


def _say(pair, r, seed):
    course = " ".join(f"{a:.0f}/{b:.0f}" for a, b in zip(*r["bins"]))
    print(f"share: {pair.flow:16} beside {pair.beside:5}, seed {seed}: {r['mbit']:.1f} and {r['mbit_beside']:.1f} Mbit/s, "
          f"share {r['share']:.1%}; each {BIN_S} s {course}; overflow {r['link']['overflow']} of {r['link']['in_packets']}; "
          f"cpu {r['cpu_busy']:.0%}, ours {r['cpu_own']:.0%}", flush=True)


def _pairs(part):
    return [pair for pair in PAIRS if any(r["peer"] == pair.flow and r["beside"] == pair.beside for r in part["results"])]


def _get(part, pair, pick):
    return values(part["results"], pick, peer=pair.flow, beside=pair.beside)


def _aim(pair):
    if pair.flow == "skcptun":
        return f"{FAIR_LEAST:.0%} to {1 - FAIR_LEAST:.0%}"
    return f"at most {1 - CUBIC_LEAST:.0%}" if pair == ("skcptun-normal", "cubic") else ""


def share_table(part):
    lines = []
    for pair in _pairs(part):
        got = [_get(part, pair, lambda r, k=k: r[k]) for k in ("mbit", "mbit_beside", "share")]
        lines.append([part["meta"]["labels"][pair.flow][0], f"kernel TCP, {pair.beside.upper()}", cell(got[0], "{:.1f}"),
                      cell(got[1], "{:.1f}"), ", ".join(f"{share:.0%}" for share in got[2]) or "failed", _aim(pair)])
    return table(["a download", "beside", "its Mbit/s", "the other's", "its share in each run", "must be"], lines)


def share_verdicts(part):
    """Rows of the table of targets: name, target, reached, verdict."""
    lines = []
    for pair in _pairs(part):
        if pair.flow == "skcptun":
            least = median(_get(part, pair, lambda r: min(r["share"], 1 - r["share"]) * 100))
            lines.append(verdict(f"shared bottleneck, beside kernel {pair.beside.upper()}: the smaller share, %",
                                 FAIR_LEAST * 100, least, "{:.0f}", True))
        elif pair == ("skcptun-normal", "cubic"):
            theirs = median(_get(part, pair, lambda r: (1 - r["share"]) * 100))
            lines.append(verdict("the same, normal mode beside kernel CUBIC: the kernel's share, %", CUBIC_LEAST * 100,
                                 theirs, "{:.0f}", True))
    return lines
