# SPDX-License-Identifier: MIT
"""skcptun import, uri and keygen --pair: configurations that run, from kcptun's settings, kcptun-libev's, and URIs."""
import json
import re
import shutil
import socket
import subprocess

import pytest
from conftest import SKCPTUN, Pair, free_port, skcptun

# Of kcptun's own example, as its README has it.
CLIENT = {"localaddr": ":12948", "remoteaddr": "vps.example.net:20000-20010", "key": "it's a long secret", "crypt": "aes-128",
          "mode": "fast3", "conn": 4, "mtu": 1350, "sndwnd": 1024, "rcvwnd": 1024, "datashard": 10, "parityshard": 3, "dscp": 0,
          "nocomp": True, "acknodelay": False, "nodelay": 1, "interval": 20, "resend": 2, "nc": 1, "sockbuf": 4194304,
          "smuxver": 2, "smuxbuf": 4194304, "streambuf": 2097152, "keepalive": 10, "autoexpire": 0, "scavengettl": 600,
          "snmplog": "", "snmpperiod": 60, "quiet": True, "tcp": False, "log": ""}


def imported(box, settings, *flags):
    """The configuration that settings come to, as text; it passes check."""
    path = box.write("kcptun.json", settings if isinstance(settings, str) else json.dumps(settings))
    done = skcptun("import", *flags, path, cwd=box.path)
    assert done.returncode == 0, done.stderr
    checked = skcptun("check", box.write("checked.lua", done.stdout))
    assert checked.returncode == 0, checked.stderr
    return done.stdout


def fields(text):
    """The fields of a configuration by name, comments left off."""
    return dict(re.findall(r'^\s+(\w+) = ("(?:[^"\\]|\\.)*"|[\w.]+),', text, re.M))


def test_client(box):
    text = imported(box, CLIENT)
    found = fields(text)
    assert found["mode"] == '"proxy_client"' and found["log_level"] == '"warn"'
    assert (found["tcp_listen_addr"], found["tcp_listen_port"]) == ('"0.0.0.0"', "12948")
    assert (found["address"], found["port"]) == ('"vps.example.net"', '"20000-20010"')
    assert found["password"] == '"it\'s a long secret"' and found["skcp_speed_mode"] == "1"
    # Each of the settings is told of, in a line of its own or beside its field.
    told = set(re.findall(r"^--   (\w+) = ", text, re.M))
    fielded = {"localaddr", "remoteaddr", "key", "mode", "quiet", "log"}
    assert told == set(CLIENT) - fielded


def test_server_from_flags_and_a_file(box):
    path = box.write("s.json", json.dumps({"target": "10.0.0.7:22", "key": "from the file"}))
    for program in (["kcptun-server"], ["/usr/bin/server_linux_amd64"], []):
        done = skcptun("import", *program, "-l", ":29900", "-t", "127.0.0.1:1", "--mode=normal", "--ratelimit", "2500000",
                       "--nocomp", "-c", path)
        assert (done.returncode, done.stderr) == (0, "")
        found = fields(done.stdout)
        assert (found["tcp_target_addr"], found["tcp_target_port"]) == ('"10.0.0.7"', "22")  # the file counts for more
        assert (found["address"], found["port"], found["password"]) == ('"*"', "29900", '"from the file"')
        assert (found["skcp_speed_mode"], found["max_rate_mbit"]) == ("0", "20.000")


def test_no_key_is_kcptuns_own_and_warned_of():
    done = skcptun("import", "-r", "[2001:db8::1]:29900")
    assert done.returncode == 0 and "kcptun's own is no secret" in done.stderr
    found = fields(done.stdout)
    assert found["password"] == '"it\'s a secrect"'
    assert (found["address"], found["tcp_listen_port"]) == ('"2001:db8::1"', "12948")


@pytest.mark.parametrize("settings, what", [
    ({"kcp_connect": "vps.example.net:20000", "listen": "127.0.0.1:8388", "password": "pass", "loglevel": 3},
     {"mode": '"proxy_client"', "address": '"vps.example.net"', "tcp_listen_port": "8388", "password": '"pass"',
      "log_level": '"warn"'}),
    ({"udp_bind": "0.0.0.0:20000", "connect": "127.0.0.1:80", "psk": "JysdrmG/6yCLDQXpKQdOLFS7dh0AvuHwGVbXKVyhvYM=",
      "kcp": {"mtu": 1300, "sndwnd": 256}, "tcp": {"nodelay": True}, "udp": {"sndbuf": 1}, "timeout": 600, "linger": 30},
     {"mode": '"proxy_server"', "address": '"0.0.0.0"', "port": "20000", "tcp_target_port": "80",
      "key": '"JysdrmG/6yCLDQXpKQdOLFS7dh0AvuHwGVbXKVyhvYM="'}),
])
def test_kcptun_libev(box, settings, what):
    text = imported(box, settings)
    assert "kcptun-libev's settings" in text
    found = fields(text)
    assert {name: found.get(name) for name in what} == what


def test_libev_without_a_secret_asks_for_one(box):
    path = box.write("k.json", json.dumps({"kcp_bind": ":20000", "connect": "127.0.0.1:80"}))
    done = skcptun("import", path)
    assert done.returncode == 0 and 'os.getenv("SKCPTUN_KEY")' in done.stdout
    config = box.write("c.lua", done.stdout)
    assert skcptun("check", config, env={}).returncode == 2  # it is not there yet: nothing runs without a secret
    key = skcptun("keygen", "--key").stdout.strip()
    assert skcptun("check", config, env={"SKCPTUN_KEY": key}).returncode == 0


@pytest.mark.parametrize("key", ['quotes " and \\ and \'', "ünïcödé 密码 \U0001f600", "tab\tnew\nline\r\x7f", "-- ]] ]=] --"])
def test_secrets_come_through_as_they_are(box, key):
    """As UTF-8 and as \\u escapes; the Lua that reads configurations says what the file's string is."""
    for ascii_only in (True, False):
        text = imported(box, json.dumps({**CLIENT, "key": key}, ensure_ascii=ascii_only))
        probe = box.write("probe.lua", text + "\nlocal s = config.proxy_client.skcp_remote_servers[1].password\n"
                                              "error('it is ' .. s:gsub('.', function(c) return ('%02x'):format(c:byte()) end))")
        said = re.search(r"it is ([0-9a-f]+)", skcptun("check", probe).stderr)
        assert bytes.fromhex(said[1]).decode() == key


@pytest.mark.parametrize("text, words", [
    ("", "not a JSON object"), ("[]", "not a JSON object"), ('{"key": 1,}', "not a JSON object"), ('"x"', "not a JSON object"),
    ('{"remoteaddr": ["a:1"]}', "expected a text, a number"), ('{"remoteaddr": "a"}', "expected HOST:PORT"),
    ('{"remoteaddr": ":1"}', "expected HOST:PORT"), ('{"remoteaddr": "fe80::1:2"}', "expected HOST:PORT"),
    ('{"remoteaddr": "a:b"}', "expected HOST:PORT"), ('{"remoteaddr": "a:1", "localaddr": "/tmp/s"}', "Unix socket"),
    ('{"remoteaddr": "a:1", "localaddr": ":1-2"}', "one port"), ('{"remoteaddr": "a:1", "target": "b:2"}', "a client and of"),
    ('{"remoteaddr": "a:1", "mode": "warp"}', '"warp"'), ('{"remoteaddr": "a:1", "ratelimit": "lots"}', '"lots"'),
    ('{"key": "x"}', "Say --client or --server"), ('{"remoteaddr": "a:1", "key": "\\u0000"}', "zero byte"),
    ('{"remoteaddr": "a:1", "key": "\\ud800"}', "zero byte"), ('{"remoteaddr": "a:1", "key": "' + "x" * 2000 + '"}', "too long"),
    ("{" + ",".join(f'"a{n}": {n}' for n in range(99)) + "}", "more than"),
    (" " * 70000, "too long"), ('{"kcp_connect": "a:1"}', "listen is missing"),
])
def test_mistakes_are_told(box, text, words):
    done = skcptun("import", box.write("x.json", text))
    said = done.stderr.splitlines()
    assert words in said[0], done.stderr
    assert done.returncode == 2 and not done.stdout


@pytest.mark.parametrize("args", [[], ["none.json"], ["--client"], ["-r"], ["-r", "a:1", "b"], ["--client", "-t", "a:1"]])
def test_usage(box, args):
    done = skcptun("import", *args, cwd=box.path)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_unknown_settings_are_warned_of(box):
    path = box.write("k.json", json.dumps({**CLIENT, "remotaddr": "x:1"}))
    done = skcptun("import", path)
    assert done.returncode == 0 and 'kcptun has no setting "remotaddr"' in done.stderr
    path = box.write("k.json", json.dumps({**CLIENT, "n" * 50: 1}))
    done = skcptun("import", path)
    assert done.returncode == 0 and 'no setting "nnn' in done.stderr


@pytest.mark.parametrize("end", ["client", "server"])
def test_every_flag_of_kcptun_is_known(end):
    program = shutil.which(f"kcptun-{end}")
    if not program:
        pytest.skip("no kcptun")
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=False, timeout=60).stdout
    flags = re.findall(r"^   (-+\w+)( value)?", said, re.M)
    assert len(flags) > 20
    for flag, value in flags:
        if flag in ("--help", "--version", "-c"):
            continue
        values = {"--localaddr": ":1", "--remoteaddr": "a:1", "--listen": ":1", "--target": "a:1", "--mode": "fast"}
        other = {"client": ["-r", "b:2"], "server": ["-t", "b:2"]}[end]
        done = skcptun("import", f"kcptun-{end}", *other, flag, *([values.get(flag, "1")] if value else []))
        assert done.returncode == 0 and "no setting" not in done.stderr, (flag, done.stderr)


class Imported(Pair):
    """The two ends of a kcptun set-up, moved here."""

    def __init__(self, box):  # pylint: disable=super-init-not-called
        self.box = box
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        key = "moved \"here\" ünd dort"
        ends = {"server": {"listen": f"127.0.0.1:{self.udp}", "target": f"127.0.0.1:{box.target()}", "key": key},
                "client": {"localaddr": f"127.0.0.1:{self.tcp}", "remoteaddr": f"localhost:{self.udp}", "key": key}}
        for end, settings in ends.items():
            done = skcptun("import", box.write(f"{end}.json", json.dumps(settings)))
            assert done.returncode == 0, done.stderr
            text = done.stdout.replace("config = {", f'config = {{\n    status_socket = "{box.path}/{end}.sock",')
            setattr(self, f"{end}_file", box.write(f"{end}.lua", text))
            setattr(self, end, box.start(getattr(self, f"{end}_file"), log=f"{end}.log"))


def test_both_ends_moved_and_at_work(box):
    ends = Imported(box)
    ends.wait_up()
    ends.get(300000)


def test_tools_that_are_not_installed_are_named(box):
    """skcptun alone, as on a router: it says what is missing, and all else works."""
    alone = box.path / "skcptun"
    shutil.copy(SKCPTUN, alone)
    done = subprocess.run([alone, "import", "x.json"], capture_output=True, text=True, check=False, timeout=60)
    if "not a JSON" in done.stderr or "No such file" in done.stderr:
        pytest.skip("skcptun-tools is installed on this machine")
    assert done.returncode == 1 and "skcptun-tools" in done.stderr and len(done.stderr.splitlines()) == 1
    done = subprocess.run([alone, "check", "--help"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("Usage: skcptun check") and "skcptun-tools" in done.stdout
    assert subprocess.run([alone, "--version"], capture_output=True, check=False, timeout=60).returncode == 0


class Made(Pair):
    """The two ends that `skcptun keygen --pair` made."""

    def __init__(self, box):  # pylint: disable=super-init-not-called
        self.box = box
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        done = skcptun("keygen", "--pair", f"127.0.0.1:{self.udp}", "--target", f"127.0.0.1:{box.target()}", "--listen",
                       self.tcp, "--folder", box.path)
        assert done.returncode == 0, done.stderr
        for end in ("server", "client"):
            path = box.path / f"{end}.lua"
            text = path.read_text().replace("config = {", f'config = {{\n    status_socket = "{box.path}/{end}.sock",')
            setattr(self, f"{end}_file", box.write(f"{end}.lua", text))
            setattr(self, end, box.start(path, log=f"{end}.log"))


def test_a_pair_from_keygen_at_work(box):
    ends = Made(box)
    ends.wait_up()
    ends.get(300000)


def pair_files(box, *args):
    done = skcptun("keygen", "--pair", *args, "--folder", box.path)
    assert done.returncode == 0, done.stderr
    return box.path / "server.lua", box.path / "client.lua"


def secrets_of(text):
    return set(re.findall(r'"([A-Za-z0-9+/]{43}=|[0-9a-f]{32})"', text))


@pytest.mark.parametrize("args", [["vps.example.net:4000-4010", "--target", ":22", "--listen", ":1081"],
                                  ["[2001:db8::1]:4000", "--tun"]])
def test_a_uri_carries_what_the_client_needs(box, args):
    server, client = pair_files(box, *args)
    host = args[0].rsplit(":", 1)[0].strip("[]")
    said = {"client": skcptun("uri", client), "server": skcptun("uri", server, "--host", host)}
    for end, done in said.items():
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert len(done.stdout.splitlines()) == 1 and done.stdout.startswith("skcptun://key:")
        path = box.write(f"{end}.uri", done.stdout)
        text = skcptun("import", path).stdout
        again = box.write(f"{end}2.lua", text)
        checked = skcptun("check", again)
        assert (checked.returncode, checked.stderr) == (0, "")
        assert secrets_of(text) == secrets_of(client.read_text())
        assert f'"{host}"' in text
        piped = subprocess.run([SKCPTUN, "import", "-"], input=done.stdout, capture_output=True, text=True, check=False,
                               timeout=60)
        assert piped.stdout == text
    assert said["server"].stdout.strip().endswith("#first")


def test_uris_of_a_server_are_one_a_ticket(box):
    server, _ = pair_files(box, "localhost:1", "--tun")
    text = server.read_text()
    more = text.replace("[\"", f"[\"{'b' * 32}\"] = {{ name = \"second one\", tun_ip = \"10.86.0.3\" }},\n            [\"", 1)
    path = box.write("more.lua", more)
    both = skcptun("uri", path, "--host", "x.example.net").stdout.splitlines()
    assert len(both) == 2 and {line.rsplit("#", 1)[1] for line in both} == {"first", "second%20one"}
    one = skcptun("uri", path, "--host", "x.example.net", "--ticket", "second one").stdout.splitlines()
    assert one == [line for line in both if line.endswith("#second%20one")] and "tun_ip=10.86.0.3" in one[0]
    none = skcptun("uri", path, "--host", "x.example.net", "--ticket", "third")
    assert none.returncode == 1 and "no ticket of that name" in none.stderr


def test_uri_says_what_it_lacks(box):
    server, client = pair_files(box, "localhost:1", "--tun")
    done = skcptun("uri", server)
    assert done.returncode == 2 and "--host" in done.stderr
    assert skcptun("uri").returncode == 2 and skcptun("uri", box.path / "none.lua").returncode == 2
    broken = box.write("broken.lua", client.read_text().replace("tun_ip", "tun_pi"))
    assert skcptun("uri", broken).returncode == 2
    for text, words in (("skcptun://key:x@h:1", "no secret"), ("skcptun:x", "does not begin"), ("skcptun://a b", "a space")):
        done = skcptun("import", box.write("u", text))
        assert done.returncode == 2 and words in done.stderr and not done.stdout


def test_qr_code_says_the_uri(box):
    _, client = pair_files(box, "vps.example.net:4000", "--target", ":22")
    done = skcptun("uri", client, "--qr")
    if done.returncode == 1:
        assert "without libqrencode" in done.stderr
        pytest.skip("built without libqrencode")
    uri, *rows = done.stdout.splitlines()
    dark = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    halves = [[dark[c] for c in re.sub(r"\x1b\[[\d;]*m", "", row)] for row in rows]
    assert len({len(row) for row in halves}) == 1 and len(rows) > 15
    reader = shutil.which("zbarimg")
    if not reader:
        pytest.skip("no zbarimg: the code was made, and not read")
    lines = [[pair[half] for pair in row] for row in halves for half in (0, 1)]
    scale = 4
    bits = b"".join(bytes(0 if m else 255 for m in line for _ in range(scale)) * scale for line in lines)
    image = box.path / "qr.pgm"
    image.write_bytes(b"P5 %d %d 255\n" % (len(lines[0]) * scale, len(lines) * scale) + bits)
    read = subprocess.run([reader, "-q", "--raw", image], capture_output=True, text=True, check=False, timeout=60)
    assert read.stdout.strip() == uri
