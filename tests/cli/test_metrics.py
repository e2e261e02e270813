# SPDX-License-Identifier: MIT
"""metrics_addr: OpenMetrics, /healthy, the status page, and the small web server behind them."""
import base64
import gzip
import hashlib
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import GUARD, PASSWORD, ROOT, TICKET, Pair, free_port, skcptun, wait_for
from openmetrics import counters, parse

OTHER_TICKET = "another-ticket-of-32-characters!"


def talk(port, request, host="127.0.0.1"):
    """What comes for these bytes until the end of the connection."""
    with socket.create_connection((host, port), 10 * GUARD) as s:
        s.sendall(request)
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    return answer


def get(port, path="/metrics", host="127.0.0.1:9", method="GET", more=""):
    """(status, header in lower case, body)"""
    answer = talk(port, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    header = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
    assert int(header["content-length"]) == len(body) or method == "HEAD"
    return int(lines[0].split()[1]), header, body


def scrape(port):
    status, header, body = get(port)
    assert status == 200 and header["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return parse(body.decode())


def value(samples, name, **labels):
    return samples[(name, tuple(sorted(labels.items())))]


class Watched(Pair):
    """Both ends with metrics."""

    def __init__(self, box, server_table="", client_top=""):
        self.ports = {"server": free_port(), "client": free_port()}
        super().__init__(
            box,
            server={"top": f'metrics_addr = ":{self.ports["server"]}",', "table": server_table},
            client={"top": f'metrics_addr = "127.0.0.1:{self.ports["client"]}", {client_top}'},
        )


def ticket_table(name='"lap\\\\top \\"1\\"\\nü"'):
    return f'tickets = {{ ["{TICKET}"] = {{ name = {name} }} }},'


@pytest.fixture
def watched(box):
    p = Watched(box, ticket_table())
    p.wait_up()
    return p


def test_the_numbers_are_those_of_the_status(watched):
    watched.get(300000)
    name = 'lap\\top "1"\nü'
    server = f"127.0.0.1:{watched.udp}"
    for which, label in (("server", {"ticket": name}), ("client", {"server": server})):
        samples = scrape(watched.ports[which])
        status = watched.status(which)
        (session,) = status["sessions"]
        of = {"cid": str(session["cid"]), **label}
        assert value(samples, "skcptun_session_mtu_bytes", **of) > 1000
        assert value(samples, "skcptun_session_rtt_seconds", **of) < 1
        payload = value(samples, "skcptun_session_payload_tx_bytes_total", **of)
        assert 0 < payload <= session["payload_tx"]
        kind = next(iter(label))
        assert value(samples, f"skcptun_{kind}_payload_tx_bytes_total", **label) == payload
        assert value(samples, "skcptun_payload_tx_bytes_total") == payload
        assert value(samples, f"skcptun_{kind}_sessions", **label) == value(samples, "skcptun_sessions") == 1
        assert value(samples, "skcptun_target_accepted_total", target="") == 1
        bytes_of = "from" if which == "server" else "to"
        assert value(samples, f"skcptun_target_{bytes_of}_tcp_bytes_total", target="") > 300000
        assert value(samples, "skcptun_build_info", version=status["version"], mode=status["mode"]) == 1
        assert value(samples, "skcptun_dropped_datagrams_total", reason="auth") == 0
        assert (of["cid"] in str(samples)) and PASSWORD not in str(samples) and TICKET not in str(samples)


def test_no_counter_goes_back(watched):
    """Sessions end and come, the client restarts, a ticket goes and comes back: each is at least what it was."""
    port = watched.ports["server"]
    seen = {}

    def look():
        now = counters(scrape(port))
        for key, was in seen.items():
            if key[0].startswith("skcptun_session_"):
                continue  # of one session: it ends with it
            assert now.get(key, -1) >= was, (key, was, now.get(key))
        seen.update(now)

    for _ in range(3):
        watched.get(100000)
        look()
        before = value(scrape(port), "skcptun_payload_tx_bytes_total")
        assert watched.client.popen.poll() is None
        watched.client.signal(signal.SIGTERM)
        watched.client.wait()
        wait_for(lambda: not watched.status("server")["sessions"], what="session over")
        look()
        assert value(scrape(port), "skcptun_payload_tx_bytes_total") >= before
        watched.client = watched.box.start(watched.client_file, log="client.log")
        watched.wait_up()
        look()
    # Its ticket is taken away, which ends the session, and given back under another name.
    text = watched.server_file.read_text()
    for table in (f'tickets = {{ ["{OTHER_TICKET}"] = {{ name = "b" }} }},', ticket_table('"second"'), ticket_table()):
        watched.box.write("server.lua", text.replace(ticket_table(), table))
        watched.server.signal(signal.SIGHUP)
        time.sleep(0.2)
        look()
    watched.box.write("server.lua", text)
    name = 'lap\\top "1"\nü'
    assert value(scrape(port), "skcptun_ticket_sessions_begun_total", ticket=name) >= 3
    assert value(scrape(port), "skcptun_ticket_payload_tx_bytes_total", ticket=name) > 300000


def test_what_an_ended_endpoint_has_dropped_stays_counted(box):
    """A script frees its only endpoint: neither the status nor the metrics forget what came there."""
    udp, port, word = free_port(socket.SOCK_DGRAM), free_port(), box.path / "free"
    box.write("own.lua", f"""
        local skcp
        function skt.cb.on_init(loop)
            skcp = skt.api.skcp_init(skt.conf.skcp_conf_list[1].raw, loop, 1)
        end
        function skt.cb.on_beat()
            if skcp and io.open("{word}") then
                skt.api.skcp_free(skcp)
                skcp = nil
                skt.api.log("freed")
            end
        end
    """)
    config = box.write("c.lua", f"""config = {{ mode = "own", script_file = "{box.path}/own.lua", status_socket = "{box.path}/s",
        metrics_addr = ":{port}", own = {{ skcp_servers = {{ {{ address = "127.0.0.1", port = {udp}, password = "{PASSWORD}" }} }} }} }}""")
    process = box.start(config)
    wait_for(lambda: skcptun("status", config, "--json").returncode == 0)

    def dropped():
        return sum(json.loads(skcptun("status", config, "--json").stdout)["drops"].values())

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(5):
            s.sendto(bytes(200), ("127.0.0.1", udp))
    count = wait_for(dropped)
    word.write_text("")
    wait_for(lambda: "freed" in process.log())
    assert dropped() >= count
    assert sum(v for (name, _), v in scrape(port).items() if name == "skcptun_dropped_datagrams_total") >= count


def test_healthy(watched):
    assert get(watched.ports["server"], "/healthy")[::2] == (200, b"ok\n")
    assert get(watched.ports["client"], "/healthy")[::2] == (200, b"ok\n")
    watched.server.signal(signal.SIGTERM)
    watched.server.wait()
    wait_for(lambda: get(watched.ports["client"], "/healthy")[0] == 503, what="no session")
    assert get(watched.ports["client"], "/healthy")[2] == b"no session is up\n"


def test_the_text_of_before_openmetrics(watched):
    status, header, body = get(watched.ports["server"], more="Accept: text/plain;version=0.0.4\r\nX: openmetrics\r\n")
    text = body.decode()
    assert status == 200 and header["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# EOF" not in text and "# UNIT" not in text and "# TYPE skcptun_tx_bytes_total counter\n" in text
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False,
                              timeout=60 * GUARD)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bad_requests(watched):
    port = watched.ports["server"]
    assert get(port, "/nothing")[0] == 404
    assert get(port, "/metrics?x=1")[0] == 200
    status, header, body = get(port, method="HEAD")
    assert status == 200 and int(header["content-length"]) > 1000 and body == b""
    for method in ("POST", "PUT", "OPTIONS", "get"):
        status, header, _ = get(port, method=method)
        assert status == 405 and header["allow"] == "GET, HEAD"
    for request in (
        b"\r\n\r\n", b"GET\r\n\r\n", b"GET /metrics\r\nHost: 127.0.0.1\r\n\r\n", b"GET /metrics HTTP/2\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", b"\0GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: local\0host\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0",
    ):
        assert talk(port, request).startswith(b"HTTP/1.1 400 "), request
    with socket.create_connection(("127.0.0.1", port), 10 * GUARD) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 5000)
        assert s.recv(100).startswith(b"HTTP/1.1 431 ")
    # In pieces, and by who ends its side at once.
    with socket.create_connection(("127.0.0.1", port), 10 * GUARD) as s:
        for piece in (b"GET /hea", b"lthy HTTP/1.1\r\nHo", b"st: localhost:1\r\n\r", b"\n"):
            s.sendall(piece)
            time.sleep(0.02)
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")
    with socket.create_connection(("127.0.0.1", port), 10 * GUARD) as s:
        s.sendall(b"GET /healthy HTTP/1.1\r\nHost: [::1]:9\r\n\r\n")
        s.shutdown(socket.SHUT_WR)
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")


def test_no_name_that_others_can_give_us(watched):
    """DNS rebinding: a page of evil.example whose name leads to 127.0.0.1 by now."""
    port = watched.ports["server"]
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[evil", "x" * 300,
                 socket.gethostname() + ".evil.example"):
        status, _, body = get(port, "/status.json", host=host)
        assert status in (400, 403) and b"mode" not in body, host
    for host in ("127.0.0.1", "localhost", "LocalHost:80", "[::1]:80", "192.0.2.1:9100", socket.gethostname()):
        assert get(port, "/status.json", host=host)[0] == 200, host


def test_many_at_once(watched):
    port, failed = watched.ports["server"], []

    def look():
        try:
            scrape(port)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    threads = [threading.Thread(target=look) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert skcptun("status", watched.server_file, "--json").returncode == 0


def test_slow_readers_hold_nobody(watched):
    """As many as there is room for say nothing, or take nothing: traffic goes on, and who asks is answered soon."""
    port = watched.ports["server"]
    guests = []
    for i in range(20):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        s.connect(("127.0.0.1", port))
        if i % 2:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        guests.append(s)
    watched.get(300000)
    assert value(scrape(port), "skcptun_sessions") == 1
    for s in guests:
        s.close()
    wait_for(lambda: get(port, "/healthy")[0] == 200)


def test_where_it_may_listen(box):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = box.write("c.lua", box.client_config(1, free_port(), top=f'metrics_addr = ":{port}",'))
        process = box.start(config)
        assert process.wait() == 1
        assert f"metrics_addr :{port}: Address already in use" in process.log()
    for bad in ("9100", "localhost:9100", ":0", ":65536", ":9x", "::1:9100", "[127.0.0.1]:9100", "127.0.0.1", "x:1", "[::1]"):
        done = skcptun("check", box.write("c.lua", box.client_config(1, 2, top=f'metrics_addr = "{bad}",')))
        assert done.returncode == 2 and "metrics_addr: expected" in done.stderr, bad
    for good, warns in ((":1", False), ("127.0.0.2:65535", False), ("[::1]:9100", False), ("0.0.0.0:9100", True),
                        ("[::]:9100", True), ("192.0.2.1:9100", True)):
        done = skcptun("check", box.write("c.lua", box.client_config(1, 2, top=f'metrics_addr = "{good}",')))
        assert done.returncode == 0 and ("no encryption" in done.stderr) == warns, good


def test_a_reload_moves_it(watched):
    old, new = watched.ports["client"], free_port()
    text = watched.client_file.read_text()
    cid = watched.session()["cid"]

    def reload(text):
        done = watched.client.log().count("was read again")
        watched.box.write("client.lua", text)
        watched.client.signal(signal.SIGHUP)
        wait_for(lambda: watched.client.log().count("was read again") > done)

    reload(text.replace(str(old), str(new)))
    assert get(new, "/healthy")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        get(old)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        reload(text.replace(str(old), str(taken.getsockname()[1])))
        assert "nothing was changed about the metrics" in watched.client.log()
        assert get(new, "/healthy")[0] == 200
    reload(re.sub(r"metrics_addr = \"[^\"]*\",", "", text))
    with pytest.raises(ConnectionRefusedError):
        get(new)
    reload(text)
    assert get(old, "/healthy")[0] == 200
    assert watched.session()["cid"] == cid


def page_of(port):
    status, header, body = get(port, "/")
    assert status == 200 and header["content-type"] == "text/html; charset=utf-8"
    if header.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return header, body.decode()


def test_the_page_is_whole_and_asks_nobody_else(watched):
    header, page = page_of(watched.ports["client"])
    policy = dict(part.strip().split(" ", 1) for part in header["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        assert policy[directive] == "'sha256-" + base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode() + "'"
    assert not re.search(r"https?://(?!www\.w3\.org/)|\bsrc=|style=|\bon[a-z]+=\"|@import|url\(", page)
    assert "prefers-color-scheme:dark" in page
    assert header["x-content-type-options"] == "nosniff" and header["cache-control"] == "no-store"
    status, header, body = get(watched.ports["client"], "/status.json")
    assert status == 200 and header["content-type"] == "application/json"
    assert json.loads(body)["sessions"][0]["state"] == "up"
    assert "access-control-allow-origin" not in header and PASSWORD not in body.decode() and TICKET not in body.decode()


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")
@pytest.mark.parametrize("scheme", [1, 0])
def test_the_page_in_a_browser(watched, scheme):
    """It draws what there is, and nothing in it is against its own policy."""
    watched.get(1000000)
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=6000", "--enable-logging=stderr",
         f"--blink-settings=preferredColorScheme={scheme}", f"--user-data-dir={watched.box.path}/chromium{scheme}", "--dump-dom",
         f"http://127.0.0.1:{watched.ports['client']}/"],
        capture_output=True, text=True, check=False, timeout=120 * GUARD)
    assert "CONSOLE" not in done.stderr, done.stderr
    assert len(re.findall("<figure>", done.stdout)) == 4 and re.search(r'<path class="a" d="M[0-9. L]+', done.stdout)
    assert re.search(r"proxy_client · version .* · 1 of 1 sessions up", done.stdout)
    assert f"<td>127.0.0.1:{watched.udp}</td>" in done.stdout


def test_the_documents_and_the_dashboard_know_all(watched):
    """Each metric is in doc/metrics.md of both languages, and the dashboard asks for none that there isn't."""
    families = set()
    watched.get(1)
    for port in watched.ports.values():
        families |= {name for name, _ in scrape(port)}
    known = {re.sub(r"^skcptun_(session|ticket|server|target)_", "", name) for name in families}
    for name in ("doc/metrics.md", "doc/metrics.zh-CN.md"):
        text = (ROOT / name).read_text()
        words = set(re.findall(r"\w+", text))
        missing = {n for n in known if n not in words and n.removeprefix("skcptun_") not in words}
        assert not missing, f"{name}: {missing}"
        tun = {word for word in words if word.startswith("skcptun_tun_")}
    dashboard = json.loads((ROOT / "packaging/grafana/skcptun.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 15
    for expr in asked:
        for name in re.findall(r"skcptun_\w+", expr):
            assert name in families | tun, expr
