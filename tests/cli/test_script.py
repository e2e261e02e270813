# SPDX-License-Identifier: MIT
"""A script of one's own that gives up: the process ends, and its status and last line say so."""
import re
import signal
import socket

import pytest
from conftest import TICKET, free_port, skcptun, wait_for

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


SESSION = """
local api, conf, cb = skt.api, skt.conf, skt.cb
function cb.on_init(loop)
    assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    local client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
end
function cb.on_skcp_recv_cid(_, cid) api.log("begun " .. cid) end
function cb.on_skcp_close(skcp, cid)
    local nothing, why = api.timer_start(1, print)
    api.log(("over %d %s %s %s"):format(cid, api.session_stats(skcp, cid).close_reason, tostring(nothing), why))
end
"""


def test_sessions_are_told_of_at_the_end_of_the_process(box):
    """on_skcp_close comes for each end; nothing new can be made there."""
    udp = free_port(socket.SOCK_DGRAM)
    box.write("mine.lua", SESSION)
    process = box.start(box.write("c.lua", f"""config = {{ mode = "mine", status_socket = "off", script_file = "mine.lua", mine = {{
        skcp_servers = {{ {{ address = "127.0.0.1", port = {udp}, password = "p" }} }},
        skcp_remote_servers = {{ {{ address = "127.0.0.1", port = {udp}, password = "p", ticket = "{TICKET}" }} }} }} }}"""))
    cid = wait_for(lambda: re.search(r"begun (\d+)", process.log()), what="the session")[1]
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    assert process.log().count(f"over {cid} closed nil ending") == 2, process.log()


def test_a_place_in_a_script_logs_fifty_lines_at_once(box):
    box.write("mine.lua", "function skt.cb.on_init() for i = 1, 200 do skt.api.log('line ' .. i) end\n"
              "skt.api.log('other') error('x') end")
    done = skcptun(box.write("c.lua", CONFIG % free_port()))
    assert len(re.findall(r"info  line \d+$", done.stderr, re.M)) == 50, done.stderr
    assert "info  other" in done.stderr
