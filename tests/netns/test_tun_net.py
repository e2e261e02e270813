# SPDX-License-Identifier: MIT
"""Addresses, routes and NAT of the TUN modes.

    a, b, d: tun0 10.77.0.2, .3, .4 --lnkN==== link ====lnkN-- skcptun tun0 10.77.0.1 :s --vth0-- 10.91.0.2 :i (the internet)
"""
import os
import signal
import socket
import time
import types

import pytest
from lab import PATIENCE, wait_until
from link import Link, veth
from names import Etc, Names, with_mount
from test_tun_life import OVERHEAD
from tun import NET, inside, ping, ping_until, tun_client, tun_server

pytestmark = pytest.mark.light

LINK = {"rate": 100, "delay": "5ms", "buffer": "50ms"}


def star(lab, count=3, server_options=None, client_options=None, internet=True):
    """Clients in namespaces of their own, each with its link to the server."""
    s = lab.netns("s")
    i = lab.netns("i") if internet else None
    if i:
        veth(s, i)  # s is 10.91.0.1, i is 10.91.0.2 and knows no other network
    clients, names = [], "abd"
    for n in range(count):
        ns = lab.netns(names[n])
        Link(lab, ns, s, net=f"10.90.{n}", device_b=f"lnk{n}", **LINK)
        clients.append(ns)
    far = tun_server(lab, s, **(server_options or {}))
    near = [tun_client(lab, ns, [f"10.90.{n}.2"], role=f"client-{names[n]}", host=2 + n, ticket=names[n] * 32,
                       **(client_options or {})) for n, ns in enumerate(clients)]
    return types.SimpleNamespace(s=s, i=i, ns=clients, server=far, clients=near)


def test_three_clients_reach_each_other_and_the_internet(lab):
    t = star(lab, server_options={"nat": True}, client_options={"routes": ["10.91.0.0/24"]})
    for ns, host in ((t.ns[0], 3), (t.ns[0], 4), (t.ns[1], 2), (t.ns[2], 1)):
        answers = ping(ns, f"{NET}.{host}")
        assert answers.received == 5, answers.text
        assert "exceeded" not in answers.text
    ping_until(t.ns[0], "10.91.0.2")
    # The internet sees the server's address, not the client's.
    listener = lab.closing(t.i.listen(7000, "10.91.0.2"))
    user = lab.closing(t.ns[1].connect(7000, "10.91.0.2"))
    there, address = listener.accept()
    lab.closing(there)
    assert address[0] == "10.91.0.1"
    user.sendall(b"hello")
    assert there.recv(5) == b"hello"
    sessions = t.server.sessions()
    assert sorted(one["tun_ip"] for one in sessions) == [f"{NET}.{n}" for n in (2, 3, 4)]
    assert t.server.status()["tun"]["forwarded"] >= 15
    # A packet that went from client to client took one hop.
    out = inside(t.ns[0], "ping", "-n", "-c", 1, "-t", 1, f"{NET}.3", check=False)
    assert "Time to live exceeded" in out and f"{NET}.1" in out, out


def test_default_route_and_back(lab):
    up = lab.dir / "hook.sh"
    up.write_text(f"#!/bin/sh\necho $SKT_EVENT $SKT_TUN $SKT_TUN_IP >> {lab.dir}/hook.log\n")
    up.chmod(0o755)
    c, s, i = lab.netns("c"), lab.netns("s"), lab.netns("i")
    Link(lab, c, s, **LINK)
    veth(s, i)
    tun_server(lab, s, nat=True)
    c.ip("route", "add", "default", "via", "10.90.0.99")
    before = c.ip("route", "show")
    client = tun_client(lab, c, ["10.90.0.2"], routes=["0.0.0.0/0"], up=str(up), down=str(up))
    ping_until(c, "10.91.0.2")
    assert "dev tun0" in c.ip("route", "get", "10.91.0.2")
    assert "dev lnk0" in c.ip("route", "get", "10.90.0.2")
    wait_until("up was run", lambda: (lab.dir / "hook.log").exists(), 5)
    client.process.stop()
    assert c.ip("route", "show") == before
    assert (lab.dir / "hook.log").read_text().split() == ["up", "tun0", f"{NET}.2", "down", "tun0", f"{NET}.2"]
    assert "tun0" not in c.ip("link", "show")


def test_address_of_another_ticket_is_refused_in_words(lab):
    t = star(lab, 2, internet=False)
    other = lab.netns("e")
    Link(lab, other, t.s, net="10.90.7", device_b="lnk7", **LINK)
    late = tun_client(lab, other, ["10.90.7.2"], role="client-e", host=2, ticket="e" * 32, wait=False)
    late.process.wait_log(f"refused: tun_ip {NET}.2 is in use by a client with another ticket")
    assert ping(t.ns[0], f"{NET}.1").received == 5
    own = tun_client(lab, other, ["10.90.7.2"], role="client-f", host=1, ticket="f" * 32, wait=False, tun_name="tun1")
    own.process.wait_log("is the server's own")
    strange = tun_client(lab, other, ["10.90.7.2"], role="client-g", ticket="g" * 32, wait=False, tun_name="tun2",
                         tun_ip="10.78.0.2")
    strange.process.wait_log("is no address for a client of the server's network 10.77.0.0/24")


def test_ticket_has_its_address_and_takes_it_over(lab):
    tickets = {"a" * 32: {"name": "alice", "tun_ip": f"{NET}.2"}, "e" * 32: {"name": "eve"}}
    t = star(lab, 1, server_options={"tickets": tickets}, internet=False)
    assert t.server.sessions()[0]["name"] == "alice"
    assert ping(t.ns[0], f"{NET}.1").received == 5
    # The same ticket from somewhere else: the address moves.
    other = lab.netns("e")
    Link(lab, other, t.s, net="10.90.7", device_b="lnk7", **LINK)
    t.clients[0].process.kill()
    moved = tun_client(lab, other, ["10.90.7.2"], role="client-e", ticket="a" * 32)
    assert ping(other, f"{NET}.1").received == 5
    wait_until("the old session is gone", lambda: len(t.server.sessions()) == 1, 3)
    t.server.process.wait_log("takes 10.77.0.2 over")
    moved.process.stop()
    wrong = tun_client(lab, other, ["10.90.7.2"], role="client-w", host=9, ticket="a" * 32, wait=False)
    wrong.process.wait_log(f"tun_ip {NET}.9 is not this ticket's, which is {NET}.2")
    reserved = tun_client(lab, t.ns[0], ["10.90.0.2"], role="client-r", host=2, ticket="e" * 32, wait=False)
    reserved.process.wait_log(f"tun_ip {NET}.2 belongs to another ticket")


def test_two_clients_with_one_ticket_do_not_fight(lab):
    t = star(lab, 1, internet=False)
    other = lab.netns("e")
    Link(lab, other, t.s, net="10.90.7", device_b="lnk7", **LINK)
    late = tun_client(lab, other, ["10.90.7.2"], role="client-e", ticket="a" * 32)
    first = t.clients[0]
    first.process.wait_log("another client uses our ticket .* each client needs a ticket of its own. Asking again in 5 s")
    assert ping(other, f"{NET}.1").received == 5
    late.process.wait_log("Asking again in 5 s")  # the first one has come back
    first.process.wait_log("Asking again in 10 s", 15)
    time.sleep(2)
    assert ping(other, f"{NET}.1").received == 5
    assert t.server.process.log().count(f"takes {NET}.2 over") == 3


def test_spoofed_source_is_dropped(lab):
    t = star(lab, 2, internet=False)
    t.ns[0].ip("addr", "add", f"{NET}.66/32", "dev", "tun0")
    out = inside(t.ns[0], "ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, "-I", f"{NET}.66", f"{NET}.3", check=False)
    assert "3 packets transmitted, 0 received" in out, out
    tun = t.server.status()["tun"]
    assert tun["spoofed"] == 3 and tun["forwarded"] == 0
    assert ping(t.ns[0], f"{NET}.3").received == 5
    # What goes on for longer is said, once.
    inside(t.ns[0], "ping", "-n", "-c", 70, "-i", 0.1, "-W", 1, "-I", f"{NET}.66", f"{NET}.3", check=False)
    t.server.process.wait_log(rf"session \d+ \(.*\) sends packets from {NET}.66, which is none of its addresses")
    assert t.server.process.log().count("none of its addresses") == 1


def test_network_behind_a_client(lab):
    """A host of the LAN 10.91.0.0/24 behind a, by `subnets`; then, without them, by `nat`."""
    tickets = {"a" * 32: {"name": "alice", "tun_ip": f"{NET}.2", "subnets": ["10.91.0.0/24"]}}
    s, a, h = lab.netns("s"), lab.netns("a"), lab.netns("h")
    Link(lab, a, s, **LINK)
    veth(a, h)  # a is 10.91.0.1, h is 10.91.0.2
    h.ip("route", "add", "default", "via", "10.91.0.1")
    inside(a, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    far = tun_server(lab, s, tickets=tickets)
    tun_client(lab, a, ["10.90.0.2"], ticket="a" * 32)
    assert ping(s, "10.91.0.2").received == 5
    assert ping(h, f"{NET}.1").received == 5
    far.process.stop()
    inside(a, "sysctl", "-qw", "net.ipv4.ip_forward=0")


def test_nat_at_a_client(lab):
    s, a, h = lab.netns("s"), lab.netns("a"), lab.netns("h")
    Link(lab, a, s, **LINK)
    veth(a, h)
    h.ip("route", "add", "default", "via", "10.91.0.1")
    tun_server(lab, s)
    tun_client(lab, a, ["10.90.0.2"], nat=True)
    ping_until(h, f"{NET}.1")
    listener = lab.closing(s.listen(7000, f"{NET}.1"))
    lab.closing(h.connect(7000, f"{NET}.1"))
    there, address = listener.accept()
    lab.closing(there)
    assert address[0] == f"{NET}.2"


def test_groups_are_not_looped(lab):
    t = star(lab, 2, internet=False)
    for to in ("224.0.0.251", f"{NET}.255", "255.255.255.255"):
        with t.ns[0].entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        lab.closing(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind((f"{NET}.2", 0))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(f"{NET}.2"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"tun0")
        sock.sendto(b"x", (to, 9))
    wait_until("they were seen", lambda: t.clients[0].status()["tun"]["group"] >= 3, 3)
    time.sleep(0.2 * PATIENCE)
    tun = t.server.status()["tun"]
    assert tun["packets_out"] == 0 and tun["forwarded"] == 0


def helper_of(end):
    """The pid of its helper process."""
    with open(f"/proc/{end.process.pid}/task/{end.process.pid}/children", encoding="ascii") as children:
        (pid,) = children.read().split()
    return int(pid)


def test_names_through_the_tunnel(lab):
    """`dns` with a real name server in the internet; the machine's own is one that nobody answers for."""
    etc = Etc(lab, "nameserver 10.90.0.99\nsearch lan.test\noptions timeout:1 attempts:1\n")
    before = etc.text()
    c, s, i = lab.netns("c"), lab.netns("s"), lab.netns("i")
    Link(lab, c, s, **LINK)
    veth(s, i)
    names = Names(lab, i, "10.91.0.2", {"www.example.test": "10.91.0.2", "printer.lan.test": "10.91.0.7"})
    tun_server(lab, s, nat=True)
    client = tun_client(lab, c, ["10.90.0.2"], start=False, wrap=etc.wrap, routes=["10.91.0.0/24"], dns=["10.91.0.2"])
    routes = c.ip("route", "show")

    def works():
        client.start().process.wait_log("session [0-9]+ is up")
        wait_until("resolv.conf is ours", lambda: "nameserver 10.91.0.2\n" in (etc.text() or ""), 10)
        assert "10.90.0.99" not in etc.text() and "search lan.test" in etc.text()
        wait_until("names are found", lambda: etc.look_up(c, "www.example.test") == "10.91.0.2", 10)
        assert etc.look_up(c, "printer") == "10.91.0.7"
        assert etc.look_up(c, "no.example.test") == ""
        assert {sender for _, _, sender in names.asked} == {"10.91.0.1"}  # the server's address: by its NAT
        assert "10.91.0.0/24 dev tun0" in c.ip("route", "show")

    assert etc.look_up(c, "www.example.test") == ""
    works()
    client.process.stop()
    assert etc.text() == before and c.ip("route", "show") == routes
    # Killed: the helper does it.
    works()
    client.process.kill()
    wait_until("resolv.conf is back", lambda: etc.text() == before, 5)
    # The helper is killed first: the next start does it.
    works()
    os.kill(helper_of(client), signal.SIGKILL)
    client.process.kill()
    assert etc.text() != before
    works()
    client.process.stop()
    assert etc.text() == before and c.ip("route", "show") == routes
    assert not (etc.dir / "resolv.conf.skcptun").exists()


def test_starts_that_cannot_be(lab):
    """Without privileges, and without /dev/net/tun: one line that says what is wrong, status 1."""
    c = lab.netns("c")
    lab.dir.chmod(0o1777)
    for role, wrap, words in (
            ("user", ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"], "needs root or CAP_NET_ADMIN"),
            ("device", with_mount("-t tmpfs none /dev/net"), "/dev/net/tun is missing: load the tun module")):
        end = tun_client(lab, c, ["10.90.0.2"], role=role, start=False, wrap=wrap)
        end.conf.chmod(0o644)
        end.start()
        assert end.process.wait(10) == 1, end.process.log()
        lines = [line for line in end.process.log().splitlines() if " error " in line]
        assert len(lines) == 1 and words in lines[0], end.process.log()


def test_interface_as_configured(lab):
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, **LINK)
    tun_server(lab, s, tun_mask="255.255.255.240", tun_ip6="fd00:77::1/80", tun_name=None)
    tun_client(lab, c, ["10.90.0.2"], tun_mask="255.255.255.240", tun_ip6="fd00:77::2/80", tun_name="vpn-7", tun_mtu=1300)
    out = c.ip("addr", "show", "dev", "vpn-7")
    assert f"inet {NET}.2/28" in out and "inet6 fd00:77::2/80" in out and "mtu 1300" in out and "UP" in out
    out = s.ip("addr", "show", "dev", "skt0")
    assert f"inet {NET}.1/28" in out and "inet6 fd00:77::1/80" in out and f"mtu {1472 - OVERHEAD}" in out
    assert f"{NET}.0/28 dev vpn-7" in c.ip("route", "show")
    assert ping(c, f"{NET}.1").received == 5
    ping_until(c, "fd00:77::1")


def test_ipv6_between_clients_and_to_a_network(lab):
    """Routing by IPv6 between two clients, and masquerade to the internet."""
    s, i = lab.netns("s"), lab.netns("i")
    veth(s, i)
    for ns, host in ((s, 1), (i, 2)):
        ns.ip("addr", "add", f"fd00:91::{host}/64", "dev", "vth0", "nodad")
    far = tun_server(lab, s, tun_ip6="fd00:77::1/64", nat=True)
    clients = []
    for n, name in enumerate("ab"):
        ns = lab.netns(name)
        Link(lab, ns, s, net=f"10.90.{n}", device_b=f"lnk{n}", **LINK)
        tun_client(lab, ns, [f"10.90.{n}.2"], role=f"client-{name}", host=2 + n, ticket=name * 32,
                   tun_ip6=f"fd00:77::{2 + n}/64", routes=["fd00:91::/64"])
        clients.append(ns)
    ping_until(clients[0], "fd00:77::3")
    assert ping(clients[1], "fd00:77::2").received == 5
    assert far.status()["tun"]["forwarded"] >= 10
    ping_until(clients[0], "fd00:91::2")  # that one knows no way back to fd00:77::
    assert ping(clients[0], "fd00:91::2").received == 5


def test_client_is_told_of_another_ones_narrow_path(lab):
    s, a, b = lab.netns("s"), lab.netns("a"), lab.netns("b")
    Link(lab, a, s, **LINK)
    Link(lab, b, s, net="10.90.1", device_b="lnk1", mtu=1400, **LINK)
    far = tun_server(lab, s)
    tun_client(lab, a, ["10.90.0.2"], role="client-a", ticket="a" * 32)
    tun_client(lab, b, ["10.90.1.2"], role="client-b", host=3, ticket="b" * 32)

    def found():
        mtus = {one["tun_ip"]: one["tun_mtu"] for one in far.sessions()}
        return mtus if mtus[f"{NET}.2"] == 1472 - OVERHEAD and 1360 <= mtus[f"{NET}.3"] + OVERHEAD <= 1372 else None
    narrow = wait_until("both paths' sizes are found", found, 15)[f"{NET}.3"]
    out = inside(a, "ping", "-n", "-c", 2, "-W", 1, "-M", "do", "-s", narrow - 27, f"{NET}.3", check=False)
    assert f"From {NET}.1" in out and f"mtu = {narrow}" in out, out
    assert ping(a, f"{NET}.3", options=("-M", "do", "-s", narrow - 28)).received == 5
    assert ping(a, f"{NET}.3", options=("-M", "dont", "-s", "1388")).received == 5
