# SPDX-License-Identifier: MIT
"""relay_tcp: TCP out of the TUN in streams, and in packets where no stream may be had.

    h 10.92.0.2 --vth2-- c tun0 10.77.0.2 --lnk0==== link ====lnk0-- s tun0 10.77.0.1 --vth1-- i 203.0.113.2 (the internet)

s does not forward unless a test says so: what gets to i then, has gone in a stream.
"""
import errno
import os
import re
import resource
import signal
import socket
import struct
import types

import pytest
from lab import wait_until
from link import Link, veth
from tun import NET, inside, ping, ping_until, tun_client, tun_server
from web import Fetch, Nginx, curl

pytestmark = pytest.mark.light

LINK = {"rate": 100, "delay": "5ms", "buffer": "50ms"}
FAR = "203.0.113"
WEB = f"http://{FAR}.2:8000/"


def topology(lab, server_options=None, client_options=None, web=True, lan=False):
    c, s, i = lab.netns("c"), lab.netns("s"), lab.netns("i")
    link = Link(lab, c, s, **LINK)
    veth(s, i, net=FAR, device="vth1")
    t = types.SimpleNamespace(c=c, s=s, i=i, link=link, lab=lab)
    if lan:
        t.h = lab.netns("h")
        veth(c, t.h, net="10.92.0", device="vth2")
        t.h.ip("route", "add", "default", "via", "10.92.0.1")
        inside(c, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    if web:
        t.nginx = Nginx(lab, i, lab.files, port=8000, addr=f"{FAR}.2", who="far")
    t.server = tun_server(lab, s, **{"relay_tcp": True, **(server_options or {})})
    t.client = tun_client(lab, c, ["10.90.0.2"], **{"relay_tcp": True, "routes": [f"{FAR}.0/24"], **(client_options or {})})
    wait_route(c)
    return t


def wait_route(ns):
    wait_until("the route is there", lambda: f"{FAR}.0/24 dev tun0" in ns.ip("route", "show"), 10)


def relayed(t):
    return t.client.status()["tun"]["relay_tcp"]


def refusal(ns, to, port, timeout=60):
    """The error that connecting ends with."""
    sock = ns.tcp(timeout)
    try:
        return sock.connect_ex((to, port))
    except TimeoutError:
        return errno.ETIMEDOUT
    finally:
        sock.close()


def test_streams_both_ways(lab):
    t = topology(lab)
    assert curl(t.c, f"{WEB}who") == "far"
    size = 20_000_000
    name = lab.files.of(size)
    Fetch(lab, t.c, f"{WEB}{name}").expect(lab.files, name)
    inside(t.c, "curl", "-sS", "-T", str(lab.files.dir / name), f"{WEB}put/x")
    assert (t.nginx.put / "x").stat().st_size == lab.files.size(name)
    got = relayed(t)
    assert got["taken"] == 3 and got["passed"] == 0 and got["refused"] == 0
    assert ping(t.c, f"{FAR}.2", count=2).received == 0  # in packets nobody gets there
    wait_until("none is open any more", lambda: relayed(t)["open"] == 0, 10)
    # i sees the server's address.
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    user = lab.closing(t.c.connect(7000, f"{FAR}.2"))
    there, address = listener.accept()
    lab.closing(there)
    assert address[0] == f"{FAR}.1"
    user.sendall(b"hello")
    assert there.recv(5) == b"hello"


def test_many_at_once(lab):
    t = topology(lab)
    name = lab.files.of(300_000)
    for fetch in [Fetch(lab, t.c, f"{WEB}{name}") for _ in range(20)]:
        fetch.expect(lab.files, name)
    assert relayed(t)["taken"] == 20


def test_without_offloads(lab):
    t = topology(lab, client_options={"tun_offload": False})
    name = lab.files.of(5_000_000)
    Fetch(lab, t.c, f"{WEB}{name}").expect(lab.files, name)
    inside(t.c, "curl", "-sS", "-T", str(lab.files.dir / name), f"{WEB}put/x")
    assert (t.nginx.put / "x").stat().st_size == lab.files.size(name) and relayed(t)["taken"] == 2


def test_a_thousand_connections(lab):
    t = topology(lab, web=False)
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    for end in (t.client, t.server):
        resource.prlimit(end.process.pid, resource.RLIMIT_NOFILE, (8192, 8192))
    pairs = []
    for n in range(1000):
        user = t.c.connect(7000, f"{FAR}.2")
        there = listener.accept()[0]
        user.sendall(b"%4d" % n)
        pairs.append((user, there))
    assert relayed(t)["open"] == 1000
    for n, (user, there) in enumerate(pairs):
        assert there.recv(4) == b"%4d" % n
        there.close()
        user.close()
    wait_until("none is open any more", lambda: relayed(t)["open"] == 0, 20)


def test_half_close_and_reset(lab):
    t = topology(lab, web=False)
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    user = lab.closing(t.c.connect(7000, f"{FAR}.2"))
    there = lab.closing(listener.accept()[0])
    user.sendall(b"question")
    user.shutdown(socket.SHUT_WR)
    assert there.recv(100) == b"question" and there.recv(100) == b""
    there.sendall(b"answer")
    there.shutdown(socket.SHUT_WR)
    assert user.recv(100) == b"answer" and user.recv(100) == b""
    for killer in (0, 1):
        ends = [lab.closing(t.c.connect(7000, f"{FAR}.2")), lab.closing(listener.accept()[0])]
        ends[killer].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ends[killer].close()
        with pytest.raises(ConnectionResetError):
            ends[1 - killer].recv(1)


def test_refusals_are_the_application_s(lab):
    """To the machine itself and to a host of its LAN: refused, unreachable, and silence."""
    t = topology(lab, web=False, lan=True)
    t.s.ip("route", "add", "unreachable", f"{FAR}.99")
    inside(t.i, "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "81", "-j", "DROP")
    for ns in (t.c, t.h):
        assert refusal(ns, f"{FAR}.2", 80) == errno.ECONNREFUSED
        assert refusal(ns, f"{FAR}.99", 80) == errno.EHOSTUNREACH
        assert refusal(ns, f"{FAR}.2", 81, timeout=3) in (errno.ETIMEDOUT, errno.EAGAIN)
    got = relayed(t)
    assert got["taken"] == 0 and got["passed"] == 0 and got["refused"] >= 4
    # Who gives up is forgotten, there as well.
    wait_until("nothing is asked any more", lambda: t.server.status()["tcp"]["open"] == 0, 30)


def test_lan_behind_the_client(lab):
    """A router: its LAN's connections go in streams, though no packet of the LAN could come back."""
    t = topology(lab, lan=True)
    for ns in (t.c, t.h):  # who comes from where his answers don't go is dropped: that is no reason here
        inside(ns, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
    assert curl(t.h, f"{WEB}who") == "far"
    name = lab.files.of(5_000_000)
    Fetch(lab, t.h, f"{WEB}{name}").expect(lab.files, name)
    assert curl(t.c, f"{WEB}who") == "far"
    assert relayed(t)["taken"] == 3


def test_lan_behind_the_client_with_nat(lab):
    t = topology(lab, lan=True, client_options={"nat": True})
    wait_until("rules are there", lambda: "masquerade" in inside(t.c, "nft", "list", "ruleset"), 10)
    name = lab.files.of(5_000_000)
    Fetch(lab, t.h, f"{WEB}{name}").expect(lab.files, name)
    Fetch(lab, t.c, f"{WEB}{name}").expect(lab.files, name)
    assert relayed(t)["taken"] == 2


def test_ipv6(lab):
    t = topology(lab, web=False, lan=True, server_options={"tun_ip6": "fd00:77::1/64"},
                 client_options={"tun_ip6": "fd00:77::2/64", "routes": ["2001:db8:1::/48", f"{FAR}.0/24"]})
    for ns, host in ((t.s, 1), (t.i, 2)):
        ns.ip("addr", "add", f"2001:db8:1::{host}/64", "dev", "vth1", "nodad")
    for ns, host in ((t.c, 1), (t.h, 2)):
        ns.ip("addr", "add", f"2001:db8:2::{host}/64", "dev", "vth2", "nodad")
    t.h.ip("route", "add", "default", "via", "2001:db8:2::1")
    Nginx(lab, t.i, lab.files, port=8001, addr="[2001:db8:1::2]", who="six")
    name = lab.files.of(5_000_000)
    for ns in (t.c, t.h):
        Fetch(lab, ns, f"http://[2001:db8:1::2]:8001/{name}").expect(lab.files, name)
        with ns.entered():
            sock = lab.closing(socket.socket(socket.AF_INET6))
        assert sock.connect_ex(("2001:db8:1::2", 8002)) == errno.ECONNREFUSED
    assert relayed(t)["taken"] == 2 and relayed(t)["refused"] == 2


def test_what_rules_deny_goes_in_packets(lab):
    """Denied, private and the server's own addresses: as packets, by the server's NAT, with the address that those have."""
    t = topology(lab, server_options={"nat": True, "relay_tcp": {"deny": [f"{FAR}.2:7001"]}},
                 client_options={"routes": [f"{FAR}.0/24", "10.93.0.0/24"]})
    for ns, host in ((t.s, 1), (t.i, 2)):
        ns.ip("addr", "add", f"10.93.0.{host}/24", "dev", "vth1")
    ping_until(t.c, f"{FAR}.2")
    assert curl(t.c, f"{WEB}who") == "far"
    assert relayed(t)["taken"] == 1
    passed = 0
    for ns, to, port, seen in ((t.i, f"{FAR}.2", 7001, f"{FAR}.1"), (t.i, "10.93.0.2", 7002, "10.93.0.1"),
                               (t.s, f"{FAR}.1", 7003, f"{NET}.2"), (t.s, "10.93.0.1", 7004, f"{NET}.2")):
        listener = lab.closing(ns.listen(port, to))
        for first in (True, False):
            user = lab.closing(t.c.connect(port, to))
            there, address = listener.accept()
            lab.closing(there)
            assert address[0] == seen
            user.sendall(b"x")
            assert there.recv(1) == b"x"
            passed += first
            assert relayed(t)["passed"] == passed, "what was denied is not asked again within a minute"
    assert relayed(t)["taken"] == 1
    t.client.process.wait_log(f"the server connects no stream to {FAR}.2:7001; such connections go in packets")
    t.server.process.wait_log("a connection goes in packets, not in a stream: it is this machine's own")


def test_allowed_private_addresses_go_in_streams(lab):
    t = topology(lab, web=False, server_options={"relay_tcp": {"any": False, "allow": ["10.93.0.0/24:7000-7009"]}},
                 client_options={"routes": [f"{FAR}.0/24", "10.93.0.0/24"]})
    for ns, host in ((t.s, 1), (t.i, 2)):
        ns.ip("addr", "add", f"10.93.0.{host}/24", "dev", "vth1")
    for ns, to in ((t.i, "10.93.0.2"), (t.s, "10.93.0.1")):
        listener = lab.closing(ns.listen(7000, to))
        lab.closing(t.c.connect(7000, to))
        lab.closing(listener.accept()[0])
    assert relayed(t)["taken"] == 2
    t.i.listen(7010, "10.93.0.2").close()
    assert refusal(t.c, f"{FAR}.2", 80, timeout=1) == errno.EAGAIN  # a packet, which s does not forward
    assert relayed(t)["passed"] >= 1


def test_other_clients_are_reached_in_packets(lab):
    """By their tun_ip without asking, their networks as the server says."""
    b = lab.netns("b")
    tickets = {"T" * 32: {"name": "a"}, "b" * 32: {"name": "b", "tun_ip": f"{NET}.3", "subnets": ["198.51.100.0/24"]}}
    t = topology(lab, web=False, server_options={"tickets": tickets}, client_options={"routes": [f"{FAR}.0/24", "198.51.100.0/24"]})
    Link(lab, b, t.s, net="10.90.1", device_b="lnk1", **LINK)
    tun_client(lab, b, ["10.90.1.2"], role="client-b", host=3, ticket="b" * 32)
    b.ip("addr", "add", "198.51.100.1/32", "dev", "lo")
    ping_until(t.c, "198.51.100.1")
    for to, passed in ((f"{NET}.3", 0), ("198.51.100.1", 1)):
        listener = lab.closing(b.listen(7000, to))
        lab.closing(t.c.connect(7000, to))
        there, address = listener.accept()
        lab.closing(there)
        assert address[0] == f"{NET}.2" and relayed(t)["passed"] == passed
    assert relayed(t)["taken"] == 0


def test_off_at_the_server(lab):
    """Said in words; connections go in packets, the first one, too."""
    t = topology(lab, server_options={"relay_tcp": None, "nat": True})
    ping_until(t.c, f"{FAR}.2")
    for _ in range(3):
        assert curl(t.c, f"{WEB}who") == "far"
    got = relayed(t)
    assert got["taken"] == 0 and got["passed"] == 1
    t.client.process.wait_log("relay_tcp is off: the server of session [0-9]+ has it off for this ticket; TCP goes in packets")
    t.server.process.wait_log("`relay_tcp` is off for its ticket")


def test_off_for_one_ticket(lab):
    tickets = {"T" * 32: {"name": "a", "relay_tcp": False}}
    t = topology(lab, server_options={"tickets": tickets, "nat": True})
    ping_until(t.c, f"{FAR}.2")
    assert curl(t.c, f"{WEB}who") == "far"
    assert relayed(t)["taken"] == 0


def test_rests_where_a_firewall_stands_before_it(lab):
    t = topology(lab, server_options={"nat": True})
    inside(t.c, "iptables", "-A", "INPUT", "-i", "tun0", "-p", "tcp", "--syn", "-j", "DROP")
    ping_until(t.c, f"{FAR}.2")
    assert curl(t.c, f"{WEB}who") == "far"
    assert curl(t.c, f"{WEB}who") == "far"
    got = relayed(t)
    assert got["taken"] == 0 and got["passed"] == 1
    t.client.process.wait_log(rf"relay_tcp rests for a minute: TCP that comes in by tun0 to {NET}.2:\d+ does not get there")


def test_connections_of_a_lost_session_are_reset(lab):
    t = topology(lab)
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    user = lab.closing(t.c.connect(7000, f"{FAR}.2"))
    lab.closing(listener.accept()[0])
    t.server.process.must_exit_0 = False
    t.server.process.kill()
    t.server.start()
    user.settimeout(60)
    with pytest.raises(ConnectionResetError):
        user.recv(1)
    assert wait_until("it works again", lambda: "far" in inside(t.c, "curl", "-sS", "--max-time", 2, f"{WEB}who", check=False), 20)


def test_kill_leaves_nothing_and_drops_nothing_else(lab):
    """Unprivileged, with routes; killed: no rule, route, interface or listener stays, and none was made."""
    lab.dir.chmod(0o1777)
    before = {}

    def state(ns):
        return [ns.ip("rule", "show"), ns.ip("-6", "rule", "show"), ns.ip("route", "show", "table", "all"),
                inside(ns, "nft", "list", "ruleset")]

    c, s, i = lab.netns("c"), lab.netns("s"), lab.netns("i")
    Link(lab, c, s, **LINK)
    veth(s, i, net=FAR, device="vth1")
    Nginx(lab, i, lab.files, port=8000, addr=f"{FAR}.2", who="far")
    before = state(c)
    tun_server(lab, s, relay_tcp=True)
    near = tun_client(lab, c, ["10.90.0.2"], relay_tcp=True, routes=[f"{FAR}.0/24"], start=False, top={"user": "nobody"})
    near.conf.chmod(0o644)
    near.start().process.wait_log("session [0-9]+ is up")
    wait_route(c)
    assert os.stat(f"/proc/{near.process.pid}").st_uid != 0
    assert curl(c, f"{WEB}who") == "far"
    assert near.status()["tun"]["relay_tcp"]["taken"] == 1
    assert state(c)[0] == before[0] and state(c)[3] == before[3]
    near.process.must_exit_0 = False
    near.process.kill()
    wait_until("all is as it was", lambda: state(c) == before, 10)
    assert inside(c, "ss", "-Htln") == ""


def test_strangers_at_the_listener_are_reset(lab):
    """The port is the machine's: whoever finds it, on the machine or in its LAN, and the server, gets nothing."""
    t = topology(lab, lan=True)
    port = int(re.search(rf"{NET}\.2:(\d+)", inside(t.c, "ss", "-Htln")).group(1))
    for ns in (t.c, t.h):
        with pytest.raises(ConnectionResetError):
            lab.closing(ns.connect(port, f"{NET}.2")).recv(1)
    assert refusal(t.s, f"{NET}.2", port, timeout=1) == errno.EAGAIN
    assert t.client.status()["tun"]["spoofed"] >= 1
    assert curl(t.c, f"{WEB}who") == "far"


def test_the_same_port_again(lab):
    """A connection with the ports of one that has just ended is another one."""
    t = topology(lab, web=False)
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    for n in range(5):
        user = t.c.tcp()
        user.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        user.bind((f"{NET}.2", 33333))
        wait_until("its own machine has forgotten the last one", lambda u=user: u.connect_ex((f"{FAR}.2", 7000)) == 0, 5)
        there = listener.accept()[0]
        there.sendall(b"%d" % n)
        there.close()  # who ends first has to remember the ports: not the user
        assert user.recv(10) == b"%d" % n and user.recv(10) == b""
        user.close()
    assert relayed(t)["taken"] == 5


def test_default_route_and_kill_switch(lab):
    t = topology(lab, client_options={"routes": ["0.0.0.0/0", f"{FAR}.0/24"], "kill_switch": True})
    name = lab.files.of(3_000_000)
    Fetch(lab, t.c, f"{WEB}{name}").expect(lab.files, name)
    assert relayed(t)["taken"] == 1


def test_an_interface_that_is_made_anew(lab):
    """Connections go on."""
    t = topology(lab, web=False)
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    user = lab.closing(t.c.connect(7000, f"{FAR}.2"))
    there = lab.closing(listener.accept()[0])
    t.c.ip("link", "del", "tun0")
    t.client.process.wait_log("interface tun0 was removed by somebody else; it is made anew")
    wait_route(t.c)
    user.settimeout(60)
    user.sendall(b"still there?")
    there.settimeout(60)
    assert there.recv(100) == b"still there?"
    lab.closing(t.c.connect(7000, f"{FAR}.2", timeout=60))
    assert relayed(t)["taken"] == 2


def test_a_reload_of_the_server_s_rules(lab):
    t = topology(lab, web=False)
    listener = lab.closing(t.i.listen(7000, f"{FAR}.2"))
    first = lab.closing(t.c.connect(7000, f"{FAR}.2"))
    there = lab.closing(listener.accept()[0])
    text = t.server.conf.read_text()
    assert '["relay_tcp"] = true' in text
    t.server.conf.write_text(text.replace('["relay_tcp"] = true', '["relay_tcp"] = {deny = {"*:7000"}}'))
    t.server.process.signal(signal.SIGHUP)
    wait_until("the rule holds", lambda: refusal(t.c, f"{FAR}.2", 7000, timeout=1) == errno.EAGAIN, 10)
    assert relayed(t)["passed"] >= 1
    first.sendall(b"goes on")
    assert there.recv(100) == b"goes on"


def test_another_server_when_one_falls_silent(lab):
    """A connection that is asked for meanwhile comes about through the other one."""
    c, s, r, i = lab.netns("c"), lab.netns("s"), lab.netns("r"), lab.netns("i")
    Link(lab, c, s, net="10.90.0", device="lnk0", **LINK)
    Link(lab, c, r, net="10.90.1", device="lnk1", device_b="lnk1", **LINK)
    veth(s, i, net=FAR, device="vth1")
    veth(r, i, net="198.51.100", device="vth2")
    for ns, device in ((s, "vth1"), (r, "vth2")):
        ns.ip("addr", "add", "192.0.2.1/24" if ns is s else "192.0.2.2/24", "dev", device)
    i.ip("addr", "add", "192.0.2.9/32", "dev", "lo")
    for ns, via in ((s, f"{FAR}.2"), (r, "198.51.100.2")):
        ns.ip("route", "add", "192.0.2.9/32", "via", via)
    Nginx(lab, i, lab.files, port=8000, addr="192.0.2.9", who="far")
    ends = [tun_server(lab, s, relay_tcp=True), tun_server(lab, r, role="server-r", relay_tcp=True)]
    near = tun_client(lab, c, ["10.90.0.2", "10.90.1.2"], relay_tcp=True, routes=["192.0.2.9/32"])
    wait_until("the route is there", lambda: "192.0.2.9 dev tun0" in c.ip("route", "show"), 10)
    assert curl(c, "http://192.0.2.9:8000/who") == "far"
    uses = re.findall(r"the TUN uses 10\.90\.(\d)\.2", near.process.log())[-1]
    silent = ends[int(uses)].process
    silent.must_exit_0 = False
    silent.signal(signal.SIGSTOP)
    try:
        assert curl(c, "http://192.0.2.9:8000/who", timeout=40) == "far"
    finally:
        silent.signal(signal.SIGCONT)


def test_a_narrower_lan(lab):
    """What is told to the destination ("too big") is for our own TCP."""
    t = topology(lab, web=False, lan=True, server_options={"tun_ip6": "fd00:77::1/64"},
                 client_options={"tun_ip6": "fd00:77::2/64", "routes": ["2001:db8:1::/48", f"{FAR}.0/24"]})
    for ns, host in ((t.s, 1), (t.i, 2)):
        ns.ip("addr", "add", f"2001:db8:1::{host}/64", "dev", "vth1", "nodad")
    for ns, host in ((t.c, 1), (t.h, 2)):
        ns.ip("addr", "add", f"2001:db8:2::{host}/64", "dev", "vth2", "nodad")
    t.h.ip("route", "add", "default", "via", "2001:db8:2::1")
    t.c.ip("link", "set", "vth2", "mtu", "1300")
    Nginx(lab, t.i, lab.files, port=8000, addr=f"{FAR}.2", who="far")
    Nginx(lab, t.i, lab.files, port=8001, addr="[2001:db8:1::2]", who="six")
    name = lab.files.of(300_000)
    for url in (WEB, "http://[2001:db8:1::2]:8001/"):
        Fetch(lab, t.h, f"{url}{name}", timeout=2).expect(lab.files, name)
    assert relayed(t)["taken"] == 2
