# SPDX-License-Identifier: MIT
"""What it costs the server to turn away, and to let in. Bounds are wide; the figures are printed.

Time is the process's CPU time, kernel included; instructions are those of the program alone, counted by valgrind as the
difference of two runs.
"""
import re
import shutil

import pytest
from arena import MANY_KEYS, SECONDS, Attack
from lab import INSTRUMENTED

pytestmark = pytest.mark.skipif(SECONDS < 2 or INSTRUMENTED, reason="short run, or instrumented")

# Case, settings, the most CPU time of one, us.
COSTS = [
    ("junk", {"rate": 50000}, 20),
    ("replay", {"rate": 20000}, 40),
    ("msg1", {"rate": 2000}, 500),
    ("tickets", {"rate": 1000}, 1000),
    ("reconnects", {"rate": 500}, 2000),
]


@pytest.mark.parametrize("name, params, most_us", COSTS, ids=[c[0] for c in COSTS])
def test_time(arena, name, params, most_us):
    # Whole sessions are made where no flood has left half ones that keep them out.
    place = arena("cost-whole" if name == "reconnects" else "cost", honest=False)
    each, units, up = place.cost(name, seconds=SECONDS, **params)
    place.lab.note(f"{name:17} {each * 1e6:6.1f} us of CPU time each ({units}), {1 / max(each, 1e-9):.0f} a second on one core")
    assert each * 1e6 < most_us
    assert name != "reconnects" or up > units / 10, "not whole ones"


def test_time_of_junk_with_many_keys(arena):
    place = arena("cost-keys", honest=False, entry=MANY_KEYS)
    each, units, _ = place.cost("junk", seconds=SECONDS, rate=50000)
    place.lab.note(f"junk, nine keys   {each * 1e6:6.1f} us of CPU time each ({units})")
    assert each * 1e6 < 20


def instructions(arenas, name, count, rate):
    place = arenas.get(f"callgrind-{name}-{count}", honest=False, wrap=[
        "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=callgrind.log"])
    attack = Attack(place, name, count=count, rate=rate, seconds=60)
    attack.wait(60)
    attack.end()
    place.server.process.stop()
    text = (place.lab.dir / "callgrind.log").read_text()
    arenas.drop(f"callgrind-{name}-{count}")
    return int(re.search(r"Collected : (\d+)", text)[1])


@pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind")
@pytest.mark.parametrize("name, few, many, rate", [("junk", 1000, 6000, 2000), ("replay", 1000, 6000, 2000), ("msg1", 50, 250, 50)],
                         ids=["junk", "replay", "msg1"])
def test_instructions(arenas, name, few, many, rate):
    each = (instructions(arenas, name, many, rate) - instructions(arenas, name, few, rate)) / (many - few)
    arenas.notes.append(f"{name:17} {each:.0f} instructions each")
    assert each > 0
