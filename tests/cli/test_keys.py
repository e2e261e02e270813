# SPDX-License-Identifier: MIT
"""Secrets in files of their own, and how they change while connections are open."""
import json
import os
import signal
import socket
import socketserver
import threading

import pytest
from conftest import TICKET, Pair, free_port, skcptun, wait_for

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def new_key():
    return skcptun("keygen", "--key").stdout.strip()


def test_secrets_from_files(box):
    box.write("secret.key", new_key() + "\n")
    pair = Pair(box, {"secret": 'key_file = "secret.key"'}, {"secret": f'key_file = "{box.path}/secret.key"'})
    pair.wait_up()
    pair.get(1000)
    for which in ("server", "client"):
        assert "can read" not in getattr(pair, which).log()


def test_password_file_for_others(box):
    box.write("secret", "a pass phrase\n", 0o644)
    path = box.write("server.lua", box.server_config(1, 1, secret='password_file = "secret"'))
    done = skcptun("check", path)
    assert done.returncode == 0, done
    assert "skcp_servers[1].password_file: others can read it and the secret in it: chmod 600" in done.stdout + done.stderr


@root
def test_key_file_without_privileges(box):
    """The account that the process became can't open the file; SIGHUP reads it all the same."""
    box.write("secret.key", new_key())
    pair = Pair(box, {"secret": 'key_file = "secret.key"', "top": 'user = "nobody",'}, {"secret": 'key_file = "secret.key"'})
    pair.wait_up()
    wait_for(lambda: "running as user nobody" in pair.server.log())
    box.write("secret.key", "no key at all")
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: 'key_file: "secret.key": expected 32 bytes in base64' in pair.server.log(), what=pair.server.log())
    assert "nothing was changed" in pair.server.log()
    # The client does not have the new one: its session ends with the old.
    box.write("secret.key", new_key())
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: "was read again" in pair.server.log(), what=pair.server.log())
    wait_for(lambda: pair.status("server")["sessions"] == [])
    assert "restart" not in pair.server.log()
    wait_for(lambda: "our ticket or key is not valid any more" in pair.client.log(), what=pair.client.log())
    # One that it was not told of at the start is opened with the account's rights.
    text = pair.server_file.read_text()
    box.write("other.key", new_key())
    pair.server_file.write_text(text.replace("secret.key", "other.key"))
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: "other.key\": Permission denied" in pair.server.log(), what=pair.server.log())


def test_tickets_from_a_file(box):
    """Read again on SIGHUP: who is in it no more is sent away."""
    box.write("tickets.lua", f'return {{ ["{TICKET}"] = {{ name = "filed" }} }}')
    pair = Pair(box, {"table": 'tickets_file = "tickets.lua",'})
    pair.wait_up()
    assert pair.status("server")["sessions"][0]["name"] == "filed"
    box.write("tickets.lua", f'return {{\n ["{TICKET}"] = {{ nam = "x" }} }}')
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: f"{box.path}/tickets.lua: [a ticket, line 2].nam: " in pair.server.log(), what=pair.server.log())
    pair.get(100)
    box.write("tickets.lua", "return {}")
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: pair.status("server")["sessions"] == [])
    box.write("tickets.lua", f'return {{ ["{TICKET}"] = {{ name = "again" }} }}')
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: [s["name"] for s in pair.status("server")["sessions"]] == ["again"], 30)


def test_kick(box):
    """The session ends, and its client comes back with another; one that is not there is said."""
    pair = Pair(box)
    pair.wait_up()
    cid = pair.status("server")["sessions"][0]["cid"]
    done = skcptun("status", pair.server_file, "--kick", cid)
    assert done.returncode == 0, done
    wait_for(lambda: (s := pair.status("server")["sessions"]) and s[0]["cid"] != cid, 20)
    wait_for(lambda: pair.session() is not None, 20)
    pair.get(1000)
    assert f"session {cid} is ended" in pair.server.log()
    done = skcptun("status", pair.server_file, "--kick", cid)
    assert done.returncode == 1 and f"there is no session {cid}" in done.stderr
    assert skcptun("status", pair.server_file, "--kick", "x").returncode == 2


def test_sessions_of_a_ticket(box):
    """A second client with the ticket is told why it may not, and gets in when the first one has gone."""
    pair = Pair(box, {"table": f'tickets = {{ ["{TICKET}"] = {{ sessions_max = 1 }} }},'})
    pair.wait_up()
    second = box.start(box.write("second.lua", box.client_config(pair.udp, free_port()).replace("client.sock", "second.sock")),
                       log="second.log")
    wait_for(lambda: "the ticket has as many sessions as it may" in second.log(), what=second.log())
    pair.get(100)
    assert len(pair.status("server")["sessions"]) == 1
    pair.client.signal(signal.SIGTERM)
    wait_for(lambda: " is up" in second.log(), 30, what=second.log())


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


@pytest.fixture
def echo():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class Client:
    """One with a key in a file, and a connection through it that is never closed."""

    def __init__(self, box, number, udp, key):
        self.box, self.number, self.tcp = box, number, free_port()
        self.move(key)
        text = box.client_config(udp, self.tcp, secret=f'key_file = "{number}.key"', ticket=f"{number:032}")
        path = box.write(f"{number}.lua", text.replace("client.sock", f"{number}.sock"))
        self.path = path
        self.process = box.start(path, log=f"{number}.log")
        wait_for(lambda: "listening on TCP" in self.process.log())
        self.socket = socket.create_connection(("127.0.0.1", self.tcp))
        self.socket.settimeout(100)
        self.check()

    def move(self, key):
        self.box.write(f"{self.number}.key", key)

    def check(self):
        """The same connection as ever carries bytes both ways."""
        sent = os.urandom(1000)
        self.socket.sendall(sent)
        got = b""
        while len(got) < len(sent):
            more = self.socket.recv(4096)
            assert more, self.process.log()
            got += more
        assert got == sent


def test_thirty_clients_change_their_key(box, echo):
    """One by one, none of them restarted, the server read again twice; every connection stays open."""
    old, new = new_key(), new_key()
    udp = free_port(socket.SOCK_DGRAM)
    text = box.server_config(udp, echo, secret="SECRETS")
    path = box.write("server.lua", text.replace("SECRETS", f'key = "{old}"'))
    server = box.start(path, log="server.log")

    def reload_server(secrets):
        times = server.log().count("was read again")
        path.write_text(text.replace("SECRETS", secrets))
        server.signal(signal.SIGHUP)
        wait_for(lambda: server.log().count("was read again") > times, what=server.log())

    def keys():
        """Fingerprint -> sessions that came by it."""
        found = {}
        for session in json.loads(skcptun("status", path, "--json").stdout)["sessions"]:
            found.setdefault(session["key"], set()).add(session["cid"])
        return found

    clients = [Client(box, i, udp, old) for i in range(31)]
    (first,) = keys()
    cids = keys()[first]
    assert len(cids) == 31
    reload_server(f'key = "{old}", keys = {{ "{new}" }}')
    for moved, client in enumerate(clients[:30], 1):
        client.move(new)
        client.process.signal(signal.SIGHUP)
        wait_for(lambda n=moved: sum(len(c) for k, c in keys().items() if k != first) == n, what=client.process.log())
        client.check()
    for client in clients:
        client.check()
    (second,) = set(keys()) - {first}
    assert keys()[first] | keys()[second] == cids and len(keys()[second]) == 30
    # The old one goes, and who did not move with it.
    reload_server(f'key = "{new}"')
    wait_for(lambda: keys() == {second: keys().get(second)} and len(keys()[second]) == 30, what=server.log())
    for client in clients[:30]:
        client.check()
        assert "has ended our session" not in client.process.log()
    wait_for(lambda: "our ticket or key is not valid any more" in clients[30].process.log())
    with pytest.raises((ConnectionError, AssertionError)):
        clients[30].check()
