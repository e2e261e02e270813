# SPDX-License-Identifier: MIT
"""Which addresses a server answers from, and which of a name's a client uses.

    c: curl -> skcptun --vth0==== 10.91.0.0/24, fd00:91::/64 ====vth0-- skcptun -> nginx :s
"""
import types

import pytest
from link import veth
from names import Etc, Names
from tunnel import URL, client, server, wait_session
from web import Nginx, curl

pytestmark = pytest.mark.light

SECOND4, SECOND6 = "10.91.0.9", "fd00:91::9"


def two_hosts(lab):
    """c and s, s with a second address of either family, which is never what it would choose by itself."""
    c, s = lab.netns("c"), lab.netns("s")
    veth(c, s)
    for ns, hosts in ((c, (1,)), (s, (9, 2))):
        for host in hosts:  # IPv6: the one that was added last is preferred
            ns.ip("addr", "add", f"fd00:91::{host}/64", "dev", "vth0", "nodad")
    s.ip("addr", "add", f"{SECOND4}/24", "dev", "vth0")
    Nginx(lab, s, lab.files)
    return types.SimpleNamespace(c=c, s=s)


def served(ns):
    return curl(ns, URL + "who") == "nginx"


@pytest.mark.parametrize("bound,asked", [("0.0.0.0", SECOND4), ("*", SECOND4), ("*", SECOND6), ("::", SECOND6),
                                         ("::", SECOND4), ("::", "10.91.0.2")])
def test_any_address_of_a_server_answers(lab, bound, asked):
    t = two_hosts(lab)
    server(lab, t.s, port="4000-4002", entry={"address": bound})
    near = client(lab, t.c, [(asked, "4000-4002")])
    assert asked in wait_session(near)[0]["peer"]
    assert served(t.c)


def test_both_families_where_there_is_one(lab):
    """A machine without IPv6 (here: not even on the loopback)."""
    t = two_hosts(lab)
    t.s.ip("-6", "addr", "flush", "dev", "vth0")
    server(lab, t.s, entry={"address": "*"})
    wait_session(client(lab, t.c, ["10.91.0.2"]))
    assert served(t.c)


def named(lab, addresses):
    """A client whose server has a name with these addresses, and the server on all of its own."""
    t = two_hosts(lab)
    Names(lab, t.c, "127.0.0.1", {"far.example": addresses})
    etc = Etc(lab, "nameserver 127.0.0.1\n")
    server(lab, t.s, entry={"address": "*"})
    return t, client(lab, t.c, ["far.example"], wrap=etc.wrap)


def test_a_name_with_an_ipv6_address_only(lab):
    t, near = named(lab, ["fd00:91::2"])
    assert "fd00:91::2" in wait_session(near, timeout=5)[0]["peer"]
    assert served(t.c)


def test_a_name_with_a_dead_ipv6_address(lab):
    """Nobody is at its first address, which libc puts before the other one."""
    t, near = named(lab, ["fd00:91::77", "10.91.0.2"])
    assert "10.91.0.2" in wait_session(near, timeout=6)[0]["peer"]
    assert served(t.c)
