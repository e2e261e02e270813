# SPDX-License-Identifier: MIT
"""Large numbers without bad intent: a thousand sessions on one server, a replay cache that is full."""
import os
import struct
import time

import pytest
from arena import MAX_MEMORY, SECONDS, TICKS, Attack
from lab import INSTRUMENTED, PATIENCE, wait_until

long = pytest.mark.skipif(SECONDS < 2, reason="short run")
SESSIONS, FIRST = 1000, 200
SESSION_BYTES = 8192
STAMPS = 1 << 20
# Of a replay cache's file: before the records, and one of them (src/tunnel/stampfile.c).
STAMP_HEADER = 120


def idle_cost(place, seconds=2):
    """CPU time and wake-ups of the server, a second."""
    def wakeups():
        with open(f"/proc/{place.server.process.pid}/status", encoding="ascii") as status:
            return next(int(row.split()[1]) for row in status if row.startswith("voluntary_ctxt_switches"))
    cpu, woken, begin = place.cpu(), wakeups(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    return (place.cpu() - cpu) / took, (wakeups() - woken) / took


@long
def test_a_thousand_sessions(arena):
    """Each asks once and is answered; then they are idle, and then gone."""
    place = arena("crowd", honest=False, entry={"skcp_max_conn_cnt": SESSIONS + 10, "skcp_keepalive": 60})
    first, more = FIRST, SESSIONS - FIRST  # what the first ones cost is for all
    crowds, resident = [], []
    for count in (first, more):
        crowds.append(Attack(place, "crowd", rate=100, count=count, seconds=60))
        got = crowds[-1].wait(120)
        assert (got.sessions, got.answered, got.refused) == (count, count, 0)
        time.sleep(1)
        resident.append(place.rss())
    up = [s for s in place.server.sessions() if s["state"] == "up"]
    assert len(up) == SESSIONS
    assert all(s["streams"] == 0 for s in up)
    each = (resident[1] - resident[0]) / more
    cpu, woken = idle_cost(place)
    for crowd in crowds:
        crowd.end()
    wait_until("all are gone", lambda: not place.left(), 10, 0.2)
    place.lab.note(f"{SESSIONS} sessions: {each:.0f} bytes each, idle {cpu:.3f} cores and {woken:.0f} wake-ups a second; resident "
                   f"{resident[1] / 2**20:.1f} MiB, {place.rss() / 2**20:.1f} after them")
    if INSTRUMENTED:
        return
    assert each < SESSION_BYTES
    assert cpu < 0.2  # keepalives, one of each session in 20 s
    assert resident[1] < MAX_MEMORY


@long
def test_full_replay_cache(arena):
    """As many stamps as there may be, of the last two hours: the server starts, and everybody gets in."""
    place = arena("stamps", honest=False, memory="256M")
    assert place.newcomer() < 10 * PATIENCE
    place.server.process.stop()
    (file,) = place.lab.dir.glob("*.stamps")
    now, noise = int(time.time()), os.urandom(10 * STAMPS)
    with open(file, "ab") as out:
        assert (out.tell() - STAMP_HEADER) % 16 == 0
        held = (out.tell() - STAMP_HEADER) // 16
        for i in range(STAMPS - held):
            out.write(noise[10 * i:10 * i + 10] + struct.pack("<HI", i % 1024, now - 150 - i % 7000))
    place.server.start()
    place.server.process.wait_port(4000, "udp")
    cpu = place.cpu()
    assert file.stat().st_size == STAMP_HEADER + 16 * STAMPS
    assert place.newcomer() < 10 * PATIENCE
    assert place.newcomer() < 10 * PATIENCE
    place.lab.note(f"{STAMPS} stamps: up after {cpu:.2f} s of CPU time (ticks of {1 / TICKS:.2f} s), {place.rss() / 2**20:.0f} MiB")
    assert cpu < 2 * PATIENCE
