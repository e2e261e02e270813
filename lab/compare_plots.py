# SPDX-License-Identifier: MIT
"""The plots: which numbers go where."""
import compare_svg as svg
from compare_tables import BULK_COLUMNS, BULK_LIMITS, BULK_TARGETS, DELAY_TARGET_MS, connections, median, values

GREY = "#999999"


def mean_grid(grids):
    """The distribution of several seeds: at each share the median of the seeds that have it."""
    shares = {}
    for grid in grids:
        for share, value in grid:
            shares.setdefault(share, []).append(value)
    return [(share, median(got)) for share, got in sorted(shares.items())]


def tail(grid):
    """(ms, share of messages that were slower)."""
    return [(value, 1 - share) for share, value in grid if share < 1]


def distributions(part, **where):
    """One curve for each peer."""
    series = []
    for peer, (label, color) in part["meta"]["labels"].items():
        grids = values(part["results"], lambda r: r["rtt"].get("grid", []), peer=peer, **where)
        if any(grids):
            series.append({"label": label, "color": color, "points": tail(mean_grid(grids))})
    return series


def burst_plot(part, loss):
    xticks = [(v, str(v)) for v in (150, 200, 300, 400, 600, 1000, 2000, 4000, 10000)]
    yticks = [(v, f"{v * 100:g} %") for v in (0.002, 0.01, 0.1, 1)]
    return svg.plot(f"Answers of 40 KB, {loss * 100:g} % loss each way: complete later than …", "ms", "share of the answers",
                    distributions(part, loss=loss), xticks, yticks, True, True)


def rtt_plot(part, conns):
    series = distributions(part, conns=conns)
    pings = values(part["results"], lambda r: r["ping"].get("grid", []), conns=conns)
    series.append({"label": "the link (UDP echo)", "color": GREY, "dash": "2 3", "points": tail(mean_grid(pings))})
    xticks = [(v, str(v)) for v in (150, 170, 200, 250, 300, 400, 600, 1000, 2000)]
    yticks = [(1, "100 %"), (0.1, "10 %"), (0.01, "1 %"), (0.001, "0.1 %"), (0.0001, "0.01 %")][:4 if conns == 1 else 5]
    return svg.plot(f"Request/response, {connections(conns)}: round trips slower than …", "ms",
                    "share of the messages", series, xticks, list(reversed(yticks)), True, True)


def loss_plot(part, column, title, extra):
    _, pick, _, _, _ = BULK_COLUMNS[column]
    losses = sorted({r["loss"] for r in part["results"]})
    series, peers = [], part["meta"]["labels"]
    for index, (peer, (label, color)) in enumerate(peers.items()):
        beside = (index - (len(peers) - 1) / 2) * 0.06  # what has the same value stays visible
        by_loss = {loss: [v for v in values(part["results"], pick, peer=peer, loss=loss) if v is not None] for loss in losses}
        points = [(loss * 100 + beside, median(got)) for loss, got in by_loss.items() if got]
        if points:
            series.append({"label": label, "color": color, "points": points, "dots": True,
                           "spread": [(loss * 100 + beside, min(got), max(got)) for loss, got in by_loss.items() if got]})
    for label, color, dash, points in extra:
        series.append({"label": label, "color": color, "dash": dash, "points": points, "width": 1.5})
    top = max(y for s in series for _, y in s["points"])
    xticks = [(0, "0"), *((loss * 100, f"{loss * 100:g}") for loss in losses), (11, "")]
    low = {"waste": 1, "delay": min(0, *(y for s in series for _, y in s["points"]))}.get(column, 0)
    # What lies beyond is drawn on the edge: the rest would be flat.
    high = max(low + 0.2, min(top, {"delay": 600, "waste": 3.5}.get(column, 100)))
    ticks = svg.nice_ticks(low, high)
    return svg.plot(title, "loss each way, %", BULK_COLUMNS[column][0], series, xticks, [(t, f"{t:g}") for t in ticks])


def bulk_plots(part):
    def points(of, index):
        return [(loss * 100, pair[index]) for loss, pair in of.items()]
    aim = ("target", "#d62728", "2 3")
    return {
        "goodput": loss_plot(part, "goodput", "Bulk over 100 Mbit/s, 160 ms: goodput against loss",
                             [("the link's limit", GREY, "6 3", points(BULK_LIMITS, 0)), (*aim, points(BULK_TARGETS, 0))]),
        "waste": loss_plot(part, "waste", "Bulk over 100 Mbit/s, 160 ms: waste against loss",
                           [("the least possible", GREY, "6 3", points(BULK_LIMITS, 1)), (*aim, points(BULK_TARGETS, 1))]),
        "delay": loss_plot(part, "delay", "Delay of a thin flow beside the bulk, over idle",
                           [(*aim, [(1, DELAY_TARGET_MS), (10, DELAY_TARGET_MS)])]),
    }


def all_plots(rows):
    made = {}
    if "rtt" in rows:
        made |= {f"rtt-{conns}": rtt_plot(rows["rtt"], conns) for conns in (1, 10)}
    if "burst" in rows:
        losses = sorted({r["loss"] for r in rows["burst"]["results"]})
        made |= {f"burst-{round(loss * 1000)}": burst_plot(rows["burst"], loss) for loss in losses}
    if "bulk" in rows:
        made |= bulk_plots(rows["bulk"])
    return made
