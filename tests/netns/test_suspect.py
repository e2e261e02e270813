# SPDX-License-Identifier: MIT
"""A server that falls silent without a word: what becomes of the connections of its last moments.

    c: skcptun --lnk0==== 10.90.0.0/24, 10 ms ====lnk0-- skcptun -> "one" :s
               --lnk1==== 10.91.0.0/24, 40 ms ====lnk0-- skcptun -> "two" :t
               --lnk2==== 10.92.0.0/24, 80 ms ====lnk0-- skcptun -> "three" :u

The keepalive is a minute, so whoever is let go before the session is closed was let go on purpose.
"""
import select
import time

import pytest
from lab import GUARD, wait_until
from link import Link
from tunnel import client, server, wait_session
from web import Nginx, curl

pytestmark = pytest.mark.light

WHO = b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n"
KEEPALIVE = {"skcp_keepalive": 60}


def served(ns):
    try:
        return curl(ns, "http://127.0.0.1:8080/who", timeout=3)
    except AssertionError:
        return None


def servers(lab, count):
    c = lab.netns("c")
    links = []
    for i, (name, who, delay) in enumerate((("s", "one", "5ms"), ("t", "two", "20ms"), ("u", "three", "40ms"))[:count]):
        ns = lab.netns(name)
        links.append(Link(lab, c, ns, net=f"10.9{i}.0", device=f"lnk{i}", delay=delay))
        Nginx(lab, ns, lab.files, who=who)
        server(lab, ns, role=who, entry=KEEPALIVE)
    near = client(lab, c, [f"10.9{i}.0.2" for i in range(count)], entry=KEEPALIVE)
    wait_session(near, count)
    wait_until("the nearest one is used", lambda: served(c) == "one", 15, 0.5)
    return c, near, links


def last_moments(lab, c, count):
    """Connections that nobody has answered: some of them say nothing, others are full of what they want to send."""
    made = [lab.closing(c.connect(8080)) for _ in range(count)]
    for i, sock in enumerate(made):
        if i % 3 > 0:
            sock.sendall(WHO)
        if i % 3 > 1:
            sock.setblocking(False)
            try:
                while sock.send(bytes(65536)):
                    pass
            except BlockingIOError:
                pass
    return made


def state_of(near, net):
    return [s["state"] for s in near.sessions() if s["peer"].startswith(net)]


def expect_resets(near, net, made, began):
    """All of them, while the session that they hang on is still there; how long the last took, and which it was then."""
    left = {sock.fileno(): sock for sock in made}
    poll = select.poll()
    for number in left:
        poll.register(number, select.POLLIN)
    while left and time.monotonic() < began + 55 * GUARD:
        assert state_of(near, net) == ["up"] or state_of(near, net) == ["suspect"], "the session itself has ended before"
        for number, _ in poll.poll(100):
            with pytest.raises(ConnectionResetError):
                left[number].recv(1)
            poll.unregister(number)
            del left[number]
    assert not left
    return time.monotonic() - began


def test_connections_that_one_server_never_answered(lab):
    """They are reset; those that it had answered stay, and go on when it is back."""
    c, near, links = servers(lab, 1)
    kept = lab.closing(c.connect(8080))
    kept.sendall(WHO)
    assert b"one" in kept.recv(1000)
    links[0].set(loss=1.0)
    began = time.monotonic()
    took = expect_resets(near, "10.90.0", last_moments(lab, c, 30), began)
    links[0].set(loss=0)
    kept.sendall(WHO)
    assert b"one" in kept.recv(1000)
    lab.note(f"a silent server: 30 connections that it never answered were reset within {took:.1f} s")


def test_connections_that_the_nearest_of_three_never_answered(lab):
    """New ones go to the next server, and when that falls silent, too, to the third: every time the last moments are reset."""
    c, near, links = servers(lab, 3)
    for i, (dies, next_one) in enumerate((("one", "two"), ("two", "three"))):
        kept = lab.closing(c.connect(8080))
        kept.sendall(WHO)
        assert dies.encode() in kept.recv(1000)
        links[i].set(loss=1.0)
        began = time.monotonic()
        took = expect_resets(near, f"10.9{i}.0", last_moments(lab, c, 30), began)
        assert state_of(near, f"10.9{i}.0") == ["suspect"]
        assert served(c) == next_one
        lab.note(f"{dies} of three falls silent: 30 connections reset within {took:.1f} s, a new one is served by {next_one}")
    links[0].set(loss=0)
    wait_until("the nearest is used again", lambda: served(c) == "one", 15, 0.5)
