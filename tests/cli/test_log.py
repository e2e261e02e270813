# SPDX-License-Identifier: MIT
"""What the log of a running process says, and that it stops nothing."""
import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess

import pytest
from conftest import TICKET, Pair, free_port, skcptun, wait_for

DEBUG = 'log_level = "debug",'


def start_with_stderr(box, path, stderr):
    return box.start(path, log="stdout.log", stderr=stderr)


def full_pipe():
    """A pipe of one page with no room left in it."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 512)
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def goes_on(pair, processes):
    """Traffic and an orderly end."""
    pair.wait_up()
    for n in (10, 100000, 20):
        pair.get(n)
    for process in processes:
        process.signal(signal.SIGTERM)
        assert process.wait(5) == 0


@pytest.mark.parametrize("reader_is", ["absent", "stopped"])
def test_nobody_reads_stderr(box, reader_is):
    pair = Pair(box, {"top": DEBUG}, {"top": DEBUG})
    pair.wait_up()
    ends, helpers = [], []
    for which, path in (("server", pair.server_file), ("client", pair.client_file)):
        getattr(pair, which).signal(signal.SIGTERM)
        assert getattr(pair, which).wait() == 0
        reader, writer = full_pipe()
        if reader_is == "stopped":
            helper = subprocess.Popen(["cat"], stdin=reader, stdout=subprocess.DEVNULL)
            helper.send_signal(signal.SIGSTOP)
            helpers.append(helper)
        ends += [reader, writer]
        setattr(pair, which, start_with_stderr(box, path, writer))
        assert os.get_blocking(writer)  # whoever shares it is not disturbed
    goes_on(pair, [pair.client, pair.server])
    for helper in helpers:
        helper.send_signal(signal.SIGCONT)
        helper.kill()
        helper.wait()
    for fd in ends:
        os.close(fd)


def test_lost_lines_are_counted(box):
    reader, writer = full_pipe()
    path = box.write("server.lua", box.server_config(free_port(socket.SOCK_DGRAM), 1, top=DEBUG))
    process = start_with_stderr(box, path, writer)
    os.close(writer)
    wait_for(lambda: skcptun("status", path).returncode == 0)
    os.set_blocking(reader, False)
    os.read(reader, 65536)
    process.signal(signal.SIGUSR1)

    said = ""

    def has_status():
        nonlocal said
        try:
            said += os.read(reader, 65536).decode()
        except BlockingIOError:
            pass
        return "tcp: 0 open" in said
    wait_for(has_status, what="the status")
    assert re.search(r" warn  [1-9]\d* lines? lost: ", said.splitlines()[0])
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    os.close(reader)


def test_full_disk(box):
    top = DEBUG + 'log_file = "/dev/full",'
    pair = Pair(box, {"top": top}, {"top": top})
    goes_on(pair, [pair.client, pair.server])


def test_status_signal(pair):
    pair.get(1000)
    pair.server.signal(signal.SIGUSR2)  # means nothing
    pair.server.signal(signal.SIGUSR1)
    wait_for(lambda: "datagrams dropped:" in pair.server.log())
    assert re.search(r" info  tcp: \d open, 1 accepted", pair.server.log())
    assert re.search(r" info  skcptun \S+  proxy_server  pid ", pair.server.log())
    pair.server.signal(signal.SIGUSR2)
    pair.get(1000)
    assert pair.server.popen.poll() is None


ALICE = {"table": f'tickets = {{ ["{TICKET}"] = {{ name = "alice" }} }},'}
MANY = 200


def knock(pair, port=None, times=1):
    """Connections that end without a byte."""
    for _ in range(times):
        with contextlib.suppress(ConnectionResetError):
            with socket.create_connection(("127.0.0.1", port or pair.tcp), 10) as s:
                assert s.recv(1) == b""


def lines(process, pattern):
    return [line for line in process.log().splitlines() if re.search(pattern, line)]


def test_target_that_refuses(box):
    pair = Pair(box, ALICE)
    pair.server.signal(signal.SIGKILL)
    pair.server.wait()
    closed = free_port()
    pair.server_file.write_text(re.sub(r"tcp_target_port = \d+", f"tcp_target_port = {closed}",
                                       pair.server_file.read_text()))
    pair.server = box.start(pair.server_file, log="server2.log")
    wait_for(pair.session, 20)
    knock(pair, times=MANY)
    said = lines(pair.server, "Connection refused")
    assert re.search(rf" warn  session \d+ \(alice, 127\.0\.0\.1:\d+\): target \(the default one\), "
                     rf"127\.0\.0\.1 port {closed}: Connection refused$", said[0])
    assert len(said) <= 2
    said = lines(pair.client, "refused the connection")
    assert re.search(r" warn  session \d+: the server says: target refused the connection: \(the default one\)$", said[0])
    assert len(said) <= 2
    pair.server.signal(signal.SIGTERM)
    assert pair.server.wait() == 0
    assert lines(pair.server, rf"{closed}: Connection refused \({MANY - 1} times more in ")


def test_targets_that_are_not_there(box):
    names = [free_port() for _ in range(3)]
    table = "listeners = {" + "".join(
        f'{{ tcp_listen_addr = "127.0.0.1", tcp_listen_port = {port}, target = "{name}" }},'
        for port, name in zip(names, ("lost", "absent", "\\27[31mred"))) + "},"
    pair = Pair(box, {"table": ALICE["table"] + 'targets = { lost = "no-such-name.invalid:80" },'}, {"table": table})
    pair.wait_up()
    for port in names:
        knock(pair, port, 20)
    client = r"session \d+ \(alice, 127\.0\.0\.1:\d+\)"
    (said,) = lines(pair.server, "target lost")
    assert re.search(rf"{client}: target lost, no-such-name\.invalid port 80: \w+", said)
    (said,) = lines(pair.server, '"absent"')
    assert re.search(rf'{client} asks for target "absent": ', said)
    (said,) = lines(pair.server, "red")
    assert r'target "\x1b[31mred"' in said
    assert len(lines(pair.client, "the server says: target unreachable: lost")) == 1
    assert len(lines(pair.client, "the server says: no such target: absent")) == 1


def test_another_password(box):
    pair = Pair(box, client={"secret": 'password = "another one"'})
    wait_for(lambda: lines(pair.server, "do not open"), 20)
    (said,) = lines(pair.server, "do not open")
    assert re.search(r" info  packets from 127\.0\.0\.1:\d+ do not open with our password or key", said)
    assert pair.status("server")["drops"]["auth"] > 0
    (said,) = wait_for(lambda: lines(pair.client, "no answer.*is it running"))
    assert f"127.0.0.1 port {pair.udp}: is it running, " in said and "clock right" in said and len(said) < 250


def test_nobody_listens(box):
    udp = free_port(socket.SOCK_DGRAM)
    process = box.start(box.write("client.lua", box.client_config(udp, free_port())))
    wait_for(lambda: lines(process, "no answer"), 20)
    assert f"127.0.0.1 port {udp}: 127.0.0.1:{udp}: Connection refused: nothing listens" in lines(process, "no answer")[0]
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    assert "is it running" not in process.log()


def test_who_was_there(box):
    pair = Pair(box, ALICE)
    pair.wait_up()
    assert lines(pair.server, r" info  session \d+ is up: alice, 127\.0\.0\.1:\d+, ")
    pair.get(300000)
    pair.client.signal(signal.SIGTERM)
    assert pair.client.wait() == 0
    (said,) = wait_for(lambda: lines(pair.server, "is closed"))
    assert re.search(r"is closed: [^(]+ \(alice, 127\.0\.0\.1:\d+; \d+s, \d+(\.\d)? kB sent, .* received\)$", said)


def test_the_story_of_a_connection(box):
    pair = Pair(box, {"top": DEBUG, **ALICE}, {"top": DEBUG})
    pair.wait_up()
    pair.get(300000)
    (first,) = wait_for(lambda: lines(pair.client, r" debug connection .*: ended after"))
    name = re.search(r"connection (\d+/\d+):", first)[1]
    client = [line.split(" debug ")[1] for line in lines(pair.client, f" debug connection {name}: ")]
    server = [line.split(" debug ")[1] for line in lines(pair.server, f" debug connection {name}: ")]
    assert re.search(r"accepted from 127\.0\.0\.1:\d+, to target \(the default one\)$", client[0])
    assert re.search(r": ended after \d+s: .*; \d+ B from TCP, 300 kB to TCP$", client[1])
    assert re.search(rf": session \d+ \(alice, 127.0.0.1:\d+\) asks for target \(the default one\), 127.0.0.1 port ",
                     server[0])
    assert re.search(rf": connected to 127.0.0.1:{box.target()} in \d+ ms$", server[1])
    assert re.search(r": ended after \d+s: .*; 300 kB from TCP, \d+ B to TCP$", server[2])
    order = ["message 1 to", "message 2 has come", "ATTACH with (a proof of )?our ticket", "ACCEPT, session \\d+ is new"]
    said = [line for line in lines(pair.client, " debug handshake with 127.0.0.1 port ")]
    assert all(any(re.search(step, line) for line in said) for step in order), said
    assert lines(pair.server, r" debug handshake: message 1 from 127\.0\.0\.1:\d+ is answered")
    assert lines(pair.server, r" debug handshake: ATTACH with a good ticket, session \d+ \(alice, .*\) is new")


def test_the_story_of_a_reset(box):
    pair = Pair(box, {"top": DEBUG}, {"top": DEBUG})
    pair.wait_up()
    with pair.connect() as s:
        s.sendall(b"GET /100000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_for(lambda: lines(pair.client, r"ended after .*: TCP was reset or timed out; "))
    wait_for(lambda: lines(pair.server, r"ended after .*: reset by the other end; "))


def test_a_flood_hides_no_clients_story_at_debug(box):
    pair = Pair(box, {"top": DEBUG, **ALICE})
    pair.wait_up()
    flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flood.connect(("127.0.0.1", pair.udp))
    for n in (1001, 1002, 1003):
        for _ in range(2000):
            flood.send(b"x" * 100)
        pair.get(n)
    flood.close()
    wait_for(lambda: pair.server.log().count("ended after") == 3, what="the end of each connection")
    assert pair.server.log().count("(alice, 127.0.0.1") >= 3
    assert pair.server.log().count(" asks for target (the default one)") == 3
    assert 0 < pair.server.log().count("a datagram from 127.0.0.1") <= 1000
