# SPDX-License-Identifier: MIT
"""Line plots as SVG, small enough to be kept in the repository."""
import html
import math

WIDTH, HEIGHT = 780, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 210, 40, 48
DASHES = ("", "6 3", "2 3", "8 3 2 3")


class Axis:
    """Maps a value to a pixel; log10 where `log`."""

    def __init__(self, lo, hi, start, end, log=False):
        self.log, self.lo, self.hi = log, self._in(lo, log), self._in(hi, log)
        self.start, self.end = start, end

    @staticmethod
    def _in(value, log):
        return math.log10(value) if log else value

    def within(self, value):
        return self.lo <= self._in(value, self.log) <= self.hi

    def __call__(self, value):
        share = (self._in(value, self.log) - self.lo) / (self.hi - self.lo)
        return self.start + min(1, max(0, share)) * (self.end - self.start)


def nice_ticks(low, high, count=6):
    """Round steps from at most `low` to at least `high`."""
    step = 10 ** math.floor(math.log10((high - low) / count))
    step = next(step * m for m in (1, 2, 2.5, 5, 10) if step * m * count >= high - low)
    return [round(i * step, 9) for i in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


def text(x, y, words, anchor="middle", size=12, more=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}"{more}>{html.escape(str(words))}</text>'


def line(x1, y1, x2, y2, color="#ddd", more=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{more}/>'


def grid(x, y, xticks, yticks):
    parts = []
    for value, label in xticks:
        parts += [line(x(value), y.start, x(value), y.end), text(x(value), y.start + 16, label, size=11)]
    for value, label in yticks:
        parts += [line(x.start, y(value), x.end, y(value)), text(x.start - 6, y(value) + 4, label, "end", 11)]
    return parts


def curve(x, y, series, index):
    """The line and its entry in the legend. series: label, color, points [(x, y)], and optionally `spread` [(x, low,
    high)] and `dots`."""
    dash = DASHES[index // 7 % len(DASHES)] if not series.get("dash") else series["dash"]
    style = f' stroke-dasharray="{dash}"' if dash else ""
    points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in series["points"] if not x.log or x.within(a))
    parts = [f'<polyline points="{points}" fill="none" stroke="{series["color"]}" '
             f'stroke-width="{series.get("width", 2)}"{style}/>']
    if series.get("dots"):
        parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{series["color"]}"/>' for a, b in series["points"]]
    parts += [line(x(a), y(low), x(a), y(high), series["color"], ' stroke-width="1"')
              for a, low, high in series.get("spread", ())]
    at = TOP + 12 + 18 * index
    parts += [line(WIDTH - RIGHT + 12, at - 4, WIDTH - RIGHT + 36, at - 4, series["color"], f' stroke-width="2"{style}'),
              text(WIDTH - RIGHT + 42, at, series["label"], "start", 11)]
    return parts


def plot(title, xlabel, ylabel, series, xticks, yticks, xlog=False, ylog=False):
    """xticks, yticks: (value, label); the first and last are the ends of the axes."""
    x = Axis(xticks[0][0], xticks[-1][0], LEFT, WIDTH - RIGHT, xlog)
    y = Axis(yticks[0][0], yticks[-1][0], HEIGHT - BOTTOM, TOP, ylog)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" fill="#222">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', text(LEFT, 22, title, "start", 14, ' font-weight="bold"')]
    parts += grid(x, y, xticks, yticks)
    for index, one in reversed(list(enumerate(series))):  # the first lies on top
        parts += curve(x, y, one, index)
    middle = (y.start + y.end) / 2
    parts += [text((x.start + x.end) / 2, HEIGHT - 12, xlabel),
              text(16, middle, ylabel, more=f' transform="rotate(-90 16 {middle:.0f})"'), "</svg>"]
    return "\n".join(parts) + "\n"
