# SPDX-License-Identifier: MIT
"""The row `tun`: one TCP connection inside a tunnel of IP packets, on a clean wire and over the lossy link of `bulk`."""
from compare_bench import BULK_LINK, FAILURES, Cpu, batches, benches, measure_downloads
from compare_tables import OURS_TUN, TUN_TARGET, cell, median, table, values, verdict

LOSSES = (0.01, 0.05, 0.10)


def measure(run):
    quick, results, peers = run.options.quick, [], run.peers_in("tun")

    def one(batch, seed, loss, seconds):
        link = None if loss is None else {**BULK_LINK, "loss": loss}
        made, cpu, where = [], Cpu(), {"seed": seed, "loss": loss}
        try:
            with benches(run.base, run.load, batch, seed, link) as made:
                measured = measure_downloads(made, seconds)
            results.extend({"peer": p.name, **where, **got, "cpu_own": cpu.own()} for p, got in zip(batch, measured))
            for peer, got in zip(batch, measured):
                print(f"tun: {peer.name:18} {'clean' if loss is None else f'{loss:.0%} loss'}, seed {seed}: "
                      f"{got['mbit']:.1f} Mbit/s; cpu {got['cpu_busy']:.0%}", flush=True)
        except FAILURES as error:
            results.extend({**where, **run.failed("tun", p.name, error, made if p is batch[0] else ())} for p in batch)
        run.keep("tun", results, link=BULK_LINK)

    for seed in run.seeds:
        for peer in peers:
            one([peer], seed, None, 4 if quick else 8)
        for loss in LOSSES[::2] if quick else LOSSES:
            for batch in batches(peers):
                one(batch, seed, loss, 8 if quick else 15)


def _mbit(part, peer, loss):
    return values(part["results"], lambda r: r["mbit"], peer=peer, loss=loss)


def tun_table(part):
    lines = [[label, cell(_mbit(part, peer, None), "{:.0f}")] for peer, (label, _) in part["meta"]["labels"].items()]
    return table(["clean veth pair, TUN mode, one TCP connection inside", "Mbit/s"],
                 [*lines, ["**must reach**", f"**{TUN_TARGET}**"]])


def tun_lossy_table(part):
    losses = sorted({r["loss"] for r in part["results"]} - {None})
    lines = [[label, *(cell(_mbit(part, peer, loss), "{:.1f}") for loss in losses)]
             for peer, (label, _) in part["meta"]["labels"].items()]
    return table(["Mbit/s of one TCP connection inside", *(f"{loss:.0%} loss" for loss in losses)], lines)


def tun_verdicts(part):
    return [verdict("clean veth pair, TUN mode, one TCP connection inside, Mbit/s", TUN_TARGET,
                    median(_mbit(part, OURS_TUN, None)), "{:.0f}", True)]
