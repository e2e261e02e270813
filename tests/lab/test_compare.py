# SPDX-License-Identifier: MIT
"""What lab/compare makes of its numbers; nothing is measured here."""
import json
import math
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / "tests/netns")]

import compare_bench  # noqa: E402
import compare_burst  # noqa: E402
import compare_links  # noqa: E402
import compare_packets  # noqa: E402
import compare_plots  # noqa: E402
import compare_report  # noqa: E402
import compare_rows  # noqa: E402
import compare_share  # noqa: E402
import compare_svg  # noqa: E402
import compare_tables as tables  # noqa: E402
from compare_digest import digest, percentile  # noqa: E402
from compare_peers import PEERS  # noqa: E402


@pytest.mark.parametrize("share, expected", [(0.5, 50), (0.99, 99), (0.999, 100), (1, 100), (0.001, 1)])
def test_percentile_is_the_nearest_rank(share, expected):
    assert percentile(list(range(1, 101)), share) == expected


def test_what_was_never_answered_is_slower_than_all():
    got = digest([1000, 2000, 3000, None])
    assert (got["unanswered"], got["p50"], got["p99"], got["max"]) == (1, 2, None, None)
    assert all(ms < math.inf for _, ms in got["grid"])
    assert digest([None, None]) == {"n": 2, "unanswered": 2}


@pytest.mark.parametrize("numbers, expected", [
    ([1.0], "1.00"), ([1, 2, 4], "2.00 (1.00–4.00)"), ([2, 2], "2.00"), ([1, 2, None], "1.50 (1.00–never)"),
    ([1, None, None], "never (1.00–never)"), ([None], "never"), ([], "failed")])
def test_a_cell_has_median_and_spread(numbers, expected):
    assert tables.cell(numbers) == expected


def test_a_verdict_says_by_how_much():
    assert tables.verdict("x", 85, 86.5, "{:.1f}", True)[-1] == "reached"
    assert tables.verdict("x", 85, 80, "{:.1f}", True)[-1] == "missed by 5.0"
    assert tables.verdict("x", 30, 31, "{:+.0f}", False)[-1] == "missed by 1"
    assert tables.verdict("x", 30, None, "{:.0f}", False)[2:] == ["no number", "missed"]


@pytest.mark.parametrize("low, high", [(0, 100), (1, 1.24), (-81, 375), (0, 0.3), (150, 151)])
def test_ticks_cover_the_range(low, high):
    ticks = compare_svg.nice_ticks(low, high)
    assert ticks[0] <= low and ticks[-1] >= high and 2 <= len(ticks) <= 9


def shared(flow, beside, *shares):
    return [{"peer": flow, "beside": beside, "seed": seed, "mbit": 50 * s, "mbit_beside": 50 * (1 - s), "share": s}
            for seed, s in enumerate(shares)]


def test_sharing_is_judged_by_the_smaller_side_and_cubics_own():
    part = {"meta": {"labels": {"skcptun": ("turbo", "red"), "skcptun-normal": ("normal", "blue")}},
            "results": shared("skcptun", "cubic", 0.7, 0.8, 0.6) + shared("skcptun", "bbr", 0.2) +
            shared("skcptun-normal", "cubic", 0.5, 0.6)}
    got = [line[2:] for line in compare_share.share_verdicts(part)]
    assert got == [["30", "reached"], ["20", "missed by 5"], ["45", "reached"]]
    assert "| turbo | kernel TCP, CUBIC | 35.0 (30.0–40.0) | 15.0 (10.0–20.0) | 70%, 80%, 60% |" in compare_share.share_table(part)


LABELS = {"skcptun": ("turbo", "red"), "tcp-bbr": ("BBR", "blue")}


def over_line(line, peer, seed, mbit, mean, p99, waste):
    return {"line": line.name, "peer": peer, "seed": seed, "mbit": mbit, "capacity_mbit": 10, "share": mbit / 10,
            "thin": {"avg": mean, "p50": mean, "p99": p99}, "waste": waste}


def test_links_are_judged_beside_bbr_of_the_same_run():
    traced, far = compare_links.LINES[0], compare_links.LINES[-1]
    part = {"meta": {"labels": LABELS}, "results": [
        over_line(traced, "skcptun", 1, 9, 100, 800, 1.05), over_line(traced, "tcp-bbr", 1, 8, 200, 900, 1.04),
        over_line(traced, "skcptun", 3, 4, 100, 200, 1.2), over_line(traced, "tcp-bbr", 3, 8, 200, 400, 1.04),
        over_line(traced, "skcptun", 5, 9, 100, None, 1.05), over_line(traced, "tcp-bbr", 5, 8, 200, 400, 1.04),
        over_line(far, "skcptun", 1, 300, 1, 1, 9), over_line(far, "tcp-bbr", 1, 200, 9, 9, 1)]}
    got = [line[2:] for line in compare_links.links_verdicts(part)]
    # 9 of 8, 4 of 8, 9 of 8; 0.5 three times; 800 of 900, 200 of 400, never; the far line's payload only.
    assert got == [["1.12", "reached"], ["0.50", "reached"], ["0.69", "reached"], ["1.050", "reached"], ["1.50", "reached"]]
    text = compare_links.links_table(part)
    assert "it could carry 10.0 Mbit/s:" in text and "| BBR | 8.0 | 80 | 200 | 200 | 400 (400–900) | 1.040 |" in text
    assert "| turbo | 300.0 | 3000 | 1 | 1 | 1 | 9.000 |" in text


def test_links_without_recordings_are_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(compare_links, "TRACES", tmp_path)
    have = [line.name for line in compare_links.LINES if compare_links.settings(line, 11)]
    assert len(have) == 2 and not any("LTE" in name for name in have)
    for end in ("down", "up"):
        (tmp_path / f"Verizon-LTE-short.{end}").write_text("1\n")
    link = compare_links.settings(compare_links.LINES[2], 11)
    assert (link["b2a_trace"], link["queue_bytes"]) == (tmp_path / "Verizon-LTE-short.down", 400000)


def test_small_messages_have_targets_and_a_mark():
    results = [{"peer": "skcptun", "seed": 1, "us": 70.4, "p99_us": 100}, {"peer": "shadowsocks", "seed": 1, "us": 80, "p99_us": 90},
               {"peer": "skcptun-tun", "seed": 1, "us": 130, "p99_us": 200, "pps": 90000, "offered": 170000}]
    part = {"meta": {"labels": LABELS}, "results": results}
    assert [line[1:] for line in compare_packets.latency_verdicts(part)] == [["80", "70", "reached"], ["120", "130", "missed by 10"]]
    assert compare_packets.pps_verdicts({**part, "results": results[2:]})[0][1:] == ["120000", "90000", "missed by 30000"]
    assert "| turbo | 70 | 100 |" in compare_packets.latency_table({**part, "results": results[:2]})


def test_slow_peers_run_together_fast_ones_alone():
    peers = [p for p in PEERS if "bulk" in p.rows]
    made = compare_bench.batches(peers)
    assert sorted(p.name for batch in made for p in batch) == sorted(p.name for p in peers)
    assert all(len(batch) == 1 or all(p.slow_when_lossy for p in batch) for batch in made)
    assert ["skcptun"] in [[p.name for p in batch] for batch in made]


def test_peers_are_in_known_rows_under_names_of_their_own():
    assert len({p.name for p in PEERS}) == len(PEERS)
    assert all(p.rows and set(p.rows) <= set(tables.ROWS) for p in PEERS)
    assert {pair.flow for pair in compare_share.PAIRS} == {p.name for p in PEERS if "share" in p.rows}


def part_of(seed, date, revision="r1"):
    return {"meta": {"date": date, "revision": revision, "quick": False, "skipped": {}, "settings": {"a": "s"},
                     "labels": {"a": ("A", "red")}}, "results": [{"peer": "a", "seed": seed}]}


def test_more_seeds_go_beside_the_ones_there():
    whole = compare_rows.merge(compare_rows.merge(None, part_of(11, "Monday")), part_of(13, "Tuesday"))
    assert [r["seed"] for r in whole["results"]] == [11, 13]
    assert (whole["meta"]["date"], whole["meta"]["revision"]) == ("Monday, Tuesday", "r1")


def round_trips(peer, loss):
    return {"peer": peer, "loss": loss, "seed": 11, "load": 0.1, "cpu_busy": 0.2, "waste": 1.5,
            "rtt": digest([160000 + 1000 * i for i in range(100)])}


def test_a_report_takes_the_place_of_the_old_one(tmp_path):
    rows = {"burst": part_of(11, "Monday")}
    rows["burst"]["meta"] |= {"machine": {"cpu": "x", "cores": 2, "kernel": "6", "memory_gb": 1}}
    rows["burst"]["results"] = [round_trips("a", loss) for loss in compare_burst.LOSSES]
    (tmp_path / "burst.json").write_text(json.dumps(rows["burst"]))
    page = tmp_path / "performance.md"
    page.write_text("<!-- compare:burst -->\nold\n<!-- compare:end -->\nkept\n<!-- compare:up -->\nup\n<!-- compare:end -->\n")
    compare_report.write_doc(tmp_path, tmp_path)
    text = page.read_text()
    assert "old" not in text and "| A | 209 | 254 | 258 | 1.50 |" in text and "kept" in text and "\nup\n" in text
    assert (tmp_path / "img/burst-24.svg").read_text().startswith("<svg")
    assert set(compare_plots.all_plots(rows)) == {"burst-24", "burst-50"}


def test_a_part_of_the_rows_leaves_the_lines_of_others(tmp_path):
    part = part_of(11, "Monday")
    part["meta"] |= {"machine": {"cpu": "x", "cores": 2, "kernel": "6", "memory_gb": 1}}
    part["results"] = [{"peer": "skcptun-tun", "seed": 11, "pps": 130000, "offered": 200000, "cpu_busy": 0.9, "load": 1}]
    (tmp_path / "pps.json").write_text(json.dumps(part))
    head = "| skcptun turbo, median of the seeds | must reach | reached |  |\n| --- | ---: | ---: | ---: |\n"
    name = "UDP of 100 bytes through the TUN, packets a second delivered"
    page = tmp_path / "performance.md"
    page.write_text(f"<!-- compare:targets -->\n\n{head}| bulk | 85 | 86 | reached |\n| {name} | 120000 | 9 | missed |\n\n"
                    "<!-- compare:end -->\n<!-- compare:conditions -->\n\n- `bulk`: Sunday\n- `pps`: Sunday\n- B: `t`\n\n"
                    "<!-- compare:end -->\n")
    compare_report.write_doc(tmp_path, tmp_path)
    text = page.read_text()
    assert f"{head}| bulk | 85 | 86 | reached |\n| {name} | 120000 | 130000 | reached |\n" in text
    assert "- `bulk`: Sunday\n- B: `t`\n- `pps`: Monday" in text and text.count("`pps`") == 1 and "- A: `s`" in text


def test_revision_where_there_is_no_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compare_rows.revision(tmp_path) == "unknown"
    (tmp_path / "revision").write_text("v1\n", encoding="ascii")
    assert compare_rows.revision(tmp_path) == "v1"
