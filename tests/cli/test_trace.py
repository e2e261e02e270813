# SPDX-License-Identifier: MIT
"""trace_file: what is written there, how much, and what is not overwritten."""
import json
import os
import signal
import stat

from conftest import PASSWORD, TICKET, Pair, skcptun, wait_for


def records(path):
    parts = path.read_bytes().split(b"\x1e")
    assert parts[0] == b"", "it begins with a separator"
    assert all(p.endswith(b"\n") for p in parts[1:])
    return [json.loads(p) for p in parts[1:]]


def events(path, name):
    return [r["data"] for r in records(path)[1:] if r["name"] == f"skcptun:{name}"]


def traced(box, name="client.sqlog", more=""):
    return {"top": f'trace_file = "{box.path}/{name}", {more}'}


def test_a_session_is_written_and_no_secret(box):
    pair = Pair(box, client=traced(box))
    pair.wait_up()
    pair.get(300000)
    path = box.path / "client.sqlog"
    status = wait_for(lambda: (s := pair.session()) and s["streams"] == 0 and s, what="the stream's end")
    pair.client.signal(signal.SIGTERM)
    assert pair.client.wait() == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    header = records(path)[0]
    assert header["trace"]["vantage_point"]["type"] == "client"
    assert sum(e["length"] for e in events(path, "datagram_sent")) >= status["bytes_tx"]
    assert sum(e["length"] for e in events(path, "datagram_received")) >= 300000
    assert {e["cid"] for e in events(path, "state_updated")} == {0, status["cid"]}
    raw = path.read_bytes()
    for secret in (TICKET, PASSWORD, "GET /", "xxxx"):
        assert secret.encode() not in raw


def test_its_size_is_bounded_and_said_once(box):
    pair = Pair(box, client=traced(box, more="trace_file_max = 1,"))
    pair.wait_up()
    path = box.path / "client.sqlog"
    for _ in range(4):
        pair.get(20000000)
    wait_for(lambda: "the trace ends here" in pair.client.log(), what="word of the end")
    assert 1000000 < path.stat().st_size <= 1 << 20
    records(path)
    pair.get(5000000)
    assert pair.client.log().count("the trace ends here") == 1
    pair.client.signal(signal.SIGHUP)  # anew
    wait_for(lambda: pair.client.log().count("tracing to") == 2, what="the second trace")
    pair.get(100)
    wait_for(lambda: len(records(path)) > 5 and path.stat().st_size < 1 << 20, what="records of the second trace")


def test_sighup_begins_and_ends_one_of_sessions_that_are_there(box):
    pair = Pair(box)
    pair.wait_up()
    path = box.path / "client.sqlog"
    plain = pair.client_file.read_text()
    pair.client_file.write_text(plain.replace("mode =", f'trace_file = "{path}", mode =', 1))
    pair.client.signal(signal.SIGHUP)
    wait_for(lambda: "tracing to" in pair.client.log(), what="the trace's beginning")
    pair.get(100000)
    pair.client_file.write_text(plain)
    pair.client.signal(signal.SIGHUP)
    wait_for(lambda: pair.client.log().count("was read again") == 2, what="the second reload")
    size = path.stat().st_size
    pair.get(100000)
    assert path.stat().st_size == size
    assert events(path, "state_updated")[0]["new"] == "up"
    assert sum(e["length"] for e in events(path, "datagram_received")) >= 100000
    assert len(events(path, "session_ended")) == 1


def test_what_is_no_trace_is_not_overwritten(box):
    path = box.write("client.sqlog", "my notes\n")
    config = box.write("c.lua", box.client_config(1, 2, **traced(box)))
    done = skcptun(config)
    assert done.returncode == 1 and "is there and is no trace" in done.stderr, done.stderr
    assert path.read_text() == "my notes\n"


def test_a_link_is_not_followed(box):
    other = box.write("other", "")
    os.symlink(other, box.path / "client.sqlog")
    config = box.write("c.lua", box.client_config(1, 2, **traced(box)))
    done = skcptun(config)
    assert done.returncode == 1 and "is a symbolic link" in done.stderr, done.stderr
    assert other.read_bytes() == b""
