#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which part of the lines of src/ the tests of a build with SKT_COVERAGE have run.

    coverage.py BUILD [--list FILE...] [--at-least LAYER=PERCENT...]

A line for each layer, one for each file that has less than 90 % of its lines run. --list: the lines of these files (parts of
their paths) that nothing ran. --at-least fails where a layer has less. Needs gcov of the compiler that built (GCOV).
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LITTLE = 90


def read(build):
    """{file below src: {line: how often}}: the most of all objects that hold the line."""
    counted = collections.defaultdict(dict)
    data = [str(path) for path in pathlib.Path(build).resolve().rglob("*.gcda")]
    if not data:
        sys.exit(f"{build}: no *.gcda, so nothing was run that counts")
    gcov = shlex.split(os.environ.get("GCOV", "gcov"))
    for at in range(0, len(data), 50):
        out = subprocess.run([*gcov, "--json-format", "--stdout", *data[at:at + 50]], cwd=build, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if out.returncode != 0 or "mismatch" in out.stderr:
            sys.exit(f"{out.stderr}{gcov[0]} fails: was something compiled again after the tests?")
        for text in out.stdout.splitlines():
            if not text.startswith("{"):
                continue
            report = json.loads(text)
            for file in report["files"]:
                path = pathlib.Path(report["current_working_directory"], file["file"]).resolve()
                if ROOT / "src" not in path.parents:
                    continue
                lines = counted[str(path.relative_to(ROOT / "src"))]
                for line in file["lines"]:
                    number = line["line_number"]
                    lines[number] = max(lines.get(number, 0), line["count"])
    return counted


def share(files):
    run = sum(count > 0 for lines in files for count in lines.values())
    return run, sum(map(len, files))


def ranges(numbers):
    """1, 2, 3, 7 as 1-3, 7."""
    spans = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in spans)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--list", nargs="+", default=[])
    parser.add_argument("--at-least", nargs="+", default=[])
    options = parser.parse_args()
    counted = read(options.build)
    layers = collections.defaultdict(list)
    for name, lines in counted.items():
        layers[name.split("/")[0] if "/" in name else "(main)"].append(lines)
    for name, lines in sorted(counted.items()):
        run, of = share([lines])
        if of and 100 * run < LITTLE * of:
            print(f"  {name:40} {100 * run / of:5.1f} % of {of} lines")
        if any(part in name for part in options.list):
            print(f"    never run: {ranges(n for n, count in lines.items() if count == 0)}")
    percent = {}
    for layer, files in sorted(layers.items()):
        run, of = share(files)
        percent[layer] = 100 * run / max(of, 1)
        print(f"{layer:10} {percent[layer]:5.1f} % of {of} lines")
    run, of = share(counted.values())
    print(f"{'all':10} {100 * run / of:5.1f} % of {of} lines")
    failed = False
    for wish in options.at_least:
        layer, least = re.fullmatch(r"(\w+)=(\d+)", wish).groups()
        if percent.get(layer, 0) < float(least):
            print(f"{layer}: less than {least} %")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
