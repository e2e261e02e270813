# SPDX-License-Identifier: MIT
"""A client with good keys and bad manners beside an honest one. What each case does: skt-attack without arguments."""
import datetime
import os
import re
import time

import pytest
from arena import FORGED_MAX, KEEPALIVE, MANY_KEYS, SECONDS, Attack, check
from lab import INSTRUMENTED, PATIENCE, wait_until

REKEY_S = 120
# How long the floods last beside which keys get old: once, by default.
FLOOD_SECONDS = float(os.environ.get("SKT_ATTACK_FLOOD_SECONDS", "140"))
GIGABIT = 104000  # packets of 1200 bytes a second
# What takes longer than all the others together only at length.
long = pytest.mark.skipif(SECONDS < 2, reason="short run")


def case(name, *marks, kind="proxy", limits=None, **params):
    return pytest.param(name, kind, params, limits or {}, marks=marks, id=name)



CASES = [
    case("junk", rate=GIGABIT, limits={"reached": False}),
    case("msg1", rate=2000, limits={"reached": False}),
    case("halves", rate=1000, limits={"reached": False}),
    case("tickets", rate=500, limits={"reached": False}),
    case("ticket-again", rate=2000),
    case("reconnects", rate=200, limits={"reached": False}),
    case("lies", rate=200, limits={"reached": False}),
    case("replay", rate=2000, sources=100, limits={"forged_per_s": 0}),
    case("msg1-both", rate=200, sources=100, limits={"reached": False, "forged_per_s": 0}),
    case("attach-elsewhere", rate=3, sources=10),
    case("roam", rate=1000, sources=FORGED_MAX,
         limits={"forged_per_s": 3000}),
    case("roam-small", rate=200, sources=1),
    case("responses", rate=1000, sources=100),
    case("headers", rate=100000, seconds=0.8),
    case("half-open", rate=100000),
    case("fin-header", rate=30000),
    case("holes", rate=10000),
    case("unread", rate=1000),
    case("stuck", rate=20000),
    case("disorder", rate=20000),
    case("bytes", rate=50000),
    case("connections", rate=1000, count=300),
    case("open-reset", rate=5000),
    case("resets", rate=20000),
    case("big-control", rate=20),
    case("big-messages", rate=20),
    case("ack-steps", rate=1000),
    case("acks-unsent", rate=5000),
    case("una-ahead", rate=500),
    case("windows", rate=2000),
    case("reports", rate=5000),
    case("pings", rate=2000),
    case("ping", rate=5000),
    case("probes", rate=5000),
    case("attaches", rate=2000),
    case("server-frames", rate=2000),
    case("parity", rate=5000),
    case("any", rate=5000),
    case("tun-malformed", kind="tun", rate=3000, mode="tun", tun_ip="10.95.0.3"),
    case("tun-foreign", kind="tun", rate=3000, mode="tun", tun_ip="10.95.0.3"),
    case("tun-pieces", kind="tun", rate=30, mode="tun", tun_ip="10.95.0.3"),
    case("addresses", kind="relay", rate=20000, mode="tun", tun_ip="10.95.0.3"),
]

# What an arena has beside what its mode needs.
FIELDS = {"relay": {"mode": "tun", "relay_tcp": True}}


@pytest.mark.parametrize("name, kind, params, limits", CASES)
def test_attack(arena, name, kind, params, limits):
    check(arena(kind, **FIELDS.get(kind, {"mode": kind})).attack(name, **params), **limits)


def test_junk_with_many_keys(arena):
    check(arena("keys", entry=MANY_KEYS).attack("junk", rate=GIGABIT), reached=False)


def test_no_forbidden_address_is_reached(arena):
    """A target listens on each address of the server's. And with one of them allowed that one is: the attack can tell."""
    place = arena("relay", **FIELDS["relay"])
    got = place.attack("ask-addresses", rate=200, seconds=1, mode="tun", tun_ip="10.95.0.3")
    check(got)
    assert got.units >= 60 and got.answered == 0  # each place, more than once
    place = arena("allowed", mode="tun", relay_tcp={"allow": ["10.91.0.2:80"]})
    got = place.attack("ask-addresses", rate=200, seconds=1, mode="tun", tun_ip="10.95.0.3")
    assert got.answered > 0


def served_beside(place, attack, most_s=10):
    """While the attack is on: a new client gets in, and one that was killed comes back."""
    time.sleep(1)
    took = place.newcomer()
    place.lab.note(f"{attack.name:17} a new client's first request took {took:.1f} s")
    assert attack.answer is None, "the attack was over before"
    attack.process.kill()
    assert took < most_s * PATIENCE


@pytest.mark.parametrize("name, params", [("msg1", {"rate": 2000}), ("msg1", {"rate": 2000, "sources": FORGED_MAX}),
                                          ("halves", {"rate": 1000})], ids=["msg1", "msg1-forged", "halves"])
def test_newcomers(arena, name, params):
    place = arena()
    served_beside(place, Attack(place, name, seconds=30, **params))


def test_sessions_of_one_ticket(arena):
    place = arena("few", entry={"skcp_max_conn_cnt": 16})
    attack = Attack(place, "sessions", rate=200, count=64)
    attack.wait(5)
    assert place.newcomer() < 10 * PATIENCE
    attack.end()


def test_descriptors(arena):
    place = arena("narrow", descriptors=100)
    attack = Attack(place, "connections", rate=1000, seconds=20)
    time.sleep(0.5)
    place.user.mark()
    begin = place.cpu()
    assert place.newcomer() < 10 * PATIENCE
    used = place.cpu() - begin
    seen = place.user.mark()
    assert seen["lost"] == 0 and seen["connect_ms"]
    attack.process.kill()
    assert used < 5 * PATIENCE


def test_killed_client_comes_back_where_sessions_are_full(arena):
    place = arena("full", entry={"skcp_max_conn_cnt": 1, "skcp_keepalive": 60})
    place.client.process.kill()
    place.client.start()
    place.client.process.wait_port(8080)
    place.ask(8080, 10)


def test_stamps_from_the_future_keep_nobody_out(arena):
    """Two hours ahead less a minute is still within the window: and yet the present is, too, also after a restart."""
    place = arena("future")
    place.attack("msg1-future", rate=500)
    assert place.newcomer() < 10 * PATIENCE
    place.server.process.stop()
    place.server.start()
    assert place.newcomer() < 10 * PATIENCE


@pytest.mark.parametrize("sources", [0, FORGED_MAX], ids=["one", "forged"])
def test_back_after_an_outage(arena, sources):
    """A client that was in, and heard nothing for 3 s, while messages 1 come."""
    place = arena("outage")
    attack = Attack(place, "msg1", rate=2000, seconds=30, sources=sources)
    time.sleep(1)
    place.link.set(down=1)
    time.sleep(3)
    place.link.set(down=0)
    begin = time.monotonic()
    place.ask(8080, 8)
    took = time.monotonic() - begin
    place.lab.note(f"{'msg1':17} a client that was in was back after {took:.1f} s")
    attack.process.kill()
    assert took < 5 * PATIENCE


@long
def test_what_a_killed_attacker_held_is_gone(arena):
    place = arena("killed")
    base = place.baseline().rss
    attack = Attack(place, "unread", rate=1000, count=500, seconds=3)
    attack.wait(10)
    attack.process.kill()
    wait_until("its session is gone", lambda: not place.left(), KEEPALIVE + 3)
    time.sleep(2)
    assert INSTRUMENTED or place.rss() < base + (16 << 20)


def rekeyings(end):
    """Of a client: seconds from each set of keys to the next one, by its own log. The server's would not do: what it has to
    say of a flood leaves no room for more."""
    times = [datetime.datetime.fromisoformat(m[1]).timestamp()
             for m in re.finditer(r"^(\S+ \S+) \w+ +(?:session \d+ is up|.* has new keys)", end.process.log(), re.M)]
    return [after - before for before, after in zip(times, times[1:])]


@pytest.mark.slow
@pytest.mark.parametrize("name, sources", [("msg1", 0), ("msg1", FORGED_MAX), ("halves", 0)], ids=["one", "forged", "halves"])
def test_new_keys_on_time(arena, name, sources):
    """Sessions get two minutes old, once or more often, while messages 1 come."""
    place = arena("keys", log_level="debug")
    attack = Attack(place, name, rate=5000, seconds=FLOOD_SECONDS, sources=sources)
    place.user.mark()
    cpu, begin = place.cpu(), time.monotonic()
    wanted = int(FLOOD_SECONDS - 10) // REKEY_S
    wait_until("new keys", lambda: len(rekeyings(place.client)) >= wanted or attack.answer, FLOOD_SECONDS, 1)
    assert attack.answer is None, "the attack was over before"
    got = attack.wait(60)
    seen, took = place.user.mark(), time.monotonic() - begin
    place.lab.note(f"{name:17} {got.units / got.took:8.0f}/s for {took:.0f} s  new keys after "
                   f"{', '.join(f'{s:.0f}' for s in rekeyings(place.client))} s  {seen['mbit']:.0f} Mbit/s, ask {seen['ask_ms']}  cpu "
                   f"{(place.cpu() - cpu) / took:.2f}  rss {place.rss() / 2**20:.0f} MiB  lost {seen['lost']}")
    attack.end()
    assert seen["lost"] == 0
    assert max(rekeyings(place.client)) < 1.1 * REKEY_S
