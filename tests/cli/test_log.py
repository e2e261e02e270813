# SPDX-License-Identifier: MIT
"""What the log of a running process says, and that it stops nothing."""
import fcntl
import os
import re
import signal
import socket
import subprocess

import pytest
from conftest import Pair, free_port, skcptun, wait_for

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
