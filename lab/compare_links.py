# SPDX-License-Identifier: MIT
"""The row `links`: a download beside a thin flow in one session, over links that nobody tuned for: recorded cellular
capacity, a model of it, and a fast and far line."""
import collections
import json
import os
import pathlib
import time

from lab import ROOT
from compare_bench import FAILURES, Cpu, benches, finish, parse_rtt
from compare_digest import digest
from compare_tables import OURS, OURS_TUN, cell, median, table, values, verdict

# Recorded links are not part of the repository.
TRACES = pathlib.Path(os.environ.get("SKT_TRACES", ROOT.parent / "shared/traces"))
RIVAL = "tcp-bbr"
# Of BBR's in the same run: payload, mean and p99 of the thin flow; then IP bytes over payload.
PAYLOAD_LEAST, MEAN_MOST, P99_MOST, WASTE_MOST = 1.0, 0.6, 0.8, 1.10
MESSAGE_BYTES = 64
# The model's seed for the first of ours: 17, 19 and 21 have means of 6, 7 and 9 Mbit/s over 30 s. Some are an outage nearly
# all the time (15: 0.1 Mbit/s), where nothing can be told apart.
MODEL_SEED = 6

# together: all peers at the same time, each over a link of its own (so slow that the machine carries them all).
Line = collections.namedtuple("Line", "name trace settings together")


def lte(name, trace, delay, queue):
    return Line(f"{name} LTE, {delay} ms each way, {queue // 1000} KB of buffer", trace,
                {"delay": f"{delay}ms", "queue_bytes": queue}, True)


LINES = [
    lte("T-Mobile", "TMobile-LTE-short", 20, 400000), lte("T-Mobile", "TMobile-LTE-short", 50, 600000),
    lte("Verizon", "Verizon-LTE-short", 20, 400000), lte("Verizon", "Verizon-LTE-short", 50, 600000),
    Line("the model of such a link, 20 ms each way, 500 KB of buffer", "model", {"delay": "20ms", "queue_bytes": 500000}, True),
    Line("400 Mbit/s, 100 ms each way, 2% loss, 40 ms of buffer", None,
         {"delay": "100ms", "rate": 400, "buffer": "40ms", "loss": 0.02}, False),
]


def settings(line, seed):
    """Of skt-link; None: the recording isn't there."""
    if line.trace is None:
        return line.settings
    if line.trace == "model":
        return {**line.settings, "b2a_walk": seed + MODEL_SEED, "a2b_walk": seed + MODEL_SEED + 1000}
    files = {way: TRACES / f"{line.trace}.{end}" for way, end in (("b2a_trace", "down"), ("a2b_trace", "up"))}
    return {**line.settings, **files} if all(path.exists() for path in files.values()) else None


def measure(run):
    seconds, results = 8 if run.options.quick else 30, []
    peers = run.peers_in("links")
    for seed in run.seeds:
        for line in LINES:
            link = settings(line, seed)
            if link is None:
                print(f"links: {line.name}: skipped: no {line.trace} in {TRACES}", flush=True)
                continue
            for batch in [peers] if line.together else [[peer] for peer in peers]:
                for peer, got in zip(batch, _batch(run, batch, link, seed, seconds)):
                    results.append({"peer": peer.name, "line": line.name, "seed": seed, **got})
                    _say(results[-1])
                run.keep("links", results, seconds=seconds)


def _batch(run, batch, link, seed, seconds):
    made, cpu = [], Cpu()
    try:
        with benches(run.base, run.load, batch, seed, link) as made:
            got = _together(made, link, seconds)
    except FAILURES as error:
        return [run.failed("links", p.name, error, made if p is batch[0] else ()) for p in batch]
    return [{**one, "cpu_own": cpu.own(), "load": os.getloadavg()[0]} for one in got]


def _together(made, link, seconds, drain=4):
    limit, cpu = time.monotonic() + seconds + drain + 60, Cpu()
    for bench in made:  # all at the same place of the trace, whenever they were built
        bench.link.command("rewind")
    before = [bench.link.stats()["b2a"] for bench in made]
    loads = [(bench.start_bulk(seconds, drain), bench.start_rtt(1, seconds * 10)) for bench in made]
    flows = [(json.loads(finish(bulk, limit)), parse_rtt(finish(thin, limit))) for bulk, thin in loads]
    busy = cpu.busy()
    return [_result(bench, link, seconds, start, *flow, busy) for bench, start, flow in zip(made, before, flows)]


def _capacity(bench, link, seconds):
    """IP bytes that the link could have carried meanwhile."""
    if "rate" in link:
        return link["rate"] * 1e6 / 8 * seconds
    return json.loads(bench.link.command(f"capacity {seconds * 1000}"))["b2a"]


def _result(bench, link, seconds, start, bulk, thin, busy):
    after, capacity = bench.link.stats()["b2a"], _capacity(bench, link, seconds)
    down = {k: after[k] - start[k] for k in ("in_packets", "in_bytes", "lost", "overflow")}
    payload = bulk["total"] + MESSAGE_BYTES * sum(rtt is not None for *_, rtt in thin)
    return {"mbit": bulk["bytes"] * 8e-6 / seconds, "capacity_mbit": capacity * 8e-6 / seconds,
            "share": bulk["bytes"] / capacity, "thin": digest([rtt for *_, rtt in thin]),
            "waste": down["in_bytes"] / payload, "drained": bulk["drained"], "link": down, "late_us": after["late"]["999"],
            "cpu_busy": busy, "status": bench.status(),
            "per_s_mbit": [round(sum(bulk["per_100ms"][i:i + 10]) * 8e-6, 2) for i in range(0, seconds * 10, 10)]}


def _say(r):
    if "failed" in r:
        return
    thin = " / ".join(f"{r['thin'][k]:.0f}" if r["thin"].get(k) else "never" for k in ("avg", "p50", "p99"))
    print(f"links: {r['line']}, seed {r['seed']}: {r['peer']:16} {r['mbit']:.1f} of {r['capacity_mbit']:.1f} Mbit/s "
          f"({r['share']:.0%}), thin {thin} ms, unanswered {r['thin']['unanswered']}; IP bytes over payload "
          f"{r['waste']:.3f}; overflow {r['link']['overflow']}; link late {r['late_us'] / 1000:.1f} ms; "
          f"cpu {r['cpu_busy']:.0%}, ours {r['cpu_own']:.0%}", flush=True)


def _lines_in(part):
    return [line for line in LINES if any(r["line"] == line.name for r in part["results"])]


COLUMNS = (
    ("Mbit/s of payload", lambda r: r["mbit"], "{:.1f}"), ("of the capacity, %", lambda r: r["share"] * 100, "{:.0f}"),
    ("thin flow's mean, ms", lambda r: r["thin"].get("avg"), "{:.0f}"),
    ("median", lambda r: r["thin"].get("p50"), "{:.0f}"), ("p99", lambda r: r["thin"].get("p99"), "{:.0f}"),
    ("IP bytes over payload", lambda r: r["waste"], "{:.3f}"))


def links_table(part):
    blocks = []
    for line in _lines_in(part):
        capacity = cell(values(part["results"], lambda r: r["capacity_mbit"], line=line.name, peer=RIVAL), "{:.1f}")
        lines = []
        for peer, (label, _) in part["meta"]["labels"].items():
            got = [(values(part["results"], pick, line=line.name, peer=peer), form) for _, pick, form in COLUMNS]
            lines.append([label, *(cell(numbers, form) for numbers, form in got)])
        carries = "" if "rate" in line.settings or capacity == "failed" else f"; it could carry {capacity} Mbit/s"
        blocks.append(f"{line.name[0].upper()}{line.name[1:]}{carries}:\n\n" +
                      table(["", *(title for title, *_ in COLUMNS)], lines))
    return "\n\n".join(blocks)


def _over_rival(part, line, peer, pick):
    """pick of this peer over BBR's, seed by seed."""
    rival = {r["seed"]: pick(r) for r in part["results"]
             if r["line"] == line.name and r["peer"] == RIVAL and "failed" not in r}
    return median(values(part["results"], lambda r: pick(r) / rival[r["seed"]] if pick(r) and rival.get(r["seed"]) else None,
                         line=line.name, peer=peer))


def links_verdicts(part):
    lines = []
    for line in _lines_in(part):
        for peer, mode in ((OURS, "TCP mode"), (OURS_TUN, "TUN mode")):
            if not values(part["results"], lambda r: r, line=line.name, peer=peer):
                continue
            what = f"{line.name}, {mode}: "
            lines.append(verdict(f"{what}payload over BBR's", PAYLOAD_LEAST,
                                 _over_rival(part, line, peer, lambda r: r["mbit"]), "{:.2f}", True))
            if line.trace is None:
                continue
            for name, key, most in (("mean", "avg", MEAN_MOST), ("p99", "p99", P99_MOST)):
                lines.append(verdict(f"{what}{name} of the thin flow over BBR's", most,
                                     _over_rival(part, line, peer, lambda r, k=key: r["thin"].get(k)), "{:.2f}", False))
            waste = median(values(part["results"], lambda r: r["waste"], line=line.name, peer=peer))
            lines.append(verdict(f"{what}IP bytes over payload", WASTE_MOST, waste, "{:.3f}", False))
    return lines
