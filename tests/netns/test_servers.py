# SPDX-License-Identifier: MIT
"""Servers that die and come back, several servers, ports and targets.

    c: curl -> 127.0.0.1:808x skcptun --lnk0==== 10.90.0.0/24 ====lnk0-- skcptun -> nginx "one" :s
                                      --lnk1==== 10.91.0.0/24 ====lnk0-- skcptun -> nginx "two" :s2
"""
import os
import signal
import stat
import time

import pytest
from lab import GUARD, wait_until
from link import Link
from names import Etc, Names
from tunnel import TICKET, URL, client, server, tunnel, wait_server, wait_session
from web import Fetch, Nginx, curl

pytestmark = pytest.mark.light


def served(ns, port=8080, limit=2):
    """The first server that answers a new connection, if one does."""
    try:
        return curl(ns, f"http://127.0.0.1:{port}/who", timeout=limit)
    except AssertionError:
        return None


def expect_reset(sock, timeout):
    sock.settimeout(timeout * GUARD)
    with pytest.raises(ConnectionResetError):
        while sock.recv(1 << 16):
            pass


def test_server_killed_and_restarted(lab):
    t = tunnel(lab, rate=50, delay="10ms")
    name = lab.files.of(60_000_000, scaled=False)
    busy = lab.closing(t.c.connect(8080))
    busy.sendall(f"GET /{name} HTTP/1.0\r\n\r\n".encode())
    assert busy.recv(100)
    idle = lab.closing(t.c.connect(8080))
    idle.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"nginx" in idle.recv(1000)
    t.server.process.kill()
    time.sleep(1)
    t.server.start()
    wait_server(t.server)
    began = time.monotonic()
    wait_until("new connections work", lambda: served(t.c), 5)
    back = time.monotonic() - began
    expect_reset(busy, 5)
    expect_reset(idle, 5)
    lab.note(f"server restarted: a new connection worked after {back:.1f} s")


def test_server_restarted_while_all_is_idle(lab):
    t = tunnel(lab, rate=50, delay="10ms")
    assert served(t.c) == "nginx"
    t.server.process.kill()
    t.server.start()
    wait_server(t.server)
    began = time.monotonic()
    wait_until("new connections work", lambda: served(t.c, limit=5), 5)
    assert time.monotonic() - began < 5 * GUARD


def test_connection_waits_for_a_server_that_comes_up(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="10ms")
    Nginx(lab, s, lab.files)
    client(lab, c, ["10.90.0.2"])
    fetch = Fetch(lab, c, URL + "who")
    time.sleep(4)
    assert fetch.running()
    server(lab, s)
    assert fetch.finish()[0] == 0


def test_connection_is_reset_after_10_s_without_a_server(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="10ms")
    client(lab, c, ["10.90.0.2"])
    waiting = lab.closing(c.connect(8080))
    began = time.monotonic()
    expect_reset(waiting, 15)
    assert 9 < time.monotonic() - began < 12 * GUARD


def two_servers(lab):
    c, s, s2 = lab.netns("c"), lab.netns("s"), lab.netns("t")
    links = [Link(lab, c, s, delay="5ms"), Link(lab, c, s2, net="10.91.0", device="lnk1", delay="40ms")]
    ends = []
    for ns, who in ((s, "one"), (s2, "two")):
        Nginx(lab, ns, lab.files, who=who)
        ends.append(server(lab, ns, role=who))
    # The farther one first in the list: the choice is by round trip, not by place.
    near = client(lab, c, ["10.91.0.2", "10.90.0.2"])
    wait_session(near, 2)
    return c, near, links, ends


def test_first_of_two_servers_dies(lab):
    c, _, _, ends = two_servers(lab)
    wait_until("the nearer one is used", lambda: served(c) == "one", 15, 0.5)
    open_one = lab.closing(c.connect(8080))
    open_one.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"one" in open_one.recv(1000)
    ends[0].process.kill()
    time.sleep(3)
    began = time.monotonic()
    assert served(c, limit=5) == "two"
    assert time.monotonic() - began < 2 * GUARD


def test_best_server_by_round_trip(lab):
    c, _, links, _ = two_servers(lab)
    wait_until("the nearer one is used", lambda: served(c) == "one", 15)
    links[0].set(delay="120ms")
    wait_until("the one that is nearer now is used", lambda: served(c) == "two", 25, 0.5)


def test_port_range_with_a_port_gone_dark(lab):
    t = tunnel(lab, server_options={"port": "4000-4003"}, client_options={"entry": {"port": "4000-4003"}},
               rate=50, delay="10ms")
    for port in range(4000, 4004):
        t.server.process.wait_port(port, "udp")
    sniffer = lab.sniff(t.c)
    name = lab.files.of(20_000_000, scaled=False)
    fetch = Fetch(lab, t.c, URL + name)
    for _ in range(2):
        t.link.wait_carried(4_000_000)
        used = [to for _, to, _ in sniffer.seen if to in range(4000, 4004)][-1]
        t.link.set(block=used)
    fetch.expect(lab.files, name)
    assert len({to for _, to, _ in sniffer.seen if to in range(4000, 4004)}) >= 2


def test_listeners_and_named_targets(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="5ms")
    for port, who in ((80, "one"), (81, "two"), (82, "three")):
        Nginx(lab, s, lab.files, port=port, who=who)
    server(lab, s, targets={"two": "127.0.0.1:81", "three": "127.0.0.1:82"},
           tickets={TICKET: {"name": "lab", "targets": ["two"]}})
    listeners = [{"tcp_listen_addr": "127.0.0.1", "tcp_listen_port": 8080 + i, **({"target": name} if name else {})}
                 for i, name in enumerate(["two", "three", "none"])]
    end = client(lab, c, ["10.90.0.2"], listeners=listeners)
    assert served(c, 8080) == "two"
    for port in (8081, 8082):  # not this ticket's; not there
        end.process.wait_port(port)
        try:
            refused = lab.closing(c.connect(port))
        except ConnectionResetError:
            continue  # before connect had returned
        expect_reset(refused, 3)


def test_default_target_beside_named_ones(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="5ms")
    for port, who in ((80, "one"), (81, "two")):
        Nginx(lab, s, lab.files, port=port, who=who)
    server(lab, s, targets={"two": "127.0.0.1:81"})
    client(lab, c, ["10.90.0.2"], listeners=[{"tcp_listen_addr": "127.0.0.1", "tcp_listen_port": 8080},
                                             {"tcp_listen_addr": "127.0.0.1", "tcp_listen_port": 8081, "target": "two"}])
    assert served(c, 8080) == "one" and served(c, 8081) == "two"


def test_status_during_a_transfer(lab):
    t = tunnel(lab, rate=50, delay="10ms", loss=0.01)
    name = lab.files.of(20_000_000, scaled=False)
    fetch = Fetch(lab, t.c, URL + name)
    t.link.wait_carried(8_000_000)
    for end, mode, peer in ((t.client, "proxy_client", "10.90.0.2"), (t.server, "proxy_server", "10.90.0.1")):
        assert stat.S_IMODE(os.stat(end.socket).st_mode) == 0o600
        status = end.status()
        assert status["mode"] == mode and status["version"]
        assert status["pid"] == end.process.pid
        assert 0 < status["uptime_s"] < 120 and 1 << 20 < status["rss_bytes"] < 1 << 30
        assert status["tcp"]["open"] == 1 and status["tcp"]["refused"] == 0
        assert set(status["drops"]) >= {"auth", "replay", "malformed", "overload"}
        (session,) = status["sessions"]
        assert session["cid"] > 0 and peer in session["peer"] and session["streams"] == 1
        assert 20 <= session["rtt_ms"]["min"] <= session["rtt_ms"]["smoothed"] < 200 and session["rtt_ms"]["last"] >= 20
        assert 1100 <= session["mtu"] <= 1472 and session["cwnd_bytes"] > 10_000
        moved = "rx" if end is t.client else "tx"
        assert 5_000_000 < session[f"payload_{moved}"] <= 20_000_400
        assert session[f"bytes_{moved}"] > session[f"payload_{moved}"] * 0.98
    assert t.server.sessions()[0]["retransmitted"] > 0 and 0 <= t.server.sessions()[0]["loss_tx"] < 0.2
    fetch.expect(lab.files, name)
    for end in (t.client, t.server):
        wait_until("closed", lambda e=end: e.status()["tcp"]["open"] == 0, 5)
        assert end.status()["tcp"]["closed"] >= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_signal_drains_and_leaves_nothing(lab, number):
    t = tunnel(lab, rate=50, delay="10ms")
    connection = lab.closing(t.c.connect(8080))
    connection.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"nginx" in connection.recv(1000)
    for end in (t.client, t.server):
        assert os.path.exists(end.socket)
        began = time.monotonic()
        end.process.signal(number)
        assert end.process.wait(10) == 0
        assert time.monotonic() - began < 3 * GUARD
        assert not os.path.exists(end.socket)


def test_many_signals_are_no_harm(lab):
    t = tunnel(lab, delay="10ms")
    assert served(t.c) == "nginx"
    for end in (t.client, t.server):
        while end.process.alive():
            end.process.signal(signal.SIGTERM)
            time.sleep(0.0005)
        assert end.process.wait() == 0
        assert not os.path.exists(end.socket)


def test_second_signal_ends_at_once(lab):
    t = tunnel(lab, rate=2, delay="10ms", buffer="20ms")
    name = lab.files.of(20_000_000, scaled=False)
    fetch = Fetch(lab, t.c, URL + name)
    t.link.wait_carried(200_000)
    t.server.process.signal(signal.SIGTERM)
    time.sleep(0.1)
    began = time.monotonic()
    t.server.process.signal(signal.SIGTERM)
    assert t.server.process.wait(10) == 0
    assert time.monotonic() - began < 0.5 * GUARD
    fetch.curl.kill()


RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"


def test_name_whose_address_changes(lab):
    """The server moves while the client is connected: its silence makes the client look the name up again."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="10ms")
    Nginx(lab, s, lab.files)
    server(lab, s)
    names = Names(lab, c, "127.0.0.1", {"server.test": "10.90.0.2"})
    near = client(lab, c, ["server.test"], wrap=Etc(lab, RESOLV_CONF).wrap)
    cid = wait_session(near)[0]["cid"]
    kept = lab.closing(c.connect(8080, timeout=20))
    kept.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"nginx" in kept.recv(1000)
    s.ip("addr", "del", "10.90.0.2/24", "dev", "lnk0")
    s.ip("addr", "add", "10.90.0.5/24", "dev", "lnk0")
    asked = len(names.asked)
    names.table["server.test"] = "10.90.0.5"
    began = time.monotonic()
    kept.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"nginx" in kept.recv(1000)  # the connection, and so the session, went on
    back = time.monotonic() - began
    assert back < 10 * GUARD
    assert len(names.asked) > asked
    (session,) = near.sessions()
    assert session["cid"] == cid and session["peer"].startswith("10.90.0.5:")
    lab.note(f"server's name got another address: its connections went on after {back:.1f} s")


def test_name_server_that_is_dead_at_the_start(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="10ms")
    Nginx(lab, s, lab.files)
    server(lab, s)
    near = client(lab, c, ["server.test"], wrap=Etc(lab, RESOLV_CONF).wrap)
    near.process.wait_log("can't look up server.test: ")
    time.sleep(5)
    said = near.process.log().count("can't look up server.test")
    assert said <= 4
    Names(lab, c, "127.0.0.1", {"server.test": "10.90.0.2"})
    began = time.monotonic()
    wait_session(near, timeout=20)
    lab.note(f"name server came up: session {time.monotonic() - began:.1f} s later")
    assert served(c) == "nginx"
