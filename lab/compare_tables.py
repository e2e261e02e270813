# SPDX-License-Identifier: MIT
"""Tables of what was measured: median and spread over the seeds, beside the targets."""
import statistics

# In the order in which they are measured and reported.
ROWS = ("rtt", "bulk", "up", "clean", "tun", "share", "burst", "links", "latency", "pps")
OURS, OURS_TUN = "skcptun", "skcptun-tun"
RTT_TARGETS = {"avg": 1.01, "p99": 1.06, "p999": 1.12}
BULK_TARGETS = {0.01: (85, 1.12), 0.05: (80, 1.18), 0.10: (74, 1.26)}  # Mbit/s, IP bytes over payload
BULK_LIMITS = {0.01: (93.7, 1.068), 0.05: (89.9, 1.113), 0.10: (85.1, 1.174)}
DELAY_TARGET_MS = 30
CLEAN_TARGET = TUN_TARGET = 3000
CLEAN_RIVALS = ("shadowsocks", "shadowsocks-bbr")
# The seed document's own numbers: min, max, average.
SEED_TABLE = {1: {"TCP": (161.0, 1239.0, 293.956), "the original": (160.0, 487.0, 181.618)},
              10: {"TCP": (159.0, 1076.0, 262.500), "the original": (159.0, 534.0, 174.251)}}


def values(results, pick, **where):
    """pick(result) of each result that has these fields and did not fail; None: no number, worse than any."""
    return [pick(r) for r in results if "failed" not in r and all(r.get(k) == v for k, v in where.items())]


def median(numbers):
    got = [n for n in numbers if n is not None]
    return statistics.median(got) if got and len(got) * 2 > len(numbers) else None


def cell(numbers, form="{:.2f}"):
    """Median, and the least and the greatest where there are several seeds."""
    got = sorted(n for n in numbers if n is not None)
    if not got:
        return "never" if numbers else "failed"
    middle = median(numbers)
    words = form.format(middle) if middle is not None else "never"
    if len(numbers) > 1:
        top = form.format(got[-1]) if len(got) == len(numbers) else "never"
        low = form.format(got[0])
        words += f" ({low}–{top})" if low != top else ""
    return words


def table(head, lines):
    rows = [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    return "\n".join("| " + " | ".join(str(c) for c in row) + " |" for row in rows)


def connections(count):
    return f"{count} connection{'s' * (count > 1)}"


def labels(part):
    return part["meta"]["labels"].items()


def over_ping(name):
    return lambda r: r["rtt"][name] / r["ping"]["avg"] if r["rtt"].get(name) else None


def seed_table(part):
    blocks = []
    for conns, theirs in SEED_TABLE.items():
        lines = [[f"*{who}, as its document has it*", *(f"{v:.1f}" for v in numbers), ""] for who, numbers in theirs.items()]
        for peer, (label, _) in labels(part):
            got = [values(part["results"], lambda r, k=k: r["rtt"].get(k), peer=peer, conns=conns)
                   for k in ("min", "max", "avg")]
            lines.append([label, *(cell(g, "{:.1f}") for g in got), cell(values(
                part["results"], lambda r: r["ping"]["avg"], peer=peer, conns=conns), "{:.1f}")])
        blocks.append(f"{connections(conns)}, {part['meta']['count']} messages each, 100 ms apart; round trips in ms:\n\n" +
                      table(["", "Min", "Max", "Average", "ping average"], lines))
    return "\n\n".join(blocks)


def rtt_table(part):
    blocks = []
    for conns in SEED_TABLE:
        lines = []
        for peer, (label, _) in labels(part):
            where = {"peer": peer, "conns": conns}
            lines.append([label, *(cell(values(part["results"], over_ping(k), **where), "{:.3f}") for k in RTT_TARGETS),
                          cell(values(part["results"], lambda r: r["rtt"]["unanswered"], **where), "{:.0f}"),
                          cell(values(part["results"], lambda r: r["wire_bytes"] / r["rtt"]["n"] / 128, **where), "{:.1f}")])
        of_link = [values(part["results"], lambda r, k=k: r["ping"][k] / r["ping"]["avg"], conns=conns) for k in RTT_TARGETS]
        lines.append(["*the link itself (UDP echo)*", *(cell(got, "{:.3f}") for got in of_link), "", ""])
        lines.append(["**must reach**", *(f"**{v}**" for v in RTT_TARGETS.values()), "", ""])
        blocks.append(f"{connections(conns)}; round trips over the link's ping average:\n\n" +
                      table(["", "average", "p99", "p99.9", "unanswered", "IP bytes over payload"], lines))
    return "\n\n".join(blocks)


# Title, number, its form, target, limit.
BULK_COLUMNS = {
    "goodput": ("Mbit/s of payload", lambda r: r["mbit"], "{:.1f}",
                lambda loss: BULK_TARGETS[loss][0], lambda loss: BULK_LIMITS[loss][0]),
    "waste": ("IP bytes in the data direction over payload delivered", lambda r: r["waste"], "{:.3f}",
              lambda loss: BULK_TARGETS[loss][1], lambda loss: BULK_LIMITS[loss][1]),
    "delay": ("mean round trip of the thin flow over its idle one, ms", lambda r: r["delay_ms"], "{:+.0f}",
              lambda loss: DELAY_TARGET_MS, None),
}


def losses_of(part):
    return sorted({r["loss"] for r in part["results"]})


def bulk_table(part, column):
    title, pick, form, target, limit = BULK_COLUMNS[column]
    losses = losses_of(part)
    lines = [[label, *(cell(values(part["results"], pick, peer=peer, loss=loss), form) for loss in losses)]
             for peer, (label, _) in labels(part)]
    if limit:
        name = "*the least possible over KCP*" if column == "waste" else "*the link's limit*"
        lines.append([name, *(limit(loss) for loss in losses)])
    lines.append(["**must reach**", *(f"**{form.format(target(loss))}**" for loss in losses)])
    return table([title, *(f"{loss:.0%} loss" for loss in losses)], lines)


def thin_table(part):
    losses = losses_of(part)
    lines = [[label, *(f"{cell(values(part['results'], lambda r: r['thin_ms'], peer=peer, loss=loss), '{:.0f}')} / "
                       f"{cell(values(part['results'], lambda r: r['thin_idle_ms'], peer=peer, loss=loss), '{:.0f}')}"
                       for loss in losses)] for peer, (label, _) in labels(part)]
    return table(["mean round trip of the thin flow, beside bulk / idle, ms", *(f"{loss:.0%} loss" for loss in losses)], lines)


def clean_table(part):
    lines = [[label, cell(values(part["results"], lambda r: r["mbit"], peer=peer), "{:.0f}")]
             for peer, (label, _) in labels(part)]
    return table(["clean veth pair, TCP mode", "Mbit/s"], [*lines, ["**must reach**", f"**{CLEAN_TARGET}**"]])


def verdict(what, target, got, form, more_is_better):
    if got is None:
        return [what, form.format(target), "no number", "missed"]
    good = got >= target if more_is_better else got <= target
    by = form.format(abs(got - target)).lstrip("+")
    return [what, form.format(target), form.format(got), "reached" if good else f"missed by {by}"]


def verdicts(rows):
    """Rows of the table of targets, for request/response, bulk and the clean wire."""
    lines = []
    for conns in SEED_TABLE if "rtt" in rows else ():
        for name, target in RTT_TARGETS.items():
            got = median(values(rows["rtt"]["results"], over_ping(name), peer=OURS, conns=conns))
            words = {"avg": "average", "p99": "p99", "p999": "p99.9"}[name]
            lines.append(verdict(f"round trip over ping, {connections(conns)}, {words}", target, got, "{:.3f}", False))
    for row, word in (("bulk", "bulk"), ("up", "upload")):
        for column, (title, pick, form, target, _) in BULK_COLUMNS.items() if row in rows else ():
            for loss in losses_of(rows[row]):
                got = median(values(rows[row]["results"], pick, peer=OURS, loss=loss))
                lines.append(verdict(f"{word} at {loss:.0%} loss: {title}", target(loss), got, form, column == "goodput"))
    if "clean" in rows:
        ours = median(values(rows["clean"]["results"], lambda r: r["mbit"], peer=OURS))
        lines.append(verdict("clean veth pair, TCP mode, Mbit/s", CLEAN_TARGET, ours, "{:.0f}", True))
        theirs = [median(values(rows["clean"]["results"], lambda r: r["mbit"], peer=name)) for name in CLEAN_RIVALS]
        if any(theirs):
            mark = max(filter(None, theirs))
            lines.append(verdict("the same, shadowsocks-libev's Mbit/s being the mark", mark, ours, "{:.0f}", True))
    return lines
