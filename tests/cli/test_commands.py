# SPDX-License-Identifier: MIT
"""What needs no running tunnel: usage, check, keygen."""
import base64
import re
import shutil
import subprocess

import pytest
from conftest import PASSWORD, TICKET, skcptun

COMMANDS = ["check", "client", "demo", "import", "keygen", "server", "status", "uri"]
TO_COME = ["ping", "speedtest"]


def test_help_and_version():
    done = skcptun("--help")
    assert done.returncode == 0 and not done.stderr
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", done.stdout, re.M)
    for command in TO_COME:
        assert not re.search(rf"^  {command}\b", done.stdout, re.M)
    version = skcptun("--version")
    assert version.returncode == 0 and re.fullmatch(r"skcptun \d+\.\d+\.\d+\n", version.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help(command):
    for args in ([command, "--help"], ["help", command]):
        done = skcptun(*args)
        assert done.returncode == 0 and not done.stderr
        assert done.stdout.startswith(f"Usage: skcptun {command}")
        assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("args", [
    [], ["check"], ["check", "a", "b"], ["keygen", "x"], ["keygen", "--key", "--server"], ["status", "--what"],
    ["keygen", "--key=1"], ["keygen", "--ticket", "--key"], ["keygen", "--tun"], ["keygen", "--folder", "x"],
    ["keygen", "--pair", "a:1"], ["keygen", "--pair", ":1", "--tun"], ["keygen", "--pair", "a", "--tun"],
    ["keygen", "--pair", "a:0", "--tun"], ["keygen", "--pair", "a:9-8", "--tun"], ["keygen", "--pair", "a:65536", "--tun"],
    ["keygen", "--pair", 'a" ..b:1', "--tun"], ["keygen", "--pair", "a:1", "--tun", "--target", "b:2"],
    ["keygen", "--pair", "a:1", "--target", "b:2-3"], ["keygen", "--pair", "a:1", "--target", "b:2", "--listen", "x"],
    ["keygen", "--key", "--pair", "a:1", "--tun"], ["demo", "--loss"], ["demo", "--loss", "lots"], ["demo", "--loss=-1"],
    ["demo", "--loss=nan"], ["demo", "--port", "65536"], ["demo", "--seconds=0"], ["demo", "x"], ["--what"],
    ["no-such-file-or-command"], ["a.lua", "b.lua"],
])
def test_usage_errors(args):
    done = skcptun(*args)
    assert done.returncode == 2
    assert done.stderr and not done.stdout


@pytest.mark.parametrize("command", TO_COME)
def test_commands_to_come_say_so(command):
    done = skcptun(command)
    assert done.returncode == 2
    assert done.stderr == f"skcptun: {command}: not in this version yet\n"


def test_check_accepts(box):
    path = box.write("c.lua", box.client_config(4000, 5000))
    done = skcptun("check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: ok (proxy_client)\n"


def test_check_warns_of_a_readable_file(box):
    path = box.write("c.lua", box.client_config(4000, 5000), mode=0o644)
    done = skcptun("check", path)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ") and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("change, words", [
    (("port = 4000", 'port = "abc"'), ["skcp_remote_servers[1].port", "expected", '"abc"']),
    (("port = 4000", "port = 70000"), ["skcp_remote_servers[1].port", "70000"]),
    (("tcp_listen_port", "tcp_listen_prot"), ["tcp_listen_prot", "tcp_listen_port"]),
    (('mode = "proxy_client"', 'mode = "proxy_cleint"'), ["mode", "proxy_cleint"]),
    ((TICKET, "short"), ["ticket", "32"]),
    (("config = {", "config = {{"), ["c.lua"]),
    (("config = {", "os.execute() config = {"), ["c.lua"]),
])
def test_check_names_what_is_wrong(box, change, words):
    text = box.client_config(4000, 5000)
    assert change[0] in text
    path = box.write("c.lua", text.replace(*change))
    for args in (["check", path], [path]):
        done = skcptun(*args)
        assert done.returncode == 2, done
        assert len(done.stderr.splitlines()) == 1 and not done.stdout
        for word in words:
            assert word in done.stderr
        assert PASSWORD not in done.stderr


def test_check_without_a_file(box):
    done = skcptun("check", box.path / "nothing.lua")
    assert done.returncode == 2
    assert "nothing.lua" in done.stderr and len(done.stderr.splitlines()) == 1


def values(text):
    return dict(re.findall(r'^(\w+) = "([^"]+)",$', text, re.M))


def test_keygen():
    first, second = (skcptun("keygen") for _ in range(2))
    assert first.returncode == 0 and not first.stderr
    found = values(first.stdout)
    assert set(found) == {"key", "private_key", "server_key"}
    for text in found.values():
        assert len(base64.b64decode(text, validate=True)) == 32
    # Everything but these lines is a comment of Lua's.
    assert all(line.startswith("--") or " = " in line for line in first.stdout.splitlines())
    assert not set(found.values()) & set(values(second.stdout).values())
    assert set(values(skcptun("keygen", "--server").stdout)) == {"private_key", "server_key"}
    bare = skcptun("keygen", "--key").stdout
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=\n", bare)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_keygen_pair_belongs_together():
    found = values(skcptun("keygen", "--server").stdout)
    # RFC 8410: the fixed beginning of an X25519 private key.
    der = bytes.fromhex("302e020100300506032b656e04220420") + base64.b64decode(found["private_key"])
    public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input=der,
                            capture_output=True, check=True).stdout
    assert public[-32:] == base64.b64decode(found["server_key"])


def test_keygen_ticket():
    done = skcptun("keygen", "--ticket")
    assert done.returncode == 0 and re.fullmatch(r"[0-9a-f]{32}\n", done.stdout)
    assert skcptun("keygen", "--ticket").stdout != done.stdout


@pytest.mark.parametrize("args", [
    ["localhost:4000", "--target", ":22"], ["[2001:db8::1]:4000-4010", "--target", "[::1]:22", "--listen", ":1081"],
    ["localhost:4000", "--tun"],
])
def test_keygen_pair_makes_files_that_are_right(box, args):
    done = skcptun("keygen", "--pair", *args, cwd=box.path)
    assert done.returncode == 0, done.stderr
    texts = []
    for name in ("server.lua", "client.lua"):
        path = box.path / name
        assert path.stat().st_mode & 0o777 == 0o600
        checked = skcptun("check", path)
        assert (checked.returncode, checked.stderr) == (0, "")
        texts.append(path.read_text())
    secrets = [set(re.findall(r'"([A-Za-z0-9+/]{43}=|[0-9a-f]{32})"', text)) for text in texts]
    assert len(secrets[0] & secrets[1]) == 2  # key and ticket; the private key stays with the server
    assert not secrets[0] & set(re.findall(r"[A-Za-z0-9+/]{43}=", done.stdout))
    again = skcptun("keygen", "--pair", *args, cwd=box.path)
    assert again.returncode == 1 and "File exists" in again.stderr
    assert [(box.path / name).read_text() for name in ("server.lua", "client.lua")] == texts


def test_keygen_pair_leaves_no_half(box):
    (box.path / "client.lua").write_text("mine")
    done = skcptun("keygen", "--pair", "a:1", "--tun", "--folder", box.path)
    assert done.returncode == 1 and "client.lua: File exists" in done.stderr
    assert not (box.path / "server.lua").exists() and (box.path / "client.lua").read_text() == "mine"
    assert skcptun("keygen", "--pair", "a:1", "--tun", "--folder", box.path / "none").returncode == 1


def test_status_without_an_instance(box):
    path = box.write("c.lua", box.client_config(4000, 5000))
    done = skcptun("status", path)
    assert done.returncode == 1 and "no instance" in done.stderr
