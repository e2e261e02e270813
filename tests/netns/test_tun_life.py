# SPDX-License-Identifier: MIT
"""What the TUN modes live through: a change of address, a restart, narrow paths, ends without offloads, scripts.

    c: tun0 10.77.0.2 skcptun --lnk0==== link ====lnk0-- skcptun tun0 10.77.0.1 :s
"""
import contextlib
import hashlib
import re
import socket
import threading
import time

import pytest
from lab import GUARD, PATIENCE, wait_until
from link import Link
from tun import NET, Iperf, inside, iperf, ping, ping_until, received_mbit, tun_client, tun_pair, tun_server
from tunnel import wait_server

pytestmark = pytest.mark.light

LINK = {"rate": 50, "delay": "10ms", "buffer": "50ms"}
SERVER, CLIENT = f"{NET}.1", f"{NET}.2"
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2  # linux/in.h; Python does not name them


class Echo:
    """An inner TCP connection from c to s that sends a line back."""

    def __init__(self, lab, t):
        listener = lab.closing(t.s.listen(7000, SERVER))
        self.user = lab.closing(t.c.connect(7000, SERVER))
        self.there = lab.closing(listener.accept()[0])
        self.user.settimeout(30 * GUARD)
        self.there.settimeout(30 * GUARD)

    def ask(self, text=b"hello"):
        self.user.sendall(text)
        assert self.there.recv(len(text)) == text
        self.there.sendall(text)
        assert self.user.recv(len(text)) == text

    def exchange(self, size):
        """So many bytes both ways."""
        data = hashlib.sha256(b"more").digest() * (size // 32)
        for one, other in ((self.user, self.there), (self.there, self.user)):
            sender = threading.Thread(target=one.sendall, args=(data,))
            sender.start()
            got = bytearray()
            while len(got) < len(data):
                piece = other.recv(1 << 18)
                assert piece
                got += piece
            sender.join()
            assert got == data


def test_inner_connection_survives_address_change_and_restart(lab):
    t = tun_pair(lab, **LINK)
    echo = Echo(lab, t)
    echo.ask()
    # The client's packets come from another address from now on.
    t.c.ip("addr", "del", "10.90.0.1/24", "dev", "lnk0")
    t.c.ip("addr", "add", "10.90.0.77/24", "dev", "lnk0")
    began = time.monotonic()
    echo.ask()
    moved = time.monotonic() - began
    wait_until("the server saw it", lambda: t.server.sessions()[0]["peer"].startswith("10.90.0.77:"), 10)
    cid = t.server.sessions()[0]["cid"]
    # The server is killed and started again; its interface with the address of the connection vanishes meanwhile.
    t.server.process.kill()
    t.server.start()
    wait_server(t.server)
    began = time.monotonic()
    echo.ask()
    back = time.monotonic() - began
    assert t.server.sessions()[0]["cid"] != cid
    assert moved < 5 * GUARD and back < 8 * GUARD
    lab.note(f"TUN: inner TCP goes on {moved:.1f} s after a change of address, {back:.1f} s after a restart")


def carries(c, wire):
    """Does what goes through the TUN take this link?"""
    before = wire.carried("a2b")
    return ping(c, SERVER, count=10, options=("-s", 1000)).received == 10 and wire.carried("a2b") - before > 10_000


def test_moves_to_another_server_only_when_its_own_is_silent(lab):
    c, s, o = lab.netns("c"), lab.netns("s"), lab.netns("o")
    wire = Link(lab, c, s, **LINK)
    farther = Link(lab, c, o, net="10.90.1", device="lnk1", **{**LINK, "delay": "30ms"})
    tun_server(lab, s)
    tun_server(lab, o, role="other")
    client = tun_client(lab, c, ["10.90.0.2", "10.90.1.2"])
    client.process.wait_log("the TUN uses 10.90.0.2")
    ping_until(c, SERVER)
    assert carries(c, wire)
    wire.set(down=1)
    client.process.wait_log("the TUN uses 10.90.1.2", 10)
    assert carries(c, farther)
    wire.set(down=0)
    time.sleep(3 * PATIENCE)
    assert client.process.log().count("the TUN uses") == 2  # back only when it must


def transfer(t, lab, size=3_000_000):
    """Bytes both ways through an inner connection, checked."""
    data = hashlib.sha256(b"seed").digest() * (size // 32)
    listener = lab.closing(t.s.listen(0, SERVER))
    user = lab.closing(t.c.connect(listener.getsockname()[1], SERVER))
    there = lab.closing(listener.accept()[0])
    for one, other in ((user, there), (there, user)):
        one.settimeout(20 * GUARD)
        other.settimeout(20 * GUARD)
        sender = threading.Thread(target=one.sendall, args=(data,))
        sender.start()
        got = bytearray()
        while len(got) < len(data):
            got += other.recv(1 << 18)
        sender.join()
        assert got == data


OVERHEAD = 52  # of a packet in its datagram
LEAST = 1280


def interface_mtu(ns):
    return int(re.search(r"mtu (\d+)", ns.ip("link", "show", "tun0"))[1])


def found_mtu(t, low, high):
    """The TUN's MTU once both ends have found datagrams of low..high bytes."""
    def look():
        near, far = t.client.sessions(), t.server.sessions()
        if not near or not far or not all(low <= one["mtu"] <= high for one in near + far):
            return None
        mtu = max(near[0]["mtu"] - OVERHEAD, LEAST)
        return mtu if interface_mtu(t.c) == mtu and t.client.status()["tun"]["mtu"] == mtu else None
    return wait_until(f"datagrams of {low} to {high} bytes are found", look, 15, 0.1)


def datagrams_for(lab, t, size, count=20):
    """Datagrams from the client while it sends so many UDP packets of this size, with DF."""
    with t.c.entered():
        sock = lab.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    lab.closing(t.s.udp(9))
    sock.connect((SERVER, 9))
    sniffer = lab.sniff(t.c)
    for _ in range(count):
        sock.send(bytes(size - 28))
        time.sleep(0.01)
    time.sleep(0.3 * PATIENCE)
    return sum(1 for _, to, _ in sniffer.seen if to == 4000)


@pytest.mark.parametrize("mtu", [1500, 1400, 1280])
def test_path_of_each_size_is_no_black_hole(lab, mtu):
    t = tun_pair(lab, mtu=mtu, **LINK)
    transfer(t, lab)  # also while the size is still searched
    inner = found_mtu(t, mtu - 28 - 12, mtu - 28)
    (session,) = t.client.status("--debug")["sessions"]
    assert session["tun_mtu"] == inner and set(session["tun_queue"]) == {"bytes", "packets", "dropped", "marked"}
    transfer(t, lab)
    answers = ping(t.c, SERVER, options=("-M", "do", "-s", inner - 28))
    assert answers.received == 5, answers.text
    sent = datagrams_for(lab, t, inner)
    assert sent >= 40 if mtu == 1280 else 20 <= sent < 30  # beside pings and probes
    out = inside(t.c, "ping", "-n", "-c", 1, "-W", 1, "-M", "do", "-s", inner - 27, SERVER, check=False)
    assert "Message too long" in out or "message too long" in out, out


def test_server_tells_by_session_what_is_too_big(lab):
    """Its interface takes more than the narrow path of one client; what is longer is told, and arrives nevertheless."""
    t = tun_pair(lab, client_options={"tun_ip6": "fd00:77::2/64"}, server_options={"tun_ip6": "fd00:77::1/64"}, mtu=1400,
                 **LINK)
    inner = found_mtu(t, 1360, 1372)
    assert interface_mtu(t.s) == 1472 - OVERHEAD > inner
    out = inside(t.s, "ping", "-n", "-c", 1, "-W", 1, "-M", "do", "-s", inner - 28, CLIENT)
    assert "1 received" in out and "rag" not in out
    out = inside(t.s, "ping", "-n", "-c", 2, "-W", 1, "-M", "do", "-s", inner - 27, CLIENT, check=False)
    assert f"mtu = {inner}" in out or f"mtu={inner}" in out, out
    ping_until(t.s, "fd00:77::2")
    out = inside(t.s, "ping", "-n", "-c", 2, "-W", 1, "-M", "do", "-s", inner - 47, "fd00:77::2", check=False)
    assert f"mtu = {inner}" in out or f"mtu={inner}" in out, out
    assert t.server.status()["tun"]["too_big"] >= 2
    # Where DF is not set nobody has to be told.
    assert ping(t.s, CLIENT, options=("-M", "dont", "-s", "1388")).received == 5


def test_path_becomes_narrow_and_wide_again(lab):
    t = tun_pair(lab, **LINK)
    wide = found_mtu(t, 1472, 1472)
    echo = Echo(lab, t)
    echo.exchange(200_000)
    t.link.set(mtu=1400)
    began = time.monotonic()
    echo.exchange(200_000)
    lab.note(f"TUN: 400 kB of an inner connection went {time.monotonic() - began:.1f} s after the path's MTU fell to 1400")
    narrow = found_mtu(t, 1360, 1372)
    assert narrow < wide
    echo.exchange(200_000)
    transfer(t, lab, 500_000)
    # After a change of the client's address both ends take the path for a new one, and search anew.
    t.link.set(mtu=1500)
    t.c.ip("addr", "add", "10.90.0.77/24", "dev", "lnk0")
    t.c.ip("addr", "del", "10.90.0.1/24", "dev", "lnk0")
    if "10.90.0.77" not in t.c.ip("addr", "show", "dev", "lnk0"):  # it went with the first, as its secondary
        t.c.ip("addr", "add", "10.90.0.77/24", "dev", "lnk0")
    echo.exchange(1000)
    wait_until("the server found it", lambda: t.server.sessions()[0]["tun_mtu"] == wide, 15)
    assert found_mtu(t, 1472, 1472) == wide
    echo.exchange(200_000)


def test_mtu_follows_after_privileges_were_dropped(lab):
    lab.dir.chmod(0o755)
    t = tun_pair(lab, client_options={"top": {"user": "nobody"}}, mtu=1400, **LINK)
    with open(f"/proc/{t.client.process.pid}/status", encoding="ascii") as status:
        assert not re.search(r"^Uid:\t0", status.read(), re.M)
    inner = found_mtu(t, 1360, 1372)
    assert f"MTU of tun0 is {inner} now" in t.client.process.log()


def test_configured_mtu_stays(lab):
    t = tun_pair(lab, client_options={"tun_mtu": 1400}, server_options={"tun_mtu": 1400}, mtu=1280, **LINK)
    wait_until("the size is found", lambda: 1240 <= t.client.sessions()[0]["mtu"] <= 1252, 15)
    assert interface_mtu(t.c) == t.client.sessions()[0]["tun_mtu"] == 1400
    assert ping(t.c, SERVER, options=("-M", "do", "-s", "1372")).received == 5
    transfer(t, lab)


def test_packet_too_big_is_told(lab):
    """The far end takes less than this one: who sends through it learns."""
    t = tun_pair(lab, client_options={"tun_mtu": 1500}, server_options={"tun_mtu": 1300}, **LINK)
    out = inside(t.s, "ping", "-n", "-c", 1, "-W", 1, "-M", "do", "-s", "1400", CLIENT, check=False)
    assert "mtu=1300" in out or "Message too long" in out, out
    transfer(t, lab)
    assert ping(t.c, SERVER, options=("-s", "1400")).received == 5


def test_interface_removed_by_somebody_else(lab):
    hook = lab.dir / "hook.sh"
    hook.write_text(f"#!/bin/sh\necho $SKT_EVENT >> {lab.dir}/hook.log\n")
    hook.chmod(0o755)
    t = tun_pair(lab, client_options={"routes": ["10.95.0.0/16"], "up": str(hook), "down": str(hook)},
                 server_options={"routes": ["10.96.0.0/16"]}, **LINK)
    found_mtu(t, 1472, 1472)
    echo = Echo(lab, t)
    echo.ask()
    wait_until("the client's routes are there", lambda: "10.95.0.0/16" in t.c.ip("route", "show"), 5)
    routes = t.c.ip("route", "show")
    for ns, end in ((t.c, t.client), (t.s, t.server)):
        ns.ip("link", "del", "tun0")
        end.process.wait_log("tun0 was removed by somebody else; it is made anew")
    wait_until("the client's routes are back", lambda: t.c.ip("route", "show") == routes, 5)
    wait_until("the server's are", lambda: "10.96.0.0/16 dev tun0" in t.s.ip("route", "show"), 5)
    ping_until(t.c, SERVER)
    assert interface_mtu(t.c) == 1472 - OVERHEAD
    echo.ask()  # addresses of a connection may go and come
    wait_until("the scripts ran", lambda: (lab.dir / "hook.log").read_text().split() == ["up", "down", "up"], 5)
    # Somebody who does it all the time is not fought with.
    for _ in range(5):
        wait_until("it is there", lambda: "UP" in inside(t.c, "ip", "link", "show", "tun0", check=False), 5, 0.02)
        t.c.ip("link", "del", "tun0")
    assert t.client.process.wait(10) == 1
    assert "can't be made anew: that was the 6th time within a minute" in t.client.process.log()


def test_interface_removed_after_privileges_were_dropped(lab):
    lab.dir.chmod(0o755)
    t = tun_pair(lab, client_options={"top": {"user": "nobody"}, "routes": ["10.95.0.0/16"]}, **LINK)
    assert ping(t.c, SERVER).received == 5
    t.c.ip("link", "del", "tun0")
    assert t.client.process.wait(10) == 1  # so that it is started again, with privileges
    assert "removed by somebody else, and can't be made anew" in t.client.process.log()
    assert "needs root or CAP_NET_ADMIN" in t.client.process.log()
    assert "10.95" not in t.c.ip("route", "show")


@pytest.mark.parametrize("plain", ["client", "server", "both"])
def test_end_without_offloads(lab, plain):
    off = {"tun_offload": False}
    t = tun_pair(lab, client_options=off if plain != "server" else {}, server_options=off if plain != "client" else {},
                 **LINK)
    transfer(t, lab)
    assert t.client.status()["tun"]["offload"] == (plain == "server")
    assert t.server.status()["tun"]["offload"] == (plain == "client")
    # One packet of the TUN is one of the peer's, and none is longer than its MTU.
    tun = t.client.status()["tun"]
    if plain == "both":
        assert tun["bytes_in"] / tun["packets_in"] <= 1420


def test_single_segments_are_joined(lab):
    """What comes singly, from an end without offloads, is written in larger packets at the other one, unharmed."""
    t = tun_pair(lab, client_options={"tun_offload": False}, rate=300, delay="2ms", buffer="50ms")
    Echo(lab, t).exchange(20_000_000)
    tun = t.server.status()["tun"]
    size = tun["bytes_out"] / tun["packets_out"]
    lab.note(f"TUN without offloads at the sending end: {size:.0f} bytes a write at the other one")
    assert size > 1420 and tun["malformed"] == tun["overflow"] == 0


@pytest.mark.parametrize("offload", [True, False])
def test_datagrams_are_joined_and_come_out_single(lab, offload):
    """Small datagrams in a row are written in one packet where the TUN takes such, and arrive as they were sent."""
    t = tun_pair(lab, server_options={} if offload else {"tun_offload": False}, rate=300, delay="2ms", buffer="50ms")
    out, into = lab.closing(t.c.udp()), lab.closing(t.s.udp(5000, timeout=5))
    sent = [i.to_bytes(4, "big") * (25 if i % 40 else 7) for i in range(300)]  # the TUN's own queue holds 500
    for data in sent:
        out.sendto(data, (SERVER, 5000))
    got = []
    with contextlib.suppress(TimeoutError):  # a busy machine may lose some, in its socket's buffer or our short queue
        while len(got) < len(sent):
            got.append(into.recv(2000))
    assert len(got) > 100 and [data for data in sent if data in set(got)] == got
    tun = t.server.status()["tun"]
    lab.note(f"{len(got)} small datagrams through the TUN, offloads {offload}: {tun['packets_out']} writes at the other end")
    assert tun["malformed"] == tun["overflow"] == 0
    assert tun["packets_out"] < len(got) if offload else tun["packets_out"] >= len(got)


def test_offloads_carry_large_packets(lab):
    t = tun_pair(lab, rate=300, delay="2ms", buffer="50ms")
    Iperf(lab, t.s)
    assert received_mbit(iperf(t.c, SERVER, 2)) > 2
    tun = t.server.status()["tun"]
    assert tun["offload"] and tun["bytes_out"] / tun["packets_out"] > 3000
    # At a rate whose packets the TUN's queue of 500 holds while a busy machine has no time for the program.
    udp = iperf(t.c, SERVER, 1, 5201, "-u", "-b", "2M", "-l", "1300", "--udp-counters-64bit")
    assert udp["end"]["sum"]["lost_percent"] < 1


def test_ipv6_inside(lab):
    t = tun_pair(lab, client_options={"tun_ip6": "fd00:77::2/64"}, server_options={"tun_ip6": "fd00:77::1/64"}, **LINK)
    ping_until(t.c, "fd00:77::1")
    assert ping(t.c, "fd00:77::1").received == 5
    assert ping(t.s, "fd00:77::2").received == 5
    Iperf(lab, t.s)
    assert received_mbit(iperf(t.c, "fd00:77::1", 1)) > 0.5


SCRIPT = """
local conf, api, cb = skt.conf, skt.api, skt.cb
local tun, skcp, cid
local longest = 0

function cb.on_init(loop, tun_fd)
    tun = tun_fd
    skcp = api.skcp_init(conf.skcp_conf_list[1].raw, loop, ROLE)
    if ROLE == 2 then
        api.skcp_req_cid(skcp, conf.skcp_conf_list[1].ticket)
    end
end

function cb.on_skcp_check_ticket() return 0 end
function cb.on_skcp_accept(s, c) cid = c end
function cb.on_skcp_recv_cid(s, c) cid = c api.log("session " .. c .. " is mine") end

function cb.on_tun_read(buf)
    if #buf > longest then
        longest = #buf
        api.log("longest " .. longest)
    end
    if cid then
        api.skcp_send(skcp, cid, buf)
    end
end

function cb.on_skcp_recv_data(s, c, buf)
    assert(api.tuntap_write(tun, buf) == #buf)
end
"""


def test_scripts_read_the_tun(lab):
    """Both ends as the original's scripts are: packets as messages. The TUNs have offloads; the script sees none."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, **LINK)
    for role, number in (("server", 1), ("client", 2)):
        (lab.dir / f"{role}.lua").write_text(SCRIPT.replace("ROLE", str(number)))
    tun_server(lab, s, top={"script_file": str(lab.dir / "server.lua")})
    client = tun_client(lab, c, ["10.90.0.2"], top={"script_file": str(lab.dir / "client.lua")})
    client.process.wait_log("is mine")
    ping_until(c, SERVER)

    class T:
        pass
    T.c, T.s = c, s
    transfer(T, lab, 1_000_000)
    assert client.status()["tun"]["offload"]
    assert "longest 1420" in client.process.log()
    assert all(int(line.rsplit(" ", 1)[1]) <= 1420 for line in client.process.log().splitlines() if "longest" in line)


def test_script_takes_the_tun_from_a_peer_with_offloads(lab):
    """A script at the client; the server is the built-in one and sends packets as flows."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, **LINK)
    (lab.dir / "mine.lua").write_text("""
        local client = require("skt.tun_client")
        local seen = 0
        function skt.cb.on_tun_read(buf)
            if buf:byte(10) ~= 1 then
                return -- the system's own chatter
            end
            seen = seen + 1
            if seen == 3 then
                skt.cb.on_tun_read = nil -- the sessions have it again
                skt.api.log("saw three packets")
            end
        end
    """)
    tun_server(lab, s)
    client = tun_client(lab, c, ["10.90.0.2"], top={"script_file": str(lab.dir / "mine.lua")})
    assert ping(c, SERVER, count=3, wait=1).received == 0
    client.process.wait_log("saw three packets")
    assert ping(c, SERVER).received == 5
