# SPDX-License-Identifier: MIT
"""skcptun client and server: flags in place of a configuration."""
import json
import os
import pathlib
import re
import signal
import socket

import pytest
from conftest import NAME, PASSWORD, Pair, free_port, skcptun

NO_SECRETS = {k: v for k, v in os.environ.items() if not k.startswith("SKCPTUN_")}


class Ends(Pair):
    """A server and a client from flags."""

    def __init__(self, box, server=(), client=(), server_env=None, client_env=None):
        self.box = box
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        self.client_name = f"{NAME}client"
        # Not in the sources' folder, where a file may have such a name.
        self.server = box.start("server", "--listen", f"127.0.0.1:{self.udp}", f"--target=127.0.0.1:{box.target()}",
                                f"--name={NAME}server", *server, log="server.log", cwd=box.path,
                                env={**NO_SECRETS, **(server_env or {})})
        self.client = box.start("client", "--server", f"localhost:{self.udp}", "--listen", self.tcp, "--name",
                                self.client_name, *client, log="client.log", cwd=box.path,
                                env={**NO_SECRETS, **(client_env or {})})

    def status(self, which="client"):
        done = skcptun("status", self.client_name, "--json", cwd=self.box.path)
        return json.loads(done.stdout) if done.returncode == 0 else None


def test_password_from_the_environment(box):
    env = {"SKCPTUN_PASSWORD": PASSWORD}
    ends = Ends(box, server_env=env, client_env=env)
    ends.wait_up()
    ends.get(50000)
    for process in (ends.server, ends.client):
        proc = pathlib.Path(f"/proc/{process.pid}")
        assert PASSWORD not in (proc / "environ").read_text() + (proc / "cmdline").read_text() + process.log()
        process.signal(signal.SIGTERM)
        assert process.wait() == 0


def test_key_files_ticket_and_pinned_server(box):
    pairs = dict(re.findall(r'^(\w+) = "([^"]+)",$', skcptun("keygen").stdout, re.M))
    key = box.write("key", pairs["key"] + "\n")
    private = box.write("private", pairs["private_key"])
    ticket = box.write("ticket", 'quotes" and \\ do not matter here\n'[:32] + "\n", mode=0o644)
    ends = Ends(box, ["--key-file", key, "--private-key-file", private],
                ["--key-file", key, "--server-key", pairs["server_key"], "--ticket-file", ticket])
    ends.wait_up()
    ends.get(50000)
    assert "ticket holds a secret and can be read by others" in ends.client.log()
    assert "can be read" not in ends.server.log()


@pytest.mark.parametrize("args, words", [
    (["client"], "--server HOST:PORT is needed"),
    (["client", "--server", "a:1"], "--listen [ADDR:]PORT is needed"),
    (["client", "--server", "a", "--listen", "1"], '--server: expected HOST:PORT, got "a"'),
    (["client", "--server", "::1:4000", "--listen", "1"], "--server: expected"),
    (["client", "--server", ":4000", "--listen", "1"], "--server: expected"),
    (["client", "--server", "a:4000x", "--listen", "1"], "--server: expected"),
    (["client", "--server", "a:4000", "--listen", "1"], "no secret"),
    (["client", "--server", "a:4000", "--listen", "1", "--name", "../x"], "--name"),
    (["server", "--listen", "1"], "--target HOST:PORT is needed"),
    (["server", "--listen", "1", "--target", "a:1", "--key-file", "/nowhere"], "/nowhere: No such file"),
    (["server", "--listen", "1", "--target", "a:1", "--key-file", "/dev/null"], "empty"),
    (["client", "--server", "a:1", "--listen", "1", "--ticket-file", "/dev/null", "--key-file=/dev/null"], "empty"),
    (["server", "--server-key", "x"], "--server-key"),
])
def test_usage(args, words):
    done = skcptun(*args, env=NO_SECRETS)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("args, words", [
    (["client", "--server", "a:70000", "--listen", "1"], "70000"),
    (["client", "--server", "a:4010-4000", "--listen", "1"], "4010-4000"),
    (["client", "--server", "[::1]:4000", "--listen", "0"], "tcp_listen_port"),
    (["client", "--server", "a:4000", "--listen", "1", "--server-key", "x"], "server_key"),
    (["client", "--server", "a:4000", "--listen", "1", "--server-key", "x" * 5000], "too long"),
])
def test_what_the_configuration_refuses(args, words):
    done = skcptun(*args, env={**NO_SECRETS, "SKCPTUN_PASSWORD": PASSWORD})
    assert done.returncode == 2
    assert words in done.stderr and PASSWORD not in done.stderr


def test_two_secrets(box):
    env = {**NO_SECRETS, "SKCPTUN_PASSWORD": "x", "SKCPTUN_KEY": "y"}
    key = box.write("key", skcptun("keygen", "--key").stdout)
    args = ["client", "--server", "127.0.0.1:4000", "--listen", "1"]
    done = skcptun(*args, "--key-file", key, "--password-file", key, env=NO_SECRETS)
    assert done.returncode == 2 and "exclude each other" in done.stderr
    # A flag goes before the environment.
    done = skcptun(*args[:-1], "0", "--key-file", key, env=env)
    assert "tcp_listen_port" in done.stderr
