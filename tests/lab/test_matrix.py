# SPDX-License-Identifier: MIT
"""lab/matrix: its table and its floors, from two cells of which one is run here."""
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("SKT_BUILD", ROOT / "build")) / "tests/sim_matrix"

loader = importlib.machinery.SourceFileLoader("lab_matrix", str(ROOT / "lab/matrix"))
matrix = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab_matrix", loader))
loader.exec_module(matrix)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip("sim_matrix was not built")
    out = tmp_path_factory.mktemp("matrix") / "cells.csv"
    subprocess.run([sys.executable, ROOT / "lab/matrix", "--build", PROGRAM.parents[1], "--seeds", "1", "--links", "clean,64k",
                    "--histories", "cold", "--csv", out], check=True, capture_output=True, timeout=600)
    text = out.read_text(encoding="utf-8")
    return list(matrix.csv.DictReader(text.splitlines()))


def test_the_worst_come_first(rows):
    assert len(rows) == 8 and {row["link"] for row in rows} == {"clean", "64k"}
    lines = [line for line in matrix.table(rows) if line.startswith(("| clean, ", "| 64k, "))]
    scores = [float(line.split("|")[3].split()[0]) for line in lines]
    assert len(scores) == 8 and scores == sorted(scores)
    assert any(line.startswith("| clean | ") and line.count("/") == 3 for line in matrix.table(rows))


def test_no_cell_falls_below_floors_made_of_itself(rows, tmp_path, monkeypatch):
    floors = tmp_path / "floors.csv"
    monkeypatch.setattr(matrix, "FLOORS", floors)
    matrix.write_floors(rows)
    check = [PROGRAM, "--mode", "all", "--floors", floors]
    env = dict(os.environ, SKT_FULL="1")
    done = subprocess.run(check, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0 and "0 fell below" in done.stdout, done.stdout + done.stderr

    lines = floors.read_text().splitlines()
    cell = lines[1].split(",")
    floors.write_text("\n".join([lines[0], ",".join(cell[:4] + ["100.5", cell[5], cell[6]])] + lines[2:]) + "\n")
    done = subprocess.run(check, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1 and "1 fell below" in done.stdout

    floors.write_text(lines[0] + "\nclean,never,tcp,turbo,1,1,1\n")
    done = subprocess.run(check, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1 and "line 2: no such cell" in done.stderr
