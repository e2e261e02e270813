# SPDX-License-Identifier: MIT
"""The row `burst`: answers of a few tens of kilobytes, one at a time, and how long each takes to arrive whole."""
import os
import time

from compare_bench import FAILURES, Cpu, benches, finish, parse_rtt
from compare_digest import digest
from compare_tables import cell, table, values

LOSSES = (0.024, 0.05)
ANSWER_BYTES, INTERVAL_MS = 40 * 1024, 250
BURST_LINK = {"delay": "80ms", "jitter": "4ms"}


def measure(run):
    """All peers at the same time, and with both losses: they need a hundredth of what the machine can carry."""
    count, results, peers = 60 if run.options.quick else 400, [], run.peers_in("burst")
    for seed in run.seeds:
        made, cpu = [], Cpu()
        try:
            with benches(run.base, run.load, peers, seed, {**BURST_LINK, "loss": LOSSES[0]}) as low, \
                    benches(run.base, run.load, peers, seed, {**BURST_LINK, "loss": LOSSES[1]}) as high:
                made = low + high
                measured = _measure(made, count)
        except FAILURES as error:
            results += [{"loss": loss, "seed": seed, **run.failed("burst", "all", error, made)} for loss in LOSSES]
            continue
        where = [(peer.name, loss) for loss in LOSSES for peer in peers]
        for (peer, loss), got in zip(where, measured):
            results.append({"peer": peer, "loss": loss, "seed": seed, "cpu_own": cpu.own(), "load": os.getloadavg()[0], **got})
            _say(results[-1])
        run.keep("burst", results, count=count, link=BURST_LINK)


def _measure(made, count):
    limit, cpu = time.monotonic() + count * INTERVAL_MS / 1000 + 60, Cpu()
    before = [bench.link.stats()["b2a"]["in_bytes"] for bench in made]
    loads = [bench.start_rtt(1, count, INTERVAL_MS, answer=ANSWER_BYTES) for bench in made]
    results = []
    for bench, load, start in zip(made, loads, before):
        messages = [m[3] for m in parse_rtt(finish(load, limit))]
        sent = bench.link.stats()["b2a"]["in_bytes"] - start
        results.append({"rtt": digest(messages), "waste": sent / (count * ANSWER_BYTES), "cpu_busy": cpu.busy(),
                        "status": bench.status()})
    return results


def _say(r):
    times = " ".join(f"{k} {r['rtt'][k]:.0f}" if r["rtt"].get(k) else f"{k} never" for k in ("p50", "p95", "p99", "max"))
    print(f"burst: {r['peer']:16} loss {r['loss']:.1%}, seed {r['seed']}: {times} ms; unanswered {r['rtt']['unanswered']}; "
          f"IP bytes over payload {r['waste']:.2f}; cpu {r['cpu_busy']:.0%}, ours {r['cpu_own']:.0%}", flush=True)


def burst_table(part):
    blocks = []
    for loss in sorted({r["loss"] for r in part["results"]}):
        lines = []
        for peer, (label, _) in part["meta"]["labels"].items():
            got = [values(part["results"], lambda r, k=k: r["rtt"].get(k), peer=peer, loss=loss) for k in ("p50", "p95", "p99")]
            waste = values(part["results"], lambda r: r["waste"], peer=peer, loss=loss)
            lines.append([label, *(cell(g, "{:.0f}") for g in got), cell(waste)])
        blocks.append(f"{loss:.1%} loss each way; until the last byte of an answer, in ms:\n\n" +
                      table(["", "median", "p95", "p99", "IP bytes over payload"], lines))
    return "\n\n".join(blocks)
