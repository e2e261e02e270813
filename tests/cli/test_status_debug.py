# SPDX-License-Identifier: MIT
"""`status --debug`: each stream, and who is held by what."""
import contextlib
import json
import socket
import threading

from conftest import Pair, free_port, skcptun, wait_for

FIELDS = {"conv", "kind", "by", "state", "target", "idle_s", "una", "nxt", "end", "peer_window", "inflight_bytes",
          "unsent_bytes", "held_out", "tcp_waits", "read", "got", "window", "unread_bytes", "behind_gap", "held_in", "busy"}


def streams(pair, which):
    done = skcptun("status", getattr(pair, which + "_file"), "--debug", "--json")
    assert done.returncode == 0, done.stderr
    return [s for session in json.loads(done.stdout)["sessions"] for s in session["stream_list"]]


def words(pair, which):
    done = skcptun("status", getattr(pair, which + "_file"), "--debug")
    assert done.returncode == 0, done.stderr
    return done.stdout


def only(pair, which, **wanted):
    """The one stream there is, once it is as wanted."""
    def look():
        found = streams(pair, which)
        if len(found) == 1 and all(v(found[0][k]) if callable(v) else found[0][k] == v for k, v in wanted.items()):
            return found[0]
        return None
    return wait_for(look, what=f"{which}: {sorted(wanted)}")


def test_a_reader_that_does_not_read(pair):
    with pair.connect() as s:
        s.sendall(b"GET /60000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        near = only(pair, "client", held_in="target", unread_bytes=lambda n: n > 1000000)
        far = only(pair, "server", held_out="peer_window", tcp_waits=True, unsent_bytes=lambda n: n > 10000, peer_window=0)
        assert set(near) == set(far) == FIELDS
        assert near["conv"] == far["conv"] and (near["by"], far["by"]) == ("us", "peer")
        assert far["una"] <= far["nxt"] < far["end"]
        text = words(pair, "client")
        assert "1 held by a target that does not read" in text
        assert "in: held by a target that does not read" in text
        assert "held by the peer's window; its TCP connection is not read" in words(pair, "server")


def test_a_rate_that_is_capped(box):
    pair = Pair(box, server={"secret": 'password = "the-password-of-these-tests", max_rate_mbit = 1'})
    pair.wait_up()
    with pair.connect() as s:
        s.sendall(b"GET /5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        only(pair, "server", held_out="rate_cap")
        done = skcptun("status", pair.server_file, "--debug", "--json")
        assert json.loads(done.stdout)["sessions"][0]["path"]["held"] == "rate_cap"
        assert "held by max_rate_mbit" in words(pair, "server")


def test_a_target_that_is_not_there_yet(box):
    """Its queue of connections is full, so the system answers to no other one."""
    full = socket.socket()
    full.bind(("127.0.0.1", free_port()))
    full.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for s in waiting:
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect(full.getsockname())
    pair = Pair(box)
    pair.wait_up()
    text = pair.server_file.read_text().replace(f"tcp_target_port = {box.target()}",
                                                f"tcp_target_port = {full.getsockname()[1]}")
    pair.server_file.write_text(text)
    pair.server.signal(1)
    wait_for(lambda: "was read again" in pair.server.log(), what="the reload")
    with pair.connect() as s:
        s.sendall(b"hello")
        assert only(pair, "server", held_in="connect")["state"] == "connecting"
    for s in waiting:
        s.close()
    full.close()


def test_many_are_shown_in_part(pair):
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(pair.connect()) for _ in range(60)]
        wait_for(lambda: [s["state"] for s in streams(pair, "server")] == ["open"] * len(conns), what="all streams")
        text = words(pair, "server")
        rows = [line for line in text.splitlines() if line.split()[1:2] == ["open"]]
        assert len(rows) == 40
        assert "20 more streams, 0 of them with something under way" in text
        assert all(s["idle_s"] is not None and not s["busy"] for s in streams(pair, "server"))


def test_plain_status_is_as_before_and_needs_no_question(pair):
    plain = json.loads(skcptun("status", pair.client_file, "--json").stdout)
    assert "stream_list" not in plain["sessions"][0] and "path" not in plain["sessions"][0]
    answers = []

    def ask(question):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(pair.box.path / "client.sock"))
            s.sendall(question)
            answer = b""
            while piece := s.recv(65536):
                answer += piece
            answers.append(json.loads(answer)["sessions"][0].keys())
    for question in (b"", b"status\n", b"debug\n"):
        thread = threading.Thread(target=ask, args=(question,))
        thread.start()
        thread.join()
    assert answers[0] == answers[1] and "stream_list" in answers[2]
