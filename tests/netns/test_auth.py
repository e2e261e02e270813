# SPDX-License-Identifier: MIT
"""Who gets in, and what the others learn: nothing.

    c: skcptun client (password, ticket, clock) --lnk0==== RTT 20 ms ====lnk0-- skcptun server, 10.90.0.2:4000 -> nginx :s
"""
import datetime
import random
import re
import time

import pytest
from lab import GUARD, wait_until
from link import Link
from tunnel import TICKET, URL, client, server, shifted, tunnel, wait_server, wait_session
from web import Fetch, Nginx, curl

pytestmark = pytest.mark.light

DAY = 86400


def count_attempts(t, seconds=8):
    """UDP datagrams a second from the client, once the first attempts are over."""
    time.sleep(4)
    before = t.link.stats()["a2b"]["in_udp"]
    time.sleep(seconds)
    return (t.link.stats()["a2b"]["in_udp"] - before) / seconds


def messages(process):
    """What is behind time and level in each line of a log."""
    return [re.sub(r"^\S+ \S+ +(error|warn|info|debug) +", "", line) for line in process.log().splitlines()]


def expect_silence(t):
    """The client keeps trying, within measure; the server sends not one datagram."""
    rate = count_attempts(t)
    assert 0.2 <= rate <= 1.5
    stats = t.link.stats()["b2a"]
    assert stats["in_udp"] == 0
    assert t.server.sessions() == []
    text = "\n".join(messages(t.client.process)).lower()
    assert "password" in text and "clock" in text and re.search(r"udp|firewall|blocked", text), text
    assert len(t.client.process.log().splitlines()) < 40
    assert len(t.server.process.log().splitlines()) < 40


def test_wrong_password(lab):
    t = tunnel(lab, client_options={"password": "not it"}, delay="10ms")
    expect_silence(t)


@pytest.mark.parametrize("offset", [-DAY, DAY], ids=["behind", "ahead"])
def test_clock_off_by_a_day(lab, offset):
    t = tunnel(lab, client_options={"env": shifted(lab, offset)}, delay="10ms")
    expect_silence(t)
    wrong = datetime.datetime.now() + datetime.timedelta(seconds=offset)
    utc = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    dates = {d.strftime("%Y-%m-%d") for d in (wrong, utc)}
    assert any(date in line for line in messages(t.client.process) if "clock" in line.lower() for date in dates)


@pytest.mark.parametrize("who", ["client", "server"])
def test_clock_an_hour_slow_works(lab, who):
    """At once, after a restart of the server, and for a client that starts then."""
    late = shifted(lab, -3600)
    t = tunnel(lab, client_options={"env": late if who == "client" else None},
               server_options={"env": late if who == "server" else None}, delay="10ms")
    assert curl(t.c, URL + "who", timeout=5) == "nginx"
    t.server.process.kill()
    t.server.start()
    wait_server(t.server)

    def works():
        try:
            return curl(t.c, URL + "who", timeout=3) == "nginx"
        except AssertionError:
            return False
    wait_until("works after the server's restart", works, 6)
    t.client.process.stop()
    t.client.start()
    t.client.process.wait_port(8080)
    wait_until("works for a client started after that", works, 6)


def test_wrong_ticket(lab):
    t = tunnel(lab, client_options={"ticket": "X" * 32}, server_options={"tickets": {TICKET: {"name": "good"}}},
               delay="10ms")
    assert count_attempts(t) <= 1.5
    assert "ticket" in "\n".join(messages(t.client.process)).lower()
    assert t.server.sessions() == []
    assert len(t.client.process.log().splitlines()) < 40
    client(lab, t.c, ["10.90.0.2"], role="good", listen=8081)
    assert curl(t.c, "http://127.0.0.1:8081/who", timeout=5) == "nginx"
    (session,) = t.server.sessions()
    assert session["name"] == "good"


def tickets_sent(end):
    """How often a client has proved its ticket, and sent it."""
    log = end.process.log()
    return log.count("ATTACH with a proof of our ticket"), log.count("ATTACH with our ticket itself")


def test_a_ticket_is_proved_where_the_server_has_a_table(lab):
    """And never sent to who then asks for it itself under the same password, as who poses as the server would."""
    t = tunnel(lab, client_options={"top": {"log_level": "debug"}}, server_options={"tickets": {TICKET: {"name": "good"}}},
               delay="10ms")
    assert curl(t.c, URL + "who", timeout=5) == "nginx"
    (session,) = t.server.sessions()
    assert session["name"] == "good"
    proved, sent = tickets_sent(t.client)
    assert proved >= 1 and sent == 0
    t.server.process.kill()
    other = server(lab, t.s, role="other")
    wait_until("the client says what is asked of it", lambda: "asks for the ticket itself" in t.client.process.log(), 20)
    assert other.sessions() == []
    assert tickets_sent(t.client)[1] == 0
    t.client.process.stop()
    t.client.start()  # as the line says: if that is right
    t.client.process.wait_port(8080)
    assert curl(t.c, URL + "who", timeout=5) == "nginx"
    proved, sent = tickets_sent(t.client)
    assert proved == 0 and sent >= 1


def test_any_ticket_where_none_are_listed_and_the_start_says_so(lab):
    t = tunnel(lab, client_options={"ticket": "X" * 32}, delay="10ms")
    assert curl(t.c, URL + "who", timeout=5) == "nginx"
    assert "ticket" in "\n".join(messages(t.server.process)).lower()


def test_replayed_message_1_changes_nothing(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="10ms")
    Nginx(lab, s, lab.files)
    far = server(lab, s)
    sniffer = lab.sniff(c)
    near = client(lab, c, ["10.90.0.2"])
    assert curl(c, URL + "who", timeout=5) == "nginx"
    first = next(data for _, to, data in sniffer.seen if to == 4000)
    attacker = lab.closing(c.udp(timeout=1))

    def replay():
        for _ in range(3):
            attacker.sendto(first, ("10.90.0.2", 4000))
        with pytest.raises(TimeoutError):
            attacker.recv(2048)

    cids = [session["cid"] for session in wait_session(far)]
    replay()
    assert [session["cid"] for session in far.sessions()] == cids
    assert far.status()["drops"]["replay"] >= 3
    assert curl(c, URL + "who", timeout=5) == "nginx"

    near.process.kill()
    for how in ("kill", "stop"):
        getattr(far.process, how)()
        far.start()
        wait_server(far)
        replay()
        assert far.sessions() == []


def test_junk_is_not_answered_and_harms_nobody(lab):
    t = tunnel(lab, rate=50, delay="10ms")
    name = lab.files.of(10_000_000, scaled=False)
    fetch = Fetch(lab, t.c, URL + name)
    t.link.wait_carried(1_000_000)
    rng = random.Random(5)
    attacker = lab.closing(t.c.udp(timeout=1))
    for i in range(3000):
        attacker.sendto(rng.randbytes(rng.randint(0, 1400)), ("10.90.0.2", 4000))
        if i % 20 == 0:
            time.sleep(0.005)
    with pytest.raises(TimeoutError):
        attacker.recv(2048)
    fetch.expect(lab.files, name)
    drops = t.server.status()["drops"]
    assert drops["auth"] + drops["malformed"] >= 2000
    assert len(t.server.process.log().splitlines()) < 60


def test_recorded_session_replayed_changes_nothing(lab):
    """Every datagram of a client, transport packets and all, sent again from another port."""
    t = tunnel(lab, delay="10ms")
    sniffer = lab.sniff(t.c)
    name = lab.files.of(300_000, scaled=False)
    Fetch(lab, t.c, URL + name).expect(lab.files, name)
    recorded = [data for _, to, data in sniffer.seen if to == 4000]
    peers = [session["peer"] for session in t.server.sessions()]
    attacker = lab.closing(t.c.udp(timeout=1))
    for data in recorded:
        attacker.sendto(data, ("10.90.0.2", 4000))
    with pytest.raises(TimeoutError):
        attacker.recv(2048)
    assert [session["peer"] for session in t.server.sessions()] == peers
    assert curl(t.c, URL + "who", timeout=5 * GUARD) == "nginx"
