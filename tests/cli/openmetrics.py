# SPDX-License-Identifier: MIT
"""A strict reader of OpenMetrics text 1.0.0, written from the specification, for what the program writes."""
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
TYPES = {"counter": ["_total"], "gauge": [""]}


def labels_of(text, line):
    found, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match, line
        assert match[1] not in found, line
        found[match[1]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])
        at = match.end()
        if at < len(text):
            assert text[at] == ",", line
            at += 1
    return found


def parse(text):
    """{(sample's name, sorted labels): value}; fails at whatever the specification does not allow."""
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1
    samples, seen, family, meta = {}, set(), None, {}
    for line in text.split("\n")[:-2]:
        assert line and line == line.strip(), repr(line)
        if line.startswith("# "):
            what, name, rest = line[2:].split(" ", 2)
            assert what in ("TYPE", "HELP", "UNIT") and NAME.fullmatch(name), line
            if name != family:
                assert name not in seen, f"{name} is in two places"
                assert family is None or meta["samples"] > 0, f"{family} has no sample"
                seen.add(name)
                family, meta = name, {"samples": 0}
            assert what not in meta and meta["samples"] == 0, line
            meta[what] = rest
            if what == "TYPE":
                assert rest in TYPES, line
                assert not name.endswith(("_total", "_created", "_bucket", "_count", "_sum", "_info")) or rest == "gauge"
            if what == "UNIT":
                assert name.endswith("_" + rest), line
            continue
        match = re.fullmatch(r"([^{ ]+)(?:\{(.*)\})? (\S+)", line)
        assert match and NUMBER.fullmatch(match[3]), line
        assert family and {"TYPE", "HELP"} <= set(meta), line
        assert match[1] in [family + suffix for suffix in TYPES[meta["TYPE"]]], f"{line}: not of {family}"
        key = (match[1], tuple(sorted(labels_of(match[2] or "", line).items())))
        assert key not in samples, f"{line}: twice"
        samples[key] = float(match[3])
        assert meta["TYPE"] != "counter" or samples[key] >= 0, line
        meta["samples"] += 1
    # A family's name with a suffix must not be another family's.
    for name in seen:
        assert not any(name + suffix in seen for suffix in ("_total", "_created", "_info")), name
    return samples


def counters(samples):
    return {key: value for key, value in samples.items() if key[0].endswith("_total")}
