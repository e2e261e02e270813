# SPDX-License-Identifier: MIT
"""A script of one's own that gives up: the process ends, and its status and last line say so."""
import signal

import pytest
from conftest import free_port, skcptun, wait_for

CONFIG = 'config = { mode = "mine", status_socket = "off", script_file = "mine.lua", mine = { tcp_listen_port = %d } }\n'


@pytest.mark.parametrize("script, words", [
    ("-- nothing", "the script sets no skt.cb.on_init"),
    ("skt.cb.on_init = nil", "the script sets no skt.cb.on_init"),
    ("function skt.cb.on_init() error('not today') end", "mine.lua:1: not today"),
    ("function skt.cb.on_init() local x = nil; x.y = 1 end", "mine.lua:1: attempt to index a nil value"),
    ("skt.cb.on_init = 5", "attempt to call a number value"),
    ("skt.cb = nil", "the script sets no skt.cb.on_init"),
    ("error('at once')", "mine.lua:1: at once"),
    ("function skt.cb.on_init() skt.api.fail('no such thing') end", "no such thing"),
    ("function skt.cb.on_init(loop) skt.api.etcp_server_init(skt.conf.etcp_serv_conf.raw, loop) error('late') end", "late"),
])
def test_a_failed_start_ends_the_process(box, script, words):
    box.write("mine.lua", script)
    done = skcptun(box.write("c.lua", CONFIG % free_port()))
    assert done.returncode == 1, done.stderr
    assert words in done.stderr.splitlines()[-1], done.stderr


def test_fail_ends_the_process_later_too(box):
    box.write("mine.lua", "function skt.cb.on_init() skt.api.timer_start(0.2, function() skt.api.fail('enough') end) end")
    done = skcptun(box.write("c.lua", CONFIG % free_port()))
    assert done.returncode == 1, done.stderr
    assert "enough" in done.stderr


def test_an_error_later_does_not_end_it(box):
    box.write("mine.lua", "function skt.cb.on_init() skt.api.timer_start(0, function() error('oops') end) end")
    process = box.start(box.write("c.lua", CONFIG % free_port()))
    wait_for(lambda: "oops" in process.log(), what="the error")
    assert process.popen.poll() is None
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
