# SPDX-License-Identifier: MIT
"""The lab's own link: what the other tests rely on.

    A 10.90.0.1 --lnk0==== skt-link ====lnk0-- 10.90.0.2 B
"""
import json
import socket
import time

import pytest
from link import Link
from web import Fetch, Nginx

pytestmark = [pytest.mark.light, pytest.mark.link]

SO_RCVBUFFORCE = 33
IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO, IP_PMTUDISC_PROBE = 10, 0, 2, 3


def pair(lab, **settings):
    a, b = lab.netns("a"), lab.netns("b")
    return a, b, Link(lab, a, b, **settings)


def ends(lab, a, b):
    out, into = lab.closing(a.udp()), lab.closing(b.udp(5000))
    into.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    return out, into


def drain(sock, seconds=0.3):
    got = []
    sock.settimeout(seconds)
    try:
        while True:
            got.append(sock.recvfrom(65536))
    except TimeoutError:
        return got


def send_numbered(sock, count, size=100):
    for i in range(count):
        sock.sendto(i.to_bytes(4, "big") + bytes(size - 4), ("10.90.0.2", 5000))
        if i % 50 == 49:
            time.sleep(0.002)


def numbers_of(got):
    return [int.from_bytes(data[:4], "big") for data, _ in got]


def test_delay_is_kept(lab):
    a, b, _ = pair(lab, delay="20ms")
    out, into = ends(lab, a, b)
    took = []
    for _ in range(20):
        began = time.monotonic()
        out.sendto(b"there", ("10.90.0.2", 5000))
        into.sendto(b"and back", into.recvfrom(100)[1])
        out.recv(100)
        took.append(time.monotonic() - began)
    took.sort()
    assert 0.040 <= took[0] < 0.4  # the best of them, since a busy machine adds to each


def test_loss_has_its_share_and_is_the_same_with_the_same_seed(lab):
    lost = []
    for net in ("a", "b"):
        a, b = lab.netns(f"a{net}"), lab.netns(f"b{net}")
        Link(lab, a, b, loss=0.1, seed=11)
        out, into = ends(lab, a, b)
        send_numbered(out, 2000)
        lost.append(sorted(set(range(2000)) - set(numbers_of(drain(into)))))
    assert 150 <= len(lost[0]) <= 250
    assert lost[0] == lost[1]


def test_bursts_come_together(lab):
    a, b, _ = pair(lab, burst="0.01,0.2")
    out, into = ends(lab, a, b)
    send_numbered(out, 4000)
    got = set(numbers_of(drain(into)))
    lost = [i for i in range(4000) if i not in got]
    bursts = sum(1 for i in lost if i - 1 in got or i == 0)
    # A share of 0.01 / 0.21 is lost, in runs of 5 on average.
    assert 100 < len(lost) < 320
    assert 3 < len(lost) / bursts < 8


def test_reordering_and_duplication(lab):
    a, b, link = pair(lab, delay="2ms", reorder="0.1,3ms", dup=0.05)
    out, into = ends(lab, a, b)
    send_numbered(out, 1000)
    got = numbers_of(drain(into))
    assert set(got) == set(range(1000))
    assert 25 < len(got) - 1000 < 90
    assert any(later < earlier for earlier, later in zip(got, got[1:]))
    stats = link.stats()["a2b"]
    assert stats["out_packets"] == len(got) and 60 < stats["reordered"] < 150


def test_jitter_keeps_the_order(lab):
    a, b, _ = pair(lab, delay="5ms", jitter="4ms")
    out, into = ends(lab, a, b)
    send_numbered(out, 500)
    assert numbers_of(drain(into)) == list(range(500))


def test_rate_and_buffer(lab):
    a, b, link = pair(lab, rate=8, buffer="50ms")
    out, into = ends(lab, a, b)
    began = time.monotonic()
    for i in range(100):
        out.sendto(i.to_bytes(4, "big") + bytes(968), ("10.90.0.2", 5000))
    got = drain(into)
    # 1000-byte packets at 1 ms each: 50 wait, one is on its way, all others find the buffer full (on a busy machine the
    # link may take them in later, and then in more than one go).
    assert 50 <= len(got) < 100
    assert time.monotonic() - began - 0.3 > 0.045
    stats = link.stats()
    assert stats["a2b"]["overflow"] == 100 - len(got)
    waited = stats["a2b"]["waited"]
    assert waited["count"] == len(got)
    assert 40_000 < waited["max"] <= 50_000  # one that finds the buffer just not full
    assert waited["500"] <= waited["900"] <= waited["990"] <= waited["max"]
    assert stats["a2b"]["late"]["count"] == len(got)
    assert stats["turns"]["count"] > 0
    link.mark()
    stats = link.stats()
    assert stats["a2b"]["waited"] == {"count": 0, "500": 0, "900": 0, "990": 0, "999": 0, "max": 0}
    assert stats["a2b"]["overflow"] == 100 - len(got)  # counters go on


def test_a_trace_lets_pass_what_it_says(lab):
    trace = lab.dir / "trace"
    trace.write_text("".join(f"{ms}\n" for ms in range(5, 505, 5)))
    a, b, link = pair(lab, a2b_trace=trace, queue_bytes=30000)
    assert json.loads(link.command("capacity 1010")) == {"a2b": 202 * 1504, "b2a": None}
    out, into = ends(lab, a, b)
    link.command("rewind")
    for i in range(100):
        out.sendto(i.to_bytes(4, "big") + bytes(968), ("10.90.0.2", 5000))
    got = numbers_of(drain(into))
    stats = link.stats()["a2b"]
    # 30 are in the queue at once; on a busy machine the link takes the others in later, when some have left.
    assert 30 <= len(got) and got == sorted(got)
    assert len(got) + stats["overflow"] == 100 and stats["queued"] == 0
    assert stats["waited"]["count"] == len(got) and stats["waited"]["max"] >= 50_000
    link.set(direction="a2b", trace="none")
    assert json.loads(link.command("capacity 10")) == {"a2b": None, "b2a": None}


def test_path_mtu_black_hole_icmp_and_fragments(lab):
    a, b, link = pair(lab, mtu=1280)
    out, into = ends(lab, a, b)
    out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    for size in (1252, 1253):
        out.sendto(bytes(size), ("10.90.0.2", 5000))
    assert [len(data) for data, _ in drain(into)] == [1252]
    assert link.stats()["a2b"]["too_big"] == 1
    out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    body = bytes(i * 7 & 255 for i in range(1472))
    out.sendto(body, ("10.90.0.2", 5000))
    assert [data for data, _ in drain(into)] == [body]
    assert link.stats()["a2b"]["fragmented"] == 1
    link.set(icmp=1)
    out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    out.connect(("10.90.0.2", 5000))
    out.send(bytes(1400))
    time.sleep(0.1)
    with pytest.raises(OSError):
        out.send(bytes(1400))


def test_rebind_gives_new_ports_and_forgets_the_old(lab):
    a, b, link = pair(lab)
    out, into = ends(lab, a, b)
    out.sendto(b"one", ("10.90.0.2", 5000))
    _, before = into.recvfrom(100)
    assert before == ("10.90.0.1", out.getsockname()[1])
    for command, addr in (("rebind", "10.90.0.1"), ("rebind 10.90.0.77", "10.90.0.77")):
        link.command(command)
        out.sendto(b"two" * 100, ("10.90.0.2", 5000))  # the kernel checks the checksum
        data, after = into.recvfrom(1000)
        assert data == b"two" * 100 and after[0] == addr and after[1] != before[1]
        into.sendto(b"lost", before)
        into.sendto(b"answer", after)
        assert [data for data, _ in drain(out)] == [b"answer"]
        before = after


def test_down_and_up_one_way(lab):
    a, b, link = pair(lab)
    out, into = ends(lab, a, b)
    link.command("down a2b")
    out.sendto(b"no", ("10.90.0.2", 5000))
    assert not drain(into, 0.1)
    into.sendto(b"yes", ("10.90.0.1", out.getsockname()[1]))
    assert out.recv(10) == b"yes"
    link.command("up")
    out.sendto(b"yes", ("10.90.0.2", 5000))
    assert into.recv(10) == b"yes"


def test_blocked_port_is_dark_both_ways(lab):
    a, b, link = pair(lab)
    out, into = ends(lab, a, b)
    link.set(block=5000)
    out.sendto(b"no", ("10.90.0.2", 5000))
    into.sendto(b"no", ("10.90.0.1", out.getsockname()[1]))
    assert not drain(into, 0.1) and not drain(out, 0.1)
    link.set(block=0)
    out.sendto(b"yes", ("10.90.0.2", 5000))
    assert into.recv(10) == b"yes"


def test_curl_from_nginx_directly(lab):
    a, b, _ = pair(lab, delay="2ms", rate=400)
    Nginx(lab, b, lab.files, addr="10.90.0.2")
    name = lab.files.of(20_000_000)
    Fetch(lab, a, f"http://10.90.0.2/{name}").expect(lab.files, name)
