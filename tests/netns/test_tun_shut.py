# SPDX-License-Identifier: MIT
"""A TUN with a default route: what the tunnel asks for itself, and what never leaves by another way.

    c: skcptun --vth0==== 10.91.0.0/24 ====vth0-- r --vth1==== 10.92.0.0/24 ====vth1-- skcptun :s
                                                  r: name server 10.85.0.53
"""
import signal
import time
import types

import pytest
from lab import wait_until
from link import veth
from names import Etc, Names
from tun import inside, ping_until, tun_client, tun_server

pytestmark = pytest.mark.light

WORLD = "198.51.100.7"


def routed(lab):
    t = types.SimpleNamespace(c=lab.netns("c"), r=lab.netns("r"), s=lab.netns("s"))
    veth(t.c, t.r)
    veth(t.r, t.s, net="10.92.0", device="vth1")
    inside(t.r, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    t.r.ip("addr", "add", "10.85.0.53/32", "dev", "lo")
    t.r.ip("addr", "add", f"{WORLD}/32", "dev", "lo")
    t.c.ip("route", "add", "default", "via", "10.91.0.2")
    t.s.ip("route", "add", "default", "via", "10.92.0.1")
    return t


def moved(lab, name_server, **fields):
    """A server that is known by its name has another address: is the tunnel back?"""
    t = routed(lab)
    names = Names(lab, t.r, name_server, {"far.example": "10.92.0.2"})
    etc = Etc(lab, f"nameserver {name_server}\noptions timeout:1 attempts:1\n")
    tun_server(lab, t.s)
    tun_client(lab, t.c, ["far.example"], wrap=etc.wrap, routes=["0.0.0.0/0"], **fields)
    ping_until(t.c, "10.77.0.1")
    names.table["far.example"] = "10.92.0.5"
    t.s.ip("addr", "add", "10.92.0.5/24", "dev", "vth1")
    t.s.ip("addr", "del", "10.92.0.2/24", "dev", "vth1")
    if "10.92.0.5" not in t.s.ip("addr"):  # it went with the first one
        t.s.ip("addr", "add", "10.92.0.5/24", "dev", "vth1")
    t.s.ip("route", "replace", "default", "via", "10.92.0.1")
    ping_until(t.c, "10.77.0.1", timeout=20)


def test_name_server_farther_away(lab):
    moved(lab, "10.85.0.53")


def test_names_through_the_tunnel(lab):
    moved(lab, "10.91.0.2", dns=["10.77.0.1"])


def test_name_server_farther_away_and_kill_switch(lab):
    moved(lab, "10.85.0.53", dns=["10.77.0.1"], kill_switch=True)


def test_network_brings_another_name_server_with_kill_switch(lab):
    """As a change of network does it: the old name server is gone, the new one as far away, and the server has moved."""
    t = routed(lab)
    t.r.ip("addr", "add", "10.85.0.54/32", "dev", "lo")
    names = Names(lab, t.r, "10.85.0.53", {"far.example": "10.92.0.2"})
    etc = Etc(lab, "nameserver 10.85.0.53\n")
    tun_server(lab, t.s)
    tun_client(lab, t.c, ["far.example"], wrap=etc.wrap, routes=["0.0.0.0/0"], kill_switch=True)
    ping_until(t.c, "10.77.0.1")
    names.stop()
    etc.file.write_text("nameserver 10.85.0.54\n")
    Names(lab, t.r, "10.85.0.54", {"far.example": "10.92.0.5"})
    t.s.ip("addr", "add", "10.92.0.5/24", "dev", "vth1")
    t.s.ip("addr", "del", "10.92.0.2/24", "dev", "vth1")
    if "10.92.0.5" not in t.s.ip("addr"):
        t.s.ip("addr", "add", "10.92.0.5/24", "dev", "vth1")
    t.s.ip("route", "replace", "default", "via", "10.92.0.1")
    began = time.monotonic()
    ping_until(t.c, "10.77.0.1", timeout=20)
    lab.note(f"kill_switch, another name server and another address of the server: back after {time.monotonic() - began:.1f} s")
    routes = t.c.ip("route")
    assert "10.85.0.54 via" in routes and "10.85.0.53 via" not in routes, routes
    assert not leaks(t)


def leaks(t):
    """Does a packet to the world get there past the tunnel? (The server does not answer for it.)"""
    return "1 received" in inside(t.c, "ping", "-n", "-c1", "-W1", WORLD, check=False)


def test_kill_switch(lab):
    t = routed(lab)
    assert leaks(t)
    far = tun_server(lab, t.s, start=False)
    near = tun_client(lab, t.c, ["10.92.0.2"], wait=False, routes=["0.0.0.0/0"], kill_switch=True)
    near.process.wait_log("is up: 10.77.0.2")
    wait_until("shut without a session", lambda: not leaks(t), 5)
    far.start()
    near.process.wait_log("session [0-9]+ is up")
    ping_until(t.c, "10.77.0.1")
    assert not leaks(t)
    t.c.ip("link", "set", "tun0", "down")
    assert not leaks(t)
    near.process.wait_log("was taken down by somebody else; put back")
    ping_until(t.c, "10.77.0.1")
    t.c.ip("route", "flush", "dev", "tun0")
    assert not leaks(t)
    near.process.wait_log("routes were removed by somebody else; put back")
    near.process.kill()
    time.sleep(1)
    assert "tun0" not in t.c.ip("link")
    assert not leaks(t)
    near.start()
    near.process.wait_log("session [0-9]+ is up")
    ping_until(t.c, "10.77.0.1")
    assert not leaks(t)
    near.process.signal(signal.SIGTERM)
    near.process.wait()
    assert leaks(t)


def test_everything_comes_back_on_both_ends(lab):
    t = routed(lab)
    far = tun_server(lab, t.s, nat=True)
    near = tun_client(lab, t.c, ["10.92.0.2"], routes=["10.92.0.0/24"])
    ping_until(t.c, "10.77.0.1")
    for ns, end in ((t.c, near), (t.s, far)):
        for deed, says in ((("link", "set", "tun0", "down"), "was taken down"), (("addr", "flush", "dev", "tun0"), "address was removed")):
            ns.ip(*deed)
            end.process.wait_log(f"{says} by somebody else; put back")
            ping_until(t.c, "10.77.0.1")
            ping_until(t.c, "10.92.0.1")
    inside(t.s, "nft", "flush", "ruleset")
    far.process.wait_log("rules for NAT were removed by somebody else; put back")
    inside(t.s, "sysctl", "-qw", "net.ipv4.ip_forward=0")
    far.process.wait_log("forwarding was switched off by somebody else; put back")
    ping_until(t.c, "10.92.0.1")
