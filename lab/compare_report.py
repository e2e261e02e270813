# SPDX-License-Identifier: MIT
"""What was measured as one report: conditions, tables, plots, and their place in doc/performance.md."""
import json
import re

import compare_plots
from compare_burst import burst_table
from compare_links import links_table, links_verdicts
from compare_packets import latency_table, latency_verdicts, pps_table, pps_verdicts
from compare_share import share_table, share_verdicts
from compare_tun import tun_lossy_table, tun_table, tun_verdicts
from compare_tables import (BULK_COLUMNS, ROWS, bulk_table, clean_table, rtt_table, seed_table, table, thin_table,
                            verdicts)


def load(out):
    rows = {}
    for row in ROWS:
        path = out / f"{row}.json"
        if path.exists():
            rows[row] = json.loads(path.read_text())
    return rows


def own_share(got):
    own = [r["cpu_own"] for r in got if "cpu_own" in r]
    return f" (by the measured programs themselves {min(own):.0%} to {max(own):.0%})" if own else ""


def conditions(rows):
    """When, where, how busy; then the settings of every peer."""
    parts = []
    for row, part in rows.items():
        meta = part["meta"]
        got = [r for r in part["results"] if "failed" not in r]
        busy = [r["cpu_busy"] for r in got]
        failed = len(part["results"]) - len(got)
        m, seeds = meta["machine"], len({r["seed"] for r in part["results"]})
        parts.append(
            f"- `{row}`: {meta['date']}, revision {meta['revision']}, {seeds} seed{'s' * (seeds > 1)}"
            f"{', QUICK' * meta['quick']}; {m['cores']} cores ({m['cpu']}), {m['memory_gb']} GB, Linux {m['kernel']}; "
            f"load average {min((r['load'] for r in got), default=0):.1f} to {max((r['load'] for r in got), default=0):.1f}, cores busy "
            f"{min(busy, default=0):.0%} to {max(busy, default=0):.0%}" +
            own_share(got) + (f"; {failed} measurements failed" if failed else "") +
            "".join(f"; skipped: {name} ({why})" for name, why in meta["skipped"].items()))
    settings = {}
    for part in rows.values():
        settings.update({part["meta"]["labels"][n][0]: s for n, s in part["meta"]["settings"].items()})
    return "\n".join(parts + [f"- {label}: `{how}`" for label, how in settings.items()])


def target_table(rows):
    lines = verdicts(rows)
    for row, more in (("tun", tun_verdicts), ("share", share_verdicts), ("links", links_verdicts),
                      ("latency", latency_verdicts), ("pps", pps_verdicts)):
        lines += more(rows[row]) if row in rows else []
    return table(["skcptun turbo, median of the seeds", "must reach", "reached", ""], lines)


def blocks(rows):
    made = {"conditions": conditions(rows)}
    if set(rows) - {"burst"}:  # which has no target
        made["targets"] = target_table(rows)
    if "rtt" in rows:
        made |= {"seed": seed_table(rows["rtt"]), "rtt": rtt_table(rows["rtt"])}
    if "bulk" in rows:
        made |= {column: bulk_table(rows["bulk"], column) for column in BULK_COLUMNS}
        made["delay"] += "\n\n" + thin_table(rows["bulk"])
    if "up" in rows:
        made["up"] = "\n\n".join(bulk_table(rows["up"], column) for column in BULK_COLUMNS)
    if "burst" in rows:
        made["burst"] = burst_table(rows["burst"])
    if "clean" in rows:
        made["clean"] = clean_table(rows["clean"])
    if "tun" in rows:
        made |= {"tun": tun_table(rows["tun"]), "tunlossy": tun_lossy_table(rows["tun"])}
    for row, make in (("links", links_table), ("latency", latency_table), ("pps", pps_table)):
        if row in rows:
            made[row] = make(rows[row])
    if "share" in rows:
        made["share"] = share_table(rows["share"])
    return made


def write(out):
    """OUT/report.md and the plots; returns the report."""
    rows = load(out)
    if not rows:
        return "compare: nothing measured"
    report = "\n\n".join(blocks(rows).values()) + "\n"
    (out / "report.md").write_text(report)
    for name, picture in compare_plots.all_plots(rows).items():
        (out / f"{name}.svg").write_text(picture)
    return report


SHARED = ("targets", "conditions")  # blocks with lines of all rows


def line_name(line):
    """Of a line of such a block, what it is about."""
    return line.split("|")[1].strip() if line.startswith("|") else line.split(":")[0]


def keep_others(old, new):
    """Lines of the old block that are about rows which were not measured now stay, in front."""
    fresh = new.splitlines()
    names = {line_name(line) for line in fresh}
    kept = [line for line in old.strip().splitlines() if line[:1] in ("|", "-") and line_name(line) not in names]
    head = 2 if new.startswith("|") else 0  # a table's first two lines
    return "\n".join(fresh[:head] + kept + fresh[head:])


def write_doc(out, doc):
    """Replaces what stands between <!-- compare:NAME --> and <!-- compare:end --> in the document."""
    rows = load(out)
    made, plots = blocks(rows), compare_plots.all_plots(rows)
    if "burst" in made:
        made["burst"] += "".join(f"\n\n![Distribution of completion times](img/{name}.svg)"
                                 for name in plots if name.startswith("burst"))
    path = doc / "performance.md"

    def put(match):
        begin, name, old, end = match.groups()
        if name not in made:
            return match[0]
        block = keep_others(old, made[name]) if name in SHARED and set(rows) < set(ROWS) else made[name]
        return f"{begin}\n\n{block}\n\n{end}"
    path.write_text(re.sub(r"(<!-- compare:(\w+) -->)(.*?)(<!-- compare:end -->)", put, path.read_text(), flags=re.S))
    (doc / "img").mkdir(exist_ok=True)
    for name, picture in plots.items():
        (doc / "img" / f"{name}.svg").write_text(picture)
