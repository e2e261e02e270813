# SPDX-License-Identifier: MIT
"""The picture of a session's trace: panels over one axis of time."""
import math

from compare_svg import line, nice_ticks, text
from trace_summary import line as headline
from trace_summary import spans

WIDTH, LEFT, RIGHT = 1100, 76, 190
BINS = 120
SENT, ACKED, PACED, GREY = "#1f77b4", "#2ca02c", "#ff7f0e", "#999"
RED, PURPLE, BROWN = "#d62728", "#9467bd", "#8c564b"
PHASES = {"startup": "#c6dbef", "slow_start": "#c6dbef", "drain": "#fdd0a2", "probe_bw": "#c7e9c0",
          "avoidance": "#c7e9c0", "probe_rtt": "#dadaeb"}
LIMITS = {"nothing": "#eeeeee", "window": "#9ecae1", "pacing": "#a1d99b", "rate_cap": "#fdae6b",
          "peer_window": "#bcbddc", "memory": "#fc9272"}
LIMIT_WORDS = {"nothing": "nothing to send", "window": "congestion window", "pacing": "pacing",
               "rate_cap": "max_rate_mbit", "peer_window": "peer's window", "memory": "memory"}


class Panel:
    """A frame with an axis of its own at the left; draws into the list that it is given."""

    def __init__(self, parts, session, top, height):
        self.parts, self.top, self.height = parts, top, height
        self.start, self.span = session.start, max(session.end - session.start, 1e-6)
        self.low = self.high = self.labels = 0

    def x(self, at):
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1, max(0, (at - self.start) / self.span))

    def y(self, value):
        share = min(1, max(0, (value - self.low) / (self.high - self.low)))
        return self.top + self.height * (1 - share)

    def frame(self, title, high, unit):
        ticks = nice_ticks(0, high or 1, 4)
        self.low, self.high = ticks[0], ticks[-1]
        for value in ticks:
            self.parts += [line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value)),
                           text(LEFT - 6, self.y(value) + 4, f"{value:g}", "end", 11)]
        middle = self.top + self.height / 2
        self.parts.append(text(18, middle, f"{title}, {unit}", size=12, more=f' transform="rotate(-90 18 {middle:.0f})"'))

    def legend(self, label, color, kind="line"):
        at = self.top + 12 + 18 * self.labels
        self.labels += 1
        left = WIDTH - RIGHT + 14
        if kind == "line":
            self.parts.append(line(left, at - 4, left + 22, at - 4, color, ' stroke-width="2.5"'))
        else:
            self.parts.append(f'<rect x="{left}" y="{at - 11}" width="22" height="13" fill="{color}" stroke="#bbb" stroke-width=".5"/>')
        self.parts.append(text(left + 28, at, label, "start", 11))

    def curve(self, points, color, label, steps=False, width=1.6, dash=""):
        self.legend(label, color)
        path, last = [], None
        for at, value in points:
            if steps and last is not None:
                path.append(f"{self.x(at):.1f},{self.y(last):.1f}")
            path.append(f"{self.x(at):.1f},{self.y(value):.1f}")
            last = value
        if steps and points:
            path.append(f"{self.x(self.start + self.span):.1f},{self.y(last):.1f}")
        style = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{" ".join(path)}" fill="none" stroke="{color}" stroke-width="{width}"{style}/>')

    def dots(self, points, color, label):
        self.legend(label, color)
        seen = {(round(self.x(at)), round(self.y(value))) for at, value in points}
        self.parts += [f'<circle cx="{x}" cy="{y}" r="1.1" fill="{color}"/>' for x, y in sorted(seen)]

    def row(self, index, label, events, color):
        """Marks of what happened, one row of them; how dark says how many there were in a pixel."""
        y, tall = self.top + 4 + 18 * index, 13
        self.parts.append(text(LEFT - 6, y + 11, label, "end", 11))
        self.parts.append(line(LEFT, y + tall, WIDTH - RIGHT, y + tall, "#eee"))
        counts = {}
        for at in events:
            counts[round(self.x(at))] = counts.get(round(self.x(at)), 0) + 1
        most = max(counts.values(), default=1)
        for x, n in sorted(counts.items()):
            dark = 0.35 + 0.65 * math.log1p(n) / math.log1p(most)
            self.parts.append(f'<rect x="{x - 0.5}" y="{y}" width="1.4" height="{tall}" fill="{color}" opacity="{dark:.2f}"/>')
        self.parts.append(text(WIDTH - RIGHT + 14, y + 11, f"{len(events)}", "start", 11))

    def band(self, values, colors, words):
        """What was in force, as blocks; the legend tells for how long."""
        total = {}
        for start, end, value in values:
            total[value] = total.get(value, 0) + end - start
            left, right = self.x(start), self.x(end)
            self.parts.append(f'<rect x="{left:.1f}" y="{self.top}" width="{max(right - left, 0.6):.1f}" '
                              f'height="{self.height}" fill="{colors.get(value, "#ccc")}"/>')
        whole = sum(total.values()) or 1
        for value, seconds in sorted(total.items(), key=lambda item: -item[1]):
            self.legend(f"{words.get(value, value)} {100 * seconds / whole:.0f} %", colors.get(value, "#ccc"), "box")


def rate(session, events, step):
    """[(middle of a bin, Mbit/s)] of (seconds, bytes)."""
    bins = [0] * (int((session.end - session.start) / step) + 1)
    for at, length in events:
        bins[min(int((at - session.start) / step), len(bins) - 1)] += length
    return [(session.start + (i + 0.5) * step, n * 8e-6 / step) for i, n in enumerate(bins)]


def thin_out(points, n=1500):
    return points[::max(1, len(points) // n)]


def draw_rate(panel, session, metrics):
    step = max((session.end - session.start) / BINS, 0.001)
    sent = rate(session, [(at, d["length"]) for at, d in session.of("datagram_sent")], step)
    got = rate(session, [(at, d["length"]) for at, d in session.of("datagram_received")], step)
    acked = rate(session, [(at, d["bytes"]) for at, d in session.of("acked")], step)
    top = max([v for _, v in sent + got + acked] or [1])
    panel.frame("rate", top, "Mbit/s")
    paced = [(at, min(m["pacing_rate"] * 8e-6, 10 * panel.high)) for at, m in metrics]
    panel.curve(thin_out(paced), PACED, "pacing rate", True, 1, "4 2")
    panel.curve(got, GREY, "received")
    panel.curve(sent, SENT, "sent, all datagrams")
    panel.curve(acked, ACKED, "acknowledged")


def draw_window(panel, session, metrics):
    waiting = [(at, q["bytes"] / 1000) for at, q in session.of("queue_updated")]
    cwnd, flight = ([(at, m[key] / 1000) for at, m in metrics] for key in ("cwnd", "inflight"))
    panel.frame("in flight", min(max([v for _, v in cwnd] or [1]), 4 * max([v for _, v in flight] or [1]) or 1), "kB")
    if waiting:
        panel.curve(thin_out(waiting), PURPLE, "in the TUN queue", True, 1.1)
    panel.curve(thin_out(cwnd), PACED, "congestion window", True)
    panel.curve(thin_out(flight), SENT, "in flight", True, 1.1)


def draw_rtt(panel, metrics):
    measured = [(at, m) for at, m in metrics if m["smoothed_rtt"] > 0]
    latest = [(at, m["latest_rtt"]) for at, m in measured]
    panel.frame("round trip", max([v for _, v in latest] or [1]), "ms")
    panel.dots(latest, "#aec7e8", "each")
    panel.curve(thin_out([(at, m["min_rtt"]) for at, m in measured]), ACKED, "least of 10 to 20 s", True)
    panel.curve(thin_out([(at, m["smoothed_rtt"]) for at, m in measured]), SENT, "smoothed", True)


def queue_drops(session):
    told = session.of("queue_updated")
    return [at for (at, q), (_, before) in zip(told[1:], told) if q["dropped"] > before["dropped"]]


ROWS = [
    ("lost", RED, lambda s: [at for at, _ in s.of("segment_lost")]),
    ("sent again", PACED, lambda s: [at for at, d in s.of("segment_sent") if d["cause"] in ("again", "tail")]),
    ("no loss", GREY, lambda s: [at for at, _ in s.of("spurious_loss")]),
    ("duplicates", BROWN, lambda s: [at for at, d in s.of("segment_sent") if d["cause"] == "copy"]),
    ("parity", PURPLE, lambda s: [at for at, d in s.of("datagram_sent") if d["type"] == "parity"]),
    ("recovered", ACKED, lambda s: [at for at, _ in s.of("parity_recovered")]),
    ("tail probe", "#17becf", lambda s: [at for at, d in s.of("timeout") if d["kind"] == "probe"]),
    ("queue drop", PURPLE, queue_drops),
    ("timeout", "#000", lambda s: [at for at, d in s.of("timeout") if d["kind"] == "rto"]),
]


def time_axis(parts, session, top, bottom):
    panel = Panel(parts, session, top, bottom - top)
    for value in nice_ticks(session.start, session.end if session.end > session.start else session.start + 1, 10):
        if session.start <= value <= session.end:
            parts += [line(panel.x(value), top, panel.x(value), bottom, "#eee"),
                      text(panel.x(value), bottom + 16, f"{value:g}", size=11)]
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, bottom + 34, "time of the trace, s"))


def draw(session, title):
    metrics = session.of("metrics_updated")
    tops, at = [], 44
    for height in (190, 150, 150, 18 * len(ROWS) + 4, 84, 110):
        tops.append((at, height))
        at += height + 22
    height = at + 26
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
             f'font-family="sans-serif" fill="#222">', f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             text(LEFT, 24, f"{title}: {headline(session)}", "start", 14, ' font-weight="bold"')]
    time_axis(parts, session, tops[0][0], at - 22)
    panels = [Panel(parts, session, *place) for place in tops]
    draw_rate(panels[0], session, metrics)
    draw_window(panels[1], session, metrics)
    draw_rtt(panels[2], metrics)
    for index, (label, color, find) in enumerate(ROWS):
        panels[3].row(index, label, find(session), color)
    for panel, name, colors, words, label in ((panels[4], "phase_updated", PHASES, {}, "phase"),
                                              (panels[5], "limit_updated", LIMITS, LIMIT_WORDS, "held up by")):
        panel.band(spans(session, name), colors, words)
        middle = panel.top + panel.height / 2
        parts.append(text(LEFT - 8, middle + 4, label, "end", 12))
    return "\n".join(parts + ["</svg>"]) + "\n"
