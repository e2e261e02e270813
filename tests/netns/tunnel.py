# SPDX-License-Identifier: MIT
"""skcptun as a process under test: configuration, start, status."""
import json
import os
import subprocess
import types

from lab import GUARD, SKCPTUN, WRAP, wait_until
from link import Link
from web import Nginx

PASSWORD = "correct horse battery staple"
TICKET = "T" * 32


def lua(value):
    """A Python value as a Lua expression."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() or c in " .:/-_" else f"\\{ord(c):03d}" for c in value) + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(k)}] = {lua(v)}" for k, v in value.items() if v is not None) + "}"
    return "{" + ", ".join(map(lua, value)) + "}"


class Skcptun:
    """One end. It can be started again with the same configuration."""

    def __init__(self, lab, ns, role, mode, fields, top=None, env=None, wrap=WRAP):
        self.lab, self.ns, self.role = lab, ns, role
        self.env = dict(env or {})
        self.wrap = wrap
        self.socket = lab.dir / f"{role}.sock"
        # The file's name is this end's alone on the machine: what is kept between starts goes by it.
        self.conf = lab.dir / f"lab{lab.tag}-{role}.lua"
        config = {"mode": mode, mode: fields, "status_socket": str(self.socket), **(top or {})}
        self.conf.write_text(f"config = {lua(config)}\n")
        self.conf.chmod(0o600)
        self.starts = 0
        self.process = None

    def start(self):
        self.starts += 1
        self.process = self.lab.start(self.ns, f"{self.role}-{self.starts}", *self.wrap, SKCPTUN, self.conf, env=self.env)
        self.process.must_exit_0 = True
        return self

    def status(self, *options):
        done = subprocess.run([SKCPTUN, "status", str(self.conf), "--json", *options], capture_output=True, text=True,
                              timeout=10 * GUARD, check=False)
        assert done.returncode == 0, f"status: exit {done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def sessions(self):
        return self.status()["sessions"]


def server(lab, ns, role="server", port=4000, target="127.0.0.1:80", password=PASSWORD, env=None, entry=None, start=True,
           wrap=WRAP, top=None, **fields):
    """fields and entry add to the mode's table and to its one entry."""
    addr, target_port = target.rsplit(":", 1)
    mode = {"tcp_target_addr": addr, "tcp_target_port": int(target_port),
            "skcp_servers": [{"address": "0.0.0.0", "port": port, "password": password, **(entry or {})}], **fields}
    end = Skcptun(lab, ns, role, "proxy_server", mode, env=env, wrap=wrap, top=top)
    if start:
        end.start()
        wait_server(end, port)
    return end


def wait_server(end, port=4000):
    end.process.wait_port(int(str(port).split("-")[0]), "udp")


def client(lab, ns, servers, role="client", listen=8080, password=PASSWORD, ticket=TICKET, env=None, entry=None,
           start=True, wrap=WRAP, top=None, **fields):
    """servers: addresses, or (address, port) pairs."""
    remotes = []
    for one in servers:
        address, port = one if isinstance(one, tuple) else (one, 4000)
        remotes.append({"address": address, "port": port, "password": password, "ticket": ticket, **(entry or {})})
    mode = {"tcp_listen_addr": "127.0.0.1", "tcp_listen_port": listen, "skcp_remote_servers": remotes, **fields}
    if "listeners" in fields:
        del mode["tcp_listen_addr"], mode["tcp_listen_port"]
    end = Skcptun(lab, ns, role, "proxy_client", mode, env=env, wrap=wrap, top=top)
    if start:
        end.start()
        end.process.wait_port(listen)
    return end


def wait_session(end, count=1, timeout=10):
    """Until `count` sessions are there that have measured a round trip."""
    def look():
        if not os.path.exists(end.socket):
            return None
        up = [s for s in end.sessions() if s["rtt_ms"]["smoothed"]]
        return up if len(up) >= count else None
    return wait_until(f"{end.role}: {count} sessions", look, timeout, 0.1)


def shifted(lab, seconds):
    """The environment of a process whose clock is wrong."""
    return {"LD_PRELOAD": str(lab.fakeclock()), "SKT_FAKE_CLOCK_OFFSET": str(seconds),
            "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}


def tunnel(lab, server_options=None, client_options=None, web=True, **link):
    """The usual arrangement: c (10.90.0.1, client listening on 8080) -- link -- s (10.90.0.2, server on 4000, nginx)."""
    c, s = lab.netns("c"), lab.netns("s")
    wire = Link(lab, c, s, **link)
    nginx = Nginx(lab, s, lab.files) if web else None
    far = server(lab, s, **(server_options or {}))
    near = client(lab, c, ["10.90.0.2"], **(client_options or {}))
    return types.SimpleNamespace(c=c, s=s, link=wire, nginx=nginx, server=far, client=near)


URL = "http://127.0.0.1:8080/"
