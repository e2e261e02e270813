# SPDX-License-Identifier: MIT
"""Real processes on the loopback interface, without namespaces. Each is ended by the pid it was started with."""
import contextlib
import http.server
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SKT_BUILD", ROOT / "build"))
SKCPTUN = os.environ.get("SKCPTUN", str(BUILD / "skcptun"))
TROUBLE = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|Assertion .* failed")

TICKET = "test-ticket-of-exactly-32-bytes!"
# What the sockets of this run in /run/skcptun begin with.
NAME = f"skt-test-{os.getpid()}-"
PASSWORD = "the-password-of-these-tests"


PORTS = itertools.cycle(random.sample(range(12000, 32000), 2000))


def free_port(kind=socket.SOCK_STREAM):
    """From below the range that the system gives to connections, one of which could take it before its server does."""
    for port in itertools.islice(PORTS, 100):
        with socket.socket(socket.AF_INET, kind) as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


# A test gives up after so many times what a thing should take. That guards against hanging and is no verdict about speed: a
# busy machine has none.
GUARD = 10


def wait_for(condition, seconds=10, what="condition"):
    """The condition's first true value."""
    seconds *= GUARD
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def skcptun(*args, timeout=20, **kwargs):
    return subprocess.run([SKCPTUN, *map(str, args)], capture_output=True, text=True, timeout=timeout * GUARD, check=False,
                          stdin=subprocess.DEVNULL, **kwargs)


class Process:
    """A running skcptun with its log in a file, unless stderr is something else."""

    def __init__(self, args, log, program=SKCPTUN, stderr=subprocess.STDOUT, **kwargs):
        self.log_path = pathlib.Path(log)
        with open(log, "ab") as out:
            self.popen = subprocess.Popen([program, *map(str, args)], stdout=out, stderr=stderr,
                                          stdin=subprocess.DEVNULL, **kwargs)
        self.pid = self.popen.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=10):
        return self.popen.wait(seconds * GUARD)

    def end(self):
        # Twice: at once. An orderly end lets a sanitizer speak.
        for number in (signal.SIGTERM, signal.SIGTERM):
            if self.popen.poll() is None:
                self.popen.send_signal(number)
                time.sleep(0.02)
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        found = TROUBLE.search(self.log())
        assert not found, self.log()


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * int(self.path.rsplit("/", 1)[-1] or 2)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Box:
    """A test's folder, processes and web server."""

    def __init__(self):
        # Short: a socket's path has 107 bytes.
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="skt-cli-", dir="/tmp"))
        self.processes = []
        self.web = None

    def close(self):
        errors = []
        for process in self.processes:
            try:
                process.end()
            except AssertionError as error:
                errors.append(str(error))
        if self.web:
            self.web.shutdown()
            self.web.server_close()
        shutil.rmtree(self.path, ignore_errors=True)
        # What a server keeps over a restart.
        for path in pathlib.Path("/run/skcptun").glob(f"{NAME}*"):
            path.unlink()
        assert not errors, "\n".join(errors)

    def write(self, name, text, mode=0o600):
        path = self.path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def start(self, *args, log="log", **kwargs):
        process = Process(args, self.path / log, **kwargs)
        self.processes.append(process)
        return process

    def target(self):
        """The port of a web server: GET /N gives N bytes."""
        if not self.web:
            self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
            self.web.daemon_threads = True
            threading.Thread(target=self.web.serve_forever, args=(0.02,), daemon=True).start()
        return self.web.server_address[1]

    def server_config(self, udp, target, top="", table="", secret=f'password = "{PASSWORD}"'):
        return f"""config = {{
    mode = "proxy_server", status_socket = "{self.path}/server.sock", {top}
    proxy_server = {{
        tcp_target_addr = "127.0.0.1", tcp_target_port = {target}, {table}
        skcp_servers = {{ {{ address = "127.0.0.1", port = {udp}, {secret} }} }},
    }},
}}
"""

    def client_config(self, udp, tcp, top="", table="", secret=f'password = "{PASSWORD}"', ticket=TICKET):
        return f"""config = {{
    mode = "proxy_client", status_socket = "{self.path}/client.sock", {top}
    proxy_client = {{
        tcp_listen_addr = "127.0.0.1", tcp_listen_port = {tcp}, {table}
        skcp_remote_servers = {{
            {{ address = "127.0.0.1", port = {udp}, {secret}, ticket = "{ticket}" }},
        }},
    }},
}}
"""


class Pair:
    """A server and a client at work. programs: other builds for the ends."""

    def __init__(self, box, server=None, client=None, programs=(SKCPTUN, SKCPTUN)):
        self.box = box
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        self.server_file = box.write("server.lua", box.server_config(self.udp, box.target(), **(server or {})))
        self.client_file = box.write("client.lua", box.client_config(self.udp, self.tcp, **(client or {})))
        self.server = box.start(self.server_file, log="server.log", program=programs[0])
        self.client = box.start(self.client_file, log="client.log", program=programs[1])

    def status(self, which="client"):
        done = skcptun("status", getattr(self, which + "_file"), "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def session(self):
        status = self.status()
        up = [s for s in status["sessions"] if s["state"] == "up"] if status else []
        return up[0] if up else None

    def wait_up(self):
        try:
            return wait_for(self.session, what="session up")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.server.log()}\n{self.client.log()}") from None

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.tcp), 10)

    def get(self, n):
        with self.connect() as s:
            s.sendall(f"GET /{n} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), answer[:100]
        assert body == b"x" * n
        return body


@pytest.fixture
def box():
    b = Box()
    yield b
    b.close()


@pytest.fixture
def pair(box):
    p = Pair(box)
    p.wait_up()
    return p


def is_alive(pid):
    """Zombies don't count."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def pytest_collection_modifyitems(items):
    if not os.access(SKCPTUN, os.X_OK):
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no skcptun at {SKCPTUN} (SKCPTUN)"))
