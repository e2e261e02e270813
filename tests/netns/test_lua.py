# SPDX-License-Identifier: MIT
"""A whole proxy in Lua, written from the original's document alone: no byte takes the C relay.

    c: socket -> 127.0.0.1:8080 script --lnk0==== 500 Mbit/s, RTT 10 ms, 2 % loss ====lnk0-- script -> target :s

tests/script/scripts/lua_proxy_*.lua: framing of their own, many connections over one cid, a ping in on_beat;
lua_tun.lua: both ends of a TUN pair.
"""
import concurrent.futures
import hashlib
import time

import pytest
from lab import GUARD, INSTRUMENTED, ROOT, SCALE, wait_until
from link import Link
from test_stream import MEMORY, Sender, read_all
from tun import NET, ping, ping_until, tun_client, tun_server
from tunnel import PASSWORD, TICKET, Skcptun, client, wait_server, wait_session

SCRIPTS = ROOT / "tests/script/scripts"
LINK = {"rate": 500, "delay": "5ms", "loss": 0.02, "buffer": "50ms"}


def script_tunnel(lab, read_buf=65536):
    c, s = lab.netns("c"), lab.netns("s")
    link = Link(lab, c, s, **LINK)
    far = Skcptun(lab, s, "server", "proxy_server", {
        "tcp_target_addr": "127.0.0.1", "tcp_target_port": 7000, "tcp_read_buf_size": read_buf,
        "skcp_servers": [{"address": "0.0.0.0", "port": 4000, "password": PASSWORD}]},
        top={"script_file": str(SCRIPTS / "lua_proxy_server.lua")}).start()
    wait_server(far)
    near = Skcptun(lab, c, "client", "proxy_client", {
        "tcp_listen_addr": "127.0.0.1", "tcp_listen_port": 8080, "tcp_read_buf_size": read_buf,
        "skcp_remote_servers": [{"address": "10.90.0.2", "port": 4000, "password": PASSWORD, "ticket": TICKET}]},
        top={"script_file": str(SCRIPTS / "lua_proxy_client.lua")}).start()
    near.process.wait_port(8080)
    wait_session(near)
    return c, s, link, near, far


def no_errors(*ends):
    for end in ends:
        assert "traceback" not in end.process.log(), end.process.log()[-3000:]


def joined(lab, c, listener):
    """One connection through the scripts, told apart from others by its first byte."""
    user = lab.closing(c.connect(8080))
    user.sendall(b"!")  # the script connects to the target with the first byte
    target = lab.closing(listener.accept()[0])
    for sock in (user, target):
        sock.settimeout(60 * GUARD)
    assert target.recv(1) == b"!"
    return user, target


def send(sock, size, seed):
    """A pattern of so many bytes, and its digest."""
    digest, sent = hashlib.sha256(), 0
    while sent < size:
        data = (hashlib.sha256(f"{seed} {sent}".encode()).digest() * 2048)[:size - sent]
        sock.sendall(data)
        digest.update(data)
        sent += len(data)
    return digest.digest()


def receive(sock, size):
    digest = hashlib.sha256()
    while size > 0:
        data = sock.recv(min(size, 1 << 18))
        assert data, f"the end came {size} bytes early"
        digest.update(data)
        size -= len(data)
    return digest.digest()


def test_100_mb_through_scripts(lab):
    """100 MB through one cid: four connections down, one up, at the same time; then the ends arrive."""
    c, s, link, near, far = script_tunnel(lab)
    listener = lab.closing(s.listen(7000))
    pairs = [joined(lab, c, listener) for _ in range(5)]
    size = max(10_000, int(20_000_000 * SCALE))
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        work = []
        for i, (user, target) in enumerate(pairs):
            source, sink = (user, target) if i == 0 else (target, user)
            work.append((pool.submit(send, source, size, i), pool.submit(receive, sink, size)))
        for sent, got in work:
            assert sent.result() == got.result()
    took = time.monotonic() - began
    for user, target in pairs[:2]:
        target.close()
        assert user.recv(1) == b""
    user, target = pairs[2]
    user.close()
    assert target.recv(1) == b""
    no_errors(near, far)
    lab.note(f"a proxy in Lua: {5 * size / 1e6:.0f} MB in {took:.1f} s, {5 * size * 8e-6 / took:.0f} Mbit/s, 2 % loss")


def slow_reader(lab, direction):
    c, s, _, near, far = script_tunnel(lab)
    listener = lab.closing(s.listen(7000))
    user, target = joined(lab, c, listener)
    writer, reader = (user, target) if direction == "up" else (target, user)
    sender = Sender(writer)

    def stalled():
        before = sender.sent
        time.sleep(1)
        return before if before and sender.sent == before else None

    accepted = wait_until("the sender is held back", stalled, 40)
    assert accepted < MEMORY
    sender.enough.set()
    digest, count = hashlib.sha256(), 0
    while sender.is_alive() or count < sender.sent:
        data = reader.recv(1 << 18)
        digest.update(data)
        count += len(data)
        if count >= sender.sent:
            sender.join(0.05)
    assert sender.error is None and count == sender.sent and digest.digest() == sender.digest.digest()
    assert read_all(reader) == 0  # and then the end
    no_errors(near, far)
    if not INSTRUMENTED:
        used = [end.process.memory() for end in (near, far)]
        assert max(used) < MEMORY
        lab.note(f"slow reader of a proxy in Lua, {direction}: {accepted / 1e6:.1f} MB accepted, at most "
                 f"{max(used) / 1e6:.1f} MB of memory")


@pytest.mark.light
def test_slow_reader_up(lab):
    slow_reader(lab, "up")


@pytest.mark.light
def test_slow_reader_down(lab):
    slow_reader(lab, "down")


def test_100_mb_through_a_tun_pair_of_scripts(lab):
    """TCP inside, 50 MB each way, every packet a message."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, **LINK)
    script = {"script_file": str(SCRIPTS / "lua_tun.lua")}
    far = tun_server(lab, s, top=script)
    near = tun_client(lab, c, ["10.90.0.2"], top=script)
    ping_until(c, f"{NET}.1")
    listener = lab.closing(s.listen(7000, f"{NET}.1"))
    user = lab.closing(c.connect(7000, f"{NET}.1"))
    there = lab.closing(listener.accept()[0])
    for sock in (user, there):
        sock.settimeout(60 * GUARD)
    size = max(10_000, int(50_000_000 * SCALE))
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ways = [(pool.submit(send, a, size, i), pool.submit(receive, b, size))
                for i, (a, b) in enumerate(((user, there), (there, user)))]
        for sent, got in ways:
            assert sent.result() == got.result()
    took = time.monotonic() - began
    no_errors(near, far)
    lab.note(f"a TUN pair in Lua: {2 * size / 1e6:.0f} MB in {took:.1f} s, {2 * size * 8e-6 / took:.0f} Mbit/s, 2 % loss")
    if not INSTRUMENTED:
        assert max(end.process.memory() for end in (near, far)) < MEMORY


def test_custom_modes_with_a_tun(lab):
    """The same script under mode names of its own, which ask for a TUN by their fields."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, **LINK)
    script = {"script_file": str(SCRIPTS / "lua_tun.lua")}
    far = tun_server(lab, s, top=script, name="my_server")
    near = tun_client(lab, c, ["10.90.0.2"], top=script, name="my_client")
    ping_until(c, f"{NET}.1")
    assert ping(c, f"{NET}.1", count=20).received >= 18
    no_errors(near, far)


@pytest.mark.light
@pytest.mark.parametrize("scripted", ["client", "server"])
def test_a_tun_script_at_one_end_is_said(lab, scripted):
    """At both ends, before a packet is lost between them."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="5ms")
    script = {"script_file": str(SCRIPTS / "lua_tun.lua")}
    far = tun_server(lab, s, top=script if scripted == "server" else None)
    near = tun_client(lab, c, ["10.90.0.2"], top=script if scripted == "client" else None, wait=False)
    if scripted == "server":
        why = "the client runs the built-in mode, and the server a script of its own"
        near.process.wait_log(f"the server 10.90.0.2 refused: {why}")
        far.process.wait_log(f"refused a client at .*: {why}")
    else:
        near.process.wait_log("our script waits for messages, and the other end runs the built-in mode")
        far.process.wait_log("a script of its own runs at the other end .* the built-in mode tun_server here sends none")


@pytest.mark.light
def test_a_proxy_client_at_a_tun_server_is_said(lab):
    """Modes of two kinds: at both ends, by the handshake."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="5ms")
    far = tun_server(lab, s)
    near = client(lab, c, ["10.90.0.2"])
    near.process.wait_log("refused: it runs a TUN mode, and we do not; both ends need the same kind")
    far.process.wait_log("can't serve a client at 10.90.0.1:[0-9]*: it runs a proxy mode, we run a TUN mode")


TUN_CALLS = """
local api, cb = skt.api, skt.cb
require "skt.tun_server"
local begin, tun, count = cb.on_init, nil, 0
local function fails(text, value, err) assert(value == nil and err == text, tostring(err)) end

function cb.on_init(loop, tun_fd)
    tun = tun_fd
    fails("buf: not an IP packet", api.tuntap_write(tun, "junk"))
    fails("closed", api.tuntap_write(tun + 1, "junk"))
    begin(loop, tun_fd)
end

function cb.on_skcp_accept(skcp, cid)
    count = count + 1
    local nets = assert(api.tun_attach(skcp, cid))
    assert(nets[1] == "10.77.0." .. count + 1, nets[1])
    fails('net: expected a network like "192.168.1.0/24"', api.tun_route(skcp, cid, "junk"))
    fails("closed", api.tun_route(skcp, 1, "192.168.9.0/24"))
    fails("closed", api.tun_attach(skcp, 1))
    if count == 1 then
        assert(api.tun_route(skcp, cid, "192.168.9.0/24"))
    else
        fails("another session has it", api.tun_route(skcp, cid, "192.168.9.0/24"))
        api.log("all calls are as they should be")
    end
end
"""


@pytest.mark.light
def test_what_the_calls_of_the_tun_answer(lab):
    """doc/lua-api.md: tuntap_write, tun_attach, tun_route."""
    c, s = lab.netns("c"), lab.netns("s")
    Link(lab, c, s, delay="5ms")
    (lab.dir / "calls.lua").write_text(TUN_CALLS)
    far = tun_server(lab, s, top={"script_file": str(lab.dir / "calls.lua")})
    tun_client(lab, c, ["10.90.0.2"])
    tun_client(lab, c, ["10.90.0.2"], role="second", host=3, ticket="x" * 32, tun_name="tun1")
    far.process.wait_log("all calls are as they should be")
    no_errors(far)
