# SPDX-License-Identifier: MIT
"""Paths that carry less than the tunnel begins with.

    c: curl -> skcptun --vth0==== 10.91.0.0/24 ====vth0-- r --vth1==== 10.92.0.0/24 ====vth1-- skcptun -> nginx :s
"""
import subprocess
import types

import pytest
from lab import GUARD, wait_until
from link import veth
from tun import inside, ping_until, tun_client, tun_server
from tunnel import URL, client, server, wait_session
from web import Fetch, Nginx, sha256_of

pytestmark = pytest.mark.light

SIZE = 3_000_000
# Before fragments are put together again (nf_defrag, -400).
NO_FRAGMENTS = ("add table ip f; add chain ip f i { type filter hook prerouting priority -450; }; "
                "add rule ip f i ip frag-off & 0x3fff != 0 drop")
NO_ICMP = ("add table ip m; add chain ip m o { type filter hook output priority 0; }; "
           "add rule ip m o icmp type destination-unreachable drop")


def routed(lab):
    t = types.SimpleNamespace(c=lab.netns("c"), r=lab.netns("r"), s=lab.netns("s"))
    veth(t.c, t.r)
    veth(t.r, t.s, net="10.92.0", device="vth1")
    inside(t.r, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    t.c.ip("route", "add", "10.92.0.0/24", "via", "10.91.0.2")
    t.s.ip("route", "add", "10.91.0.0/24", "via", "10.92.0.1")
    return t


def narrow_hop(t, mtu):
    """The hop between r and s: r drops what is longer, both ways, and says nothing."""
    t.r.ip("link", "set", "vth1", "mtu", str(mtu))


def no_fragments(t):
    for ns in (t.c, t.s):
        inside(ns, "nft", NO_FRAGMENTS)


def both_ways(lab, t, url=URL, begun=None):
    """A download, at whose 500 kB `begun` is called, and an upload."""
    name = lab.files.of(SIZE, scaled=False)
    limit = ("--limit-rate", "1500k") if begun else ()
    fetch = Fetch(lab, t.c, url + name, *limit, timeout=40)
    if begun:
        begun(fetch)
    fetch.expect(lab.files, name)
    upload = lab.start(t.c, "upload", "curl", "-sS", "--fail", "--max-time", 40 * GUARD,
                       "-T", lab.files.dir / name, url + "put/it", stdout=subprocess.PIPE)
    upload.popen.communicate(timeout=50 * GUARD)
    assert upload.popen.returncode == 0, upload.log()
    assert sha256_of(t.nginx.put / "it") == lab.files.sums[name]


@pytest.mark.parametrize("where,mtu,fragments", [("local", 576, True), ("local", 1000, False), ("hop", 1150, False),
                                                 ("hop", 1000, True), ("hop", 576, False)])
def test_small_from_the_start(lab, where, mtu, fragments):
    t = routed(lab)
    t.nginx = Nginx(lab, t.s, lab.files)
    inside(t.r, "nft", NO_ICMP)
    if not fragments:
        no_fragments(t)
    if where == "local":
        t.c.ip("link", "set", "vth0", "mtu", str(mtu))
        t.r.ip("link", "set", "vth0", "mtu", str(mtu))
    else:
        narrow_hop(t, mtu)
    far = server(lab, t.s)
    near = client(lab, t.c, ["10.92.0.2"])
    wait_session(near)
    both_ways(lab, t)
    for end in (near, far):  # veth takes 4 bytes more, for a VLAN's tag
        wait_until(f"{end.role}: its size", lambda e=end: mtu - 28 - 12 <= e.sessions()[0]["mtu"] <= mtu - 28 + 4, 15)
    if mtu < 1100:
        near.process.wait_log("carries no more than [0-9]+ bytes")


@pytest.mark.parametrize("mtu,fragments", [(1000, False), (1000, True), (576, False)])
def test_small_during_a_transfer(lab, mtu, fragments):
    t = routed(lab)
    t.nginx = Nginx(lab, t.s, lab.files)
    inside(t.r, "nft", NO_ICMP)
    if not fragments:
        no_fragments(t)
    server(lab, t.s)
    near = client(lab, t.c, ["10.92.0.2"])
    wait_session(near)

    def begun(_):
        near.process.wait_port(8080)
        narrow_hop(t, mtu)
    both_ways(lab, t, begun=begun)


def test_tun_over_a_small_hop(lab):
    t = routed(lab)
    t.nginx = Nginx(lab, t.s, lab.files, addr="0.0.0.0")
    inside(t.r, "nft", NO_ICMP)
    no_fragments(t)
    narrow_hop(t, 1000)
    tun_server(lab, t.s)
    tun_client(lab, t.c, ["10.92.0.2"])
    ping_until(t.c, "10.77.0.1")
    both_ways(lab, t, url="http://10.77.0.1/")
