# SPDX-License-Identifier: MIT
"""The path changes under a transfer, which goes on.

    c: curl -> 127.0.0.1:8080 skcptun --lnk0==== 50 Mbit/s, RTT 20 ms, 1 % loss ====lnk0-- skcptun -> 127.0.0.1:80 nginx :s
       10.90.0.1, then 10.90.0.3             (NAT, MTU, outage)
"""
import subprocess
import time

import pytest
from lab import GUARD, wait_until
from tunnel import URL, client, tunnel, wait_session
from web import Fetch, curl, sha256_of

pytestmark = pytest.mark.light

LINK = {"rate": 50, "delay": "10ms", "loss": 0.01, "buffer": "50ms"}
SIZE, PART = 20_000_000, 4_000_000


def under_way(lab, size=SIZE, timeout=60, **link):
    """A tunnel with a download through it of which a part is there."""
    t = tunnel(lab, **{**LINK, **link})
    t.name = lab.files.of(size, scaled=False)
    t.fetch = Fetch(lab, t.c, URL + t.name, timeout=timeout)
    t.link.wait_carried(PART)
    return t


def test_outage_of_30_s(lab):
    t = under_way(lab, timeout=120)
    connection = lab.closing(t.c.connect(8080))
    connection.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"nginx" in connection.recv(1000)
    t.link.command("down")
    time.sleep(30)
    assert t.fetch.running()
    t.link.command("up")
    began = time.monotonic()
    t.link.wait_carried(1_000_000)
    back = time.monotonic() - began
    t.fetch.expect(lab.files, t.name)
    connection.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"nginx" in connection.recv(1000)
    assert back < 5 * GUARD
    lab.note(f"outage of 30 s: 1 MB more {back:.1f} s after its end")


def test_new_port_behind_nat_during_a_download(lab):
    t = under_way(lab)
    t.link.command("rebind")
    t.link.wait_carried(PART)
    t.link.command("rebind")
    t.fetch.expect(lab.files, t.name)
    assert t.fetch.seconds < 20 * GUARD


def test_new_port_behind_nat_during_an_upload(lab):
    t = tunnel(lab, **LINK)
    name = lab.files.of(SIZE, scaled=False)
    upload = lab.start(t.c, "upload", "curl", "-sS", "--fail", "--max-time", 60 * GUARD, "-T", lab.files.dir / name,
                       URL + "put/it", stdout=subprocess.PIPE)
    t.link.wait_carried(PART, "a2b")
    t.link.command("rebind 10.90.0.77")
    upload.popen.communicate(timeout=70 * GUARD)
    assert upload.popen.returncode == 0, upload.log()
    assert sha256_of(t.nginx.put / "it") == lab.files.sums[name]


def test_new_address_of_the_client(lab):
    t = under_way(lab)
    t.c.ip("addr", "add", "10.90.0.3/24", "dev", "lnk0")
    t.c.ip("addr", "del", "10.90.0.1/24", "dev", "lnk0")
    if "10.90.0.3" not in t.c.ip("addr", "show", "dev", "lnk0"):  # it went with the first, as its secondary
        t.c.ip("addr", "add", "10.90.0.3/24", "dev", "lnk0")
    t.fetch.expect(lab.files, t.name)
    assert t.fetch.seconds < 20 * GUARD
    assert any("10.90.0.3" in s["peer"] for s in t.server.sessions())


@pytest.mark.parametrize("icmp", [0, 1], ids=["silent", "icmp"])
def test_path_mtu_drops_to_1280(lab, icmp):
    t = under_way(lab, size=30_000_000)
    before = wait_session(t.server)[0]["mtu"]
    t.link.set(mtu=1280, icmp=icmp)
    began = time.monotonic()
    t.link.wait_carried(1_000_000)
    stalled = time.monotonic() - began
    t.fetch.expect(lab.files, t.name)
    assert stalled < 10 * GUARD
    curl(t.c, "--fail", "-T", str(lab.files.dir / lab.files.of(1_000_000, scaled=False)), URL + "put/it")
    after = wait_session(t.server)[0]["mtu"]
    assert after <= 1280 - 28 < before
    lab.note(f"MTU 1500 to 1280 ({'ICMP' if icmp else 'silent'}): datagrams of {before} to {after}, 1 MB more after {stalled:.1f} s")


def test_datagram_size_is_found(lab):
    t = tunnel(lab, **{**LINK, "mtu": 1420})
    name = lab.files.of(3_000_000, scaled=False)
    Fetch(lab, t.c, URL + name).expect(lab.files, name)
    for end in (t.client, t.server):
        wait_until(f"{end.role} found the MTU", lambda e=end: 1360 <= wait_session(e)[0]["mtu"] <= 1392, 15, 0.5)


def test_bursts_reordering_and_duplicates(lab):
    t = under_way(lab, loss=0.02, burst="0.005,0.3", reorder="0.05,10ms", dup=0.02, jitter="3ms")
    t.fetch.expect(lab.files, t.name)
    lab.note(f"bursts, reordering, duplicates: {SIZE * 8e-6 / t.fetch.seconds:.0f} of 50 Mbit/s")


def test_small_buffer_and_long_path(lab):
    t = under_way(lab, delay="80ms", buffer="20ms", loss=0.05, timeout=90)
    t.fetch.expect(lab.files, t.name)
    lab.note(f"RTT 160 ms, 5 % loss, buffer of 20 ms: {SIZE * 8e-6 / t.fetch.seconds:.0f} of 50 Mbit/s")


def test_over_ipv6(lab):
    t = tunnel(lab, server_options={"entry": {"address": "::"}}, client_options={"start": False}, **LINK)
    for ns, addr in ((t.c, "fd00::1/64"), (t.s, "fd00::2/64")):
        ns.ip("addr", "add", addr, "dev", "lnk0", "nodad")
    six = client(lab, t.c, ["fd00::2"], role="six")
    name = lab.files.of(5_000_000, scaled=False)
    Fetch(lab, t.c, URL + name).expect(lab.files, name)
    assert "fd00::2" in six.sessions()[0]["peer"]
