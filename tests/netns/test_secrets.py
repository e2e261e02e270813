# SPDX-License-Identifier: MIT
"""Keys, passwords and tickets stay where they are needed: not in the memory of children, in no log, status, command line,
environment or core dump, whatever the level of the log.

    c: tun0 skcptun --lnk0==== link ====lnk0-- skcptun tun0 :s    both as root first, then as nobody
"""
import base64
import hashlib
import os
import re
import subprocess
import time

import pytest
from lab import INSTRUMENTED, SKCPTUN, wait_until
from tun import ping, tun_pair
from tunnel import lua

pytestmark = pytest.mark.light

PASSWORD = "Tr0ub4dor-never-to-be-seen-again"
TICKET = "ticket-of-32-bytes-kept-secret!!"
OTHER_TICKET = "another-32-byte-ticket-to-keep!!"
PSK = hashlib.scrypt(PASSWORD.encode(), salt=b"skcptun psk v1", n=2**14, r=8, p=1, dklen=32)
SECRETS = {"password": PASSWORD.encode(), "ticket": TICKET.encode(), "other ticket": OTHER_TICKET.encode(), "psk": PSK}
TEXTS = {**SECRETS, "psk in hex": PSK.hex().encode(), "psk in base64": base64.b64encode(PSK),
         "ticket in hex": TICKET.encode().hex().encode(), "ticket in base64": base64.b64encode(TICKET.encode())[:-2]}


def children_of(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(name))
    return found


def memory_of(pid):
    """All that the process can read of its own memory."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for row in maps:
            span, rights = row.split()[:2]
            first, last = (int(x, 16) for x in span.split("-"))
            if "r" not in rights or row.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")) or last - first > 1 << 30:
                continue
            try:
                mem.seek(first)
                parts.append(mem.read(last - first))
            except OSError:
                continue
    return b"".join(parts)


def assert_without(what, data, secrets=TEXTS):
    for name, secret in secrets.items():
        assert secret not in data, f"{what} has the {name}"


def start_pair(lab):
    up = lab.dir / "up"
    up.write_text(f"#!/bin/sh\ntr '\\0' '\\n' </proc/$$/environ >{lab.dir}/up.env\ntr '\\0' '\\n' </proc/$PPID/cmdline >{lab.dir}/up.parent\n")
    up.chmod(0o755)
    top = {"log_level": "debug", "user": "nobody"}
    entry = {"password": PASSWORD}
    tickets = {TICKET: {"name": "one", "tun_ip": "10.77.0.2"}, OTHER_TICKET: {"name": "two", "tun_ip": "10.77.0.3"}}
    return tun_pair(lab, rate=50, delay="5ms",
                    server_options={"top": top, "entry": entry, "tickets": tickets, "nat": True},
                    client_options={"top": top, "entry": entry, "ticket": TICKET, "routes": ["10.78.0.0/16"], "up": str(up)})


@pytest.mark.skipif(INSTRUMENTED, reason="a sanitizer's memory is too large to be read")
def test_children_have_no_secrets(lab):
    pair = start_pair(lab)
    assert ping(pair.c, "10.77.0.1", 3).received == 3
    for end in (pair.client, pair.server):
        pid = end.process.pid
        assert PSK in memory_of(pid)  # the look finds what is there
        children = children_of(pid)
        assert len(children) == 3, children  # who changes the system, removes the socket, opens the configuration
        for child in children:
            assert_without(f"child {child} of {end.role}", memory_of(child), SECRETS)
            with open(f"/proc/{child}/environ", "rb") as env:
                assert {v.split(b"=")[0] for v in env.read().split(b"\0") if v} <= {b"TZ", b"JOURNAL_STREAM"}
            fds = sorted(int(fd) for fd in os.listdir(f"/proc/{child}/fd"))
            assert len(fds) <= 8, fds  # its channel, stderr, the log; the helper: what it watches


def test_no_output_has_secrets(lab):
    pair = start_pair(lab)
    wait_until("up has run", lambda: (lab.dir / "up.env").exists(), 10)
    assert ping(pair.c, "10.77.0.1", 3).received == 3
    for end in (pair.client, pair.server):
        pid = end.process.pid
        for what in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{what}", "rb") as file:
                assert_without(f"/proc/PID/{what}", file.read())
        for args in (["--json"], []):
            done = subprocess.run([SKCPTUN, "status", str(end.conf), *args], capture_output=True, timeout=20, check=True)
            assert_without("status", done.stdout + done.stderr)
        checked = subprocess.run([SKCPTUN, "check", str(end.conf)], capture_output=True, timeout=20, check=False)
        assert_without("check", checked.stdout + checked.stderr)
        with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
            assert re.search(r"^Max core file size +0 ", limits.read(), re.M)
        # Not dumpable: what is in /proc/PID belongs to root, though the process is nobody's.
        assert os.stat(f"/proc/{pid}").st_uid != 0 and os.stat(f"/proc/{pid}/mem").st_uid == 0
        end.process.signal(1)  # SIGHUP: read again
    time.sleep(0.5)
    for end in (pair.client, pair.server):
        end.process.kill()
    for path in lab.dir.iterdir():
        if path.is_file() and path.suffix != ".lua":
            assert_without(path.name, path.read_bytes())


def test_mistakes_in_a_configuration_do_not_show_secrets(lab):
    """The line that tells what is wrong names the field, not the secret beside it or in it."""
    good = {"address": "10.90.0.2", "port": 4000, "password": PASSWORD, "ticket": TICKET}
    wrong = [{**good, "port": "abc"}, {**good, "ticket": TICKET + "x"}, {**good, "pasword": PASSWORD, "password": None},
             {**good, "key": PASSWORD, "password": None}, {**good, "password": None, "server_key": PASSWORD},
             {**good, "cipher": 7}]
    for i, remote in enumerate(wrong):
        path = lab.dir / f"wrong{i}.lua"
        mode = {"tcp_listen_addr": "127.0.0.1", "tcp_listen_port": 1080, "skcp_remote_servers": [remote]}
        path.write_text(f"config = {lua({'mode': 'proxy_client', 'proxy_client': mode, 'log_level': 'debug'})}\n")
        path.chmod(0o600)
        for args in (["check", path], [path]):
            done = subprocess.run([SKCPTUN, *map(str, args)], capture_output=True, timeout=20, check=False)
            assert done.returncode == 2, done
            assert_without(f"{remote}", done.stdout + done.stderr)
