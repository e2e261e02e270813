# SPDX-License-Identifier: MIT
"""Running processes: status, signals, sockets, secrets, privileges."""
import base64
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest
from conftest import NAME, PASSWORD, SKCPTUN, TICKET, Pair, children_of, free_port, is_alive, skcptun, wait_for

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_tunnel_and_status(pair):
    pair.get(300000)
    for which in ("client", "server"):
        status = pair.status(which)
        assert status["mode"] == "proxy_" + which
        assert status["pid"] == getattr(pair, which).pid
        assert re.fullmatch(r"\d+\.\d+\.\d+", status["version"])
        assert 0 <= status["uptime_s"] < 60 and status["rss_bytes"] > 100000
        assert set(status["drops"]) >= {"auth", "replay", "malformed", "overload"}
        (session,) = status["sessions"]
        assert 1 <= session["cid"] <= 2**31 - 1
        assert set(session) == {
            "cid", "state", "peer", "name", "key", "tun_ip", "age_s", "rtt_ms", "loss_tx", "loss_rx", "mtu", "cwnd_bytes",
            "pacing_mbit", "bytes_tx", "bytes_rx", "payload_tx", "payload_rx", "retransmitted", "duplicated", "fec_sent",
            "fec_recovered", "streams"}
        assert set(session["rtt_ms"]) == {"last", "smoothed", "min"}
        if which == "client":
            assert session["peer"] == f"127.0.0.1:{pair.udp}"
            assert session["bytes_rx"] > 300000
        else:
            assert session["bytes_tx"] > 300000
    assert pair.status("client")["tcp"]["accepted"] == 1
    assert pair.status("client")["sessions"][0]["cid"] == pair.status("server")["sessions"][0]["cid"]


def test_status_for_people(pair):
    done = skcptun("status", pair.client_file)
    assert done.returncode == 0
    assert "proxy_client" in done.stdout and f"127.0.0.1:{pair.udp}" in done.stdout
    assert " up " in done.stdout and "tcp: 0 open" in done.stdout
    # --watch repeats until it is ended, or the instance is.
    watch = subprocess.Popen([SKCPTUN, "status", str(pair.client_file), "--watch"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    # Twice, then on to the end.
    out = ""
    while out.count("proxy_client") < 2:
        line = watch.stdout.readline()
        assert line, watch.communicate()
        out += line
    assert "out Mb/s  in Mb/s" in out and "sent " in out
    pair.client.signal(signal.SIGTERM)
    _, err = watch.communicate(timeout=60)
    assert watch.returncode == 1 and "has ended" in err


def test_first_log_line(pair):
    first = pair.client.log().splitlines()[0]
    assert re.search(rf"info +skcptun \d\S*, pid {pair.client.pid}, mode proxy_client", first)


def test_server_key_pins_the_server(box):
    keys = dict(re.findall(r'^(\w+) = "([^"]+)",$', skcptun("keygen").stdout, re.M))
    server = f'key = "{keys["key"]}", private_key = "{keys["private_key"]}"'
    client = f'key = "{keys["key"]}", server_key = "{keys["server_key"]}"'
    pair = Pair(box, {"secret": server}, {"secret": client})
    pair.wait_up()
    pair.get(1000)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_on_a_signal(pair, number):
    for which in ("client", "server"):
        process = getattr(pair, which)
        process.signal(number)
        assert process.wait() == 0
        assert not (pair.box.path / f"{which}.sock").exists()


def test_drains_for_a_second_only(pair):
    with pair.connect() as idle:
        idle.sendall(b"GET /")
        wait_for(lambda: pair.status()["tcp"]["open"] == 1)
        start = time.monotonic()
        pair.client.signal(signal.SIGTERM)
        wait_for(lambda: "ending, open connections get 1 s" in pair.client.log())
        # Open ones go on meanwhile, new ones are refused.
        with pytest.raises(ConnectionRefusedError):
            pair.connect()
        idle.sendall(b"7 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        assert pair.client.wait() == 0
        assert time.monotonic() - start > 0.9
    assert not (pair.box.path / "client.sock").exists()


def test_drain_ends_early(pair):
    with pair.connect() as idle:
        wait_for(lambda: pair.status()["tcp"]["open"] == 1)
        pair.client.signal(signal.SIGTERM)
        wait_for(lambda: "ending, open connections get 1 s" in pair.client.log())
        idle.close()
        # That it does so before the limit is for tests/script/test_app.c to tell, which can set one.
        assert pair.client.wait() == 0


def test_second_signal_ends_at_once(pair):
    with pair.connect():
        wait_for(lambda: pair.status()["tcp"]["open"] == 1)
        pair.client.signal(signal.SIGTERM)
        wait_for(lambda: "ending, open connections get 1 s" in pair.client.log())
        pair.client.signal(signal.SIGTERM)
        assert pair.client.wait() == 0
    assert not (pair.box.path / "client.sock").exists()


def test_signals_during_the_start(box):
    """Whenever it comes, nothing is left behind."""
    path = box.write("server.lua", box.server_config(free_port(socket.SOCK_DGRAM), 1))
    for delay in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        process = box.start(path, log="server.log")
        time.sleep(delay)
        process.signal(signal.SIGTERM)
        assert process.wait() in (0, -signal.SIGTERM)
        assert not (box.path / "server.sock").exists()


def test_stale_socket_is_replaced(pair):
    pair.server.popen.kill()
    pair.server.wait()
    assert (pair.box.path / "server.sock").is_socket()
    pair.server = pair.box.start(pair.server_file, log="server2.log")
    wait_for(lambda: pair.status("server"), what="answer of the new server")
    mode = (pair.box.path / "server.sock").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_living_instance_keeps_its_socket(pair):
    done = skcptun(pair.server_file)
    assert done.returncode == 1
    assert "running already" in done.stderr
    assert pair.status("server")["pid"] == pair.server.pid


def test_address_in_use(pair):
    other = pair.box.write("other.lua", pair.server_file.read_text().replace("server.sock", "other.sock"))
    done = skcptun(other)
    assert done.returncode == 1
    assert str(pair.udp) in done.stderr
    assert not (pair.box.path / "other.sock").exists()


@pytest.fixture(scope="module", autouse=True)
def no_state_left():
    """What servers with the default socket keep for their next start."""
    folder = pathlib.Path("/var/lib/skcptun")
    before = set(folder.glob("*.stamps"))
    yield
    for kept in set(folder.glob("*.stamps")) - before:
        kept.unlink()


def test_default_socket(box):
    """/run/skcptun for root; else $XDG_RUNTIME_DIR/skcptun."""
    name = f"{NAME}default"
    text = re.sub(r'status_socket = "[^"]*",', "", box.server_config(free_port(socket.SOCK_DGRAM), 1))
    path = box.write(f"{name}.lua", text)
    env = dict(os.environ, XDG_RUNTIME_DIR=str(box.path))
    folder = pathlib.Path("/run") if os.access("/run", os.W_OK) else box.path
    process = box.start(path, env=env)
    expected = folder / "skcptun" / f"{name}.sock"
    wait_for(expected.is_socket, what=f"{expected}\n{process.log()}")
    done = wait_for(lambda: (d := skcptun("status", path, "--json", env=env)).returncode == 0 and d)
    assert json.loads(done.stdout)["pid"] == process.pid
    # Without an argument: this one, where it is the only one.
    alone = skcptun("status", "--json", env=env)
    if alone.returncode == 0:
        assert json.loads(alone.stdout)["pid"] == process.pid
    else:
        assert alone.returncode == 2 and str(expected) in alone.stderr
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    assert not expected.exists()


def test_socket_can_be_switched_off(box):
    text = re.sub(r'status_socket = "[^"]*"', 'status_socket = "off"', box.server_config(free_port(socket.SOCK_DGRAM), 1))
    path = box.write("server.lua", text)
    process = box.start(path)
    time.sleep(0.5)
    assert process.popen.poll() is None
    assert [p for p in box.path.iterdir() if p.is_socket()] == []
    assert skcptun("status", path).returncode == 2


def test_reload(box):
    def table(ticket):
        return {"table": f'tickets = {{ ["{ticket}"] = {{ name = "one" }} }},'}
    pair = Pair(box, table(TICKET))
    pair.wait_up()
    pair.get(100)
    # A configuration that is wrong changes nothing.
    good = pair.server_file.read_text()
    pair.server_file.write_text(good.replace("tcp_target_port", "tcp_target_prot"))
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: "tcp_target_prot" in pair.server.log())
    pair.get(100)
    # The ticket goes: its session ends, and no other begins.
    pair.server_file.write_text(good.replace(TICKET, "x" * 32))
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: "was read again" in pair.server.log())
    wait_for(lambda: pair.status("server")["sessions"] == [])
    # It comes back, without a restart.
    pair.server_file.write_text(good)
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: pair.session() is not None, 20)
    pair.get(100)
    assert pair.server.popen.poll() is None and pair.client.popen.poll() is None


def test_reload_opens_the_log_anew(box):
    log = box.path / "own.log"
    path = box.write("server.lua", box.server_config(free_port(socket.SOCK_DGRAM), 1, top=f'log_file = "{log}",'))
    process = box.start(path)
    wait_for(lambda: log.exists() and "pid" in log.read_text())
    log.rename(box.path / "own.log.1")
    process.signal(signal.SIGHUP)
    wait_for(lambda: log.exists() and "was read again" in log.read_text())
    process.signal(signal.SIGTERM)
    assert process.wait() == 0


def test_secrets_stay_secret(box):
    key = skcptun("keygen", "--key").stdout.strip()
    secrets = [TICKET, key, base64.b64decode(key).hex()]
    pair = Pair(box, {"top": 'log_level = "debug",', "secret": f'key = "{key}"'},
                {"top": 'log_level = "debug",', "secret": f'key = "{key}"'})
    pair.wait_up()
    pair.get(100)
    wrong = box.write("wrong.lua", box.client_config(pair.udp, free_port(), top='log_level = "debug",')
                      .replace("client.sock", "wrong.sock"))
    stranger = box.start(wrong, log="wrong.log")
    time.sleep(1.5)
    seen = pair.server.log() + pair.client.log() + stranger.log()
    for process in (pair.server, pair.client, stranger):
        seen += pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        seen += pathlib.Path(f"/proc/{process.pid}/environ").read_text()
        limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)
    for which in ("client", "server"):
        seen += json.dumps(pair.status(which)) + skcptun("status", getattr(pair, which + "_file")).stdout
    for secret in secrets + [PASSWORD]:
        assert secret not in seen


@root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_dropped_privileges(box, number):
    nobody = pwd.getpwnam("nobody")
    name = f"{NAME}user"
    udp, tcp = free_port(socket.SOCK_DGRAM), free_port()
    server = box.write("server.lua", box.server_config(udp, box.target()))
    text = re.sub(r'status_socket = "[^"]*",', 'user = "nobody",', box.client_config(udp, tcp))
    path = box.write(f"{name}.lua", text)
    box.start(server, log="server.log")
    process = box.start(path)
    sock = pathlib.Path(f"/run/skcptun/{name}.sock")
    wait_for(lambda: "running as user nobody" in process.log(), what=process.log())
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    assert re.search(rf"^Uid:(\s+{nobody.pw_uid}){{4}}$", status, re.M)
    assert sock.is_socket()
    children = children_of(process.pid)
    assert len(children) == 2  # what removes the socket, what opens the configuration for a reload
    wait_for(lambda: '"up"' in skcptun("status", path, "--json").stdout)
    process.signal(number)
    assert process.wait() == (0 if number == signal.SIGTERM else -number)
    wait_for(lambda: not sock.exists() and not any(is_alive(child) for child in children), 10)


@root
def test_reload_without_privileges(box):
    """Neither the configuration nor the log can be opened by the account that the process became."""
    log = box.path / "own.log"
    top = f'user = "nobody", log_file = "{log}",'
    tickets = {"table": f'tickets = {{ ["{TICKET}"] = {{ name = "one" }} }},'}
    pair = Pair(box, {**tickets, "top": top})
    pair.wait_up()
    wait_for(lambda: "running as user nobody" in log.read_text())
    good = pair.server_file.read_text()
    assert pair.server_file.stat().st_mode & 0o777 == 0o600
    pair.server_file.write_text(good.replace(TICKET, "x" * 32))
    log.rename(box.path / "own.log.1")
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: log.exists() and "was read again" in log.read_text())
    wait_for(lambda: pair.status("server")["sessions"] == [])
    pair.server.signal(signal.SIGTERM)
    assert pair.server.wait() == 0


@root
def test_unknown_user(box):
    path = box.write("server.lua", box.server_config(free_port(socket.SOCK_DGRAM), 1, top='user = "no-such-user",'))
    done = skcptun(path)
    assert done.returncode == 2 and "no-such-user" in done.stderr
    assert not (box.path / "server.sock").exists()


@root
def test_without_root(box):
    """Another user's socket and state are in a place of its own, and root's instances none of its business."""
    nobody = pwd.getpwnam("nobody")
    # The program may be in a folder that only root can enter.
    program = shutil.copy(SKCPTUN, box.path / "skcptun")
    as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "executable": program}
    env = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
    runtime = box.path / "runtime"
    for folder in (box.path, runtime):
        folder.mkdir(exist_ok=True)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    env["XDG_RUNTIME_DIR"] = str(runtime)
    for who, uid in (("root", 0), ("nobody", nobody.pw_uid)):
        text = re.sub(r'status_socket = "[^"]*",', "", box.server_config(free_port(socket.SOCK_DGRAM), 1))
        os.chown(box.write(f"{NAME}{who}.lua", text), uid, -1)
    box.start(box.path / f"{NAME}root.lua", log="root.log")
    path = box.path / f"{NAME}nobody.lua"
    process = box.start(path, env=env, **as_nobody)
    expected = runtime / "skcptun" / f"{NAME}nobody.sock"
    wait_for(expected.is_socket, what=f"{expected}\n{process.log()}")
    done = wait_for(lambda: (d := skcptun("status", "--json", env=env, **as_nobody)).returncode == 0 and d)
    assert json.loads(done.stdout)["pid"] == process.pid
    process.signal(signal.SIGHUP)
    wait_for(lambda: "was read again" in process.log())
    assert "status_socket" not in process.log()
    process.signal(signal.SIGTERM)
    assert process.wait() == 0 and not expected.exists()
    assert list(expected.parent.glob("*.stamps"))
    denied = skcptun("status", env=env, **as_nobody)
    assert denied.returncode == 1 and "no instance of this user" in denied.stderr


@root
def test_two_configurations_of_one_name(box):
    """They run side by side, and status finds each; a long name is no problem either."""
    processes = {}
    for folder, name in (("one", f"{NAME}twin"), ("two", f"{NAME}twin"), ("three", NAME + "long" * 50)):
        (box.path / folder).mkdir()
        text = re.sub(r'status_socket = "[^"]*",', "", box.server_config(free_port(socket.SOCK_DGRAM), 1))
        path = box.write(f"{folder}/{name}.lua", text)
        if folder == "two":  # the other one's socket is not this one's
            done = skcptun("status", path)
            assert done.returncode == 1 and "no instance" in done.stderr, done
        processes[path] = box.start(path, log=f"{folder}.log")
        wait_for(lambda: skcptun("status", path, "--json").returncode == 0, what=processes[path].log())
    for path, process in processes.items():
        status = json.loads(skcptun("status", path, "--json").stdout)
        assert status["pid"] == process.pid and status["config"] == str(path)
    again = skcptun(next(iter(processes)))  # the same file once more
    assert again.returncode == 1
