# SPDX-License-Identifier: MIT
"""Namespaces, processes and their orderly end.

A Lab is what one test has: everything it makes ends with it, also when the test fails. Processes are killed by the
pid they were started with, and die with the test run; namespaces carry the run's pid in their names, so that those of
a run that was killed can be told and removed.
"""
import contextlib
import ctypes
import itertools
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKCPTUN = os.environ.get("SKCPTUN", str(ROOT / "build/skcptun"))
SKT_LINK = os.environ.get("SKT_LINK", str(ROOT / "build/skt-link"))
# Sizes of the transfers, times this (sanitizers and valgrind are slow).
SCALE = float(os.environ.get("SKT_NETNS_SCALE", "1"))
# What skcptun is run through, "valgrind -q --error-exitcode=9" say.
WRAP = os.environ.get("SKT_NETNS_WRAP", "").split()
# An instrumented binary: memory isn't measured, and everything may take longer.
INSTRUMENTED = bool(WRAP) or os.environ.get("SKT_NETNS_INSTRUMENTED", "0") not in ("", "0")
PATIENCE = 5 if INSTRUMENTED else 1
# A test gives up after so many times what a thing should take. That guards against hanging and is no verdict about speed: a
# busy machine has none.
GUARD = 10 * PATIENCE
KEEP_LOGS = os.environ.get("SKT_NETNS_KEEP", "0") not in ("", "0")

PREFIX = "sktlab"
CLONE_NEWNET = 0x40000000
TROUBLE = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|Assertion .* failed")

libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count(1)


def missing():
    """Why these tests can't run here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "needs /dev/net/tun"
    for tool in ("ip", "nsenter", "setpriv", "curl", "openssl"):
        if not shutil.which(tool):
            return f"needs {tool}"
    if not os.access(SKT_LINK, os.X_OK):
        return f"no skt-link at {SKT_LINK} (SKT_LINK)"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "may not make network namespaces"


def run(*argv, timeout=20, check=True):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}: {done.stdout}")
    return done.stdout


def wait_until(what, condition, timeout, step=0.05):
    """condition()'s first true value; AssertionError after far more than `timeout` seconds."""
    end = time.monotonic() + timeout * GUARD
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout * GUARD} s")
        time.sleep(step)


def remove_stale():
    """Namespaces of runs that no longer exist."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        match = re.fullmatch(PREFIX + r"(\d+)-.*", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            run("ip", "netns", "del", name, check=False)
    for base in ("/tmp", "/dev/shm"):
        for name in os.listdir(base):
            match = re.fullmatch(PREFIX + r"(\d+)", name)
            if match and not os.path.exists(f"/proc/{match[1]}"):
                shutil.rmtree(f"{base}/{name}", ignore_errors=True)


class Netns:
    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *args):
        # Not `ip -n`: it mounts, which fails in a chroot whose root is no mount point.
        return run("nsenter", f"--net={self.path}", "ip", *args)

    def remove(self):
        run("ip", "netns", "del", self.name, check=False, timeout=20 * GUARD)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in the namespace; sockets made meanwhile stay there."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(self.path, "rb") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {self.name}")
            try:
                yield
            finally:
                if libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                    os._exit(70)  # nothing that follows would be where it believes to be

    def tcp(self, timeout=10):
        with self.entered():
            sock = socket.socket()
        sock.settimeout(timeout * PATIENCE)
        return sock

    def connect(self, port, addr="127.0.0.1", timeout=10):
        sock = self.tcp(timeout)
        sock.connect((addr, port))
        return sock

    def listen(self, port, addr="127.0.0.1", rcvbuf=None):
        sock = self.tcp()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        sock.bind((addr, port))
        sock.listen(512)
        return sock

    def udp(self, port=0, timeout=2):
        with self.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(timeout * PATIENCE)
        sock.bind(("0.0.0.0", port))
        return sock


class Process:
    """A program in a namespace; stdout and stderr go to a log."""

    def __init__(self, lab, ns, name, argv, env=None, stdin=subprocess.DEVNULL, stdout=None):
        self.name, self.ns = name, ns
        self.log_path = lab.dir / f"{name}.log"
        prefix = ["nsenter", f"--net={ns.path}"] if ns else []
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                prefix + ["setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)],
                stdin=stdin, stdout=stdout or log, stderr=log, cwd=lab.dir, env={**os.environ, **(env or {})})
        self.pid = self.popen.pid
        self.must_exit_0 = False  # when asked to end
        self.asked = False

    def log(self):
        return self.log_path.read_text(errors="replace")

    def alive(self):
        return self.popen.poll() is None

    def wait_log(self, pattern, timeout=10):
        def look():
            found = re.search(pattern, self.log())
            assert found or self.alive(), f"{self.name} ended with {self.popen.returncode}:\n{self.log()[-2000:]}"
            return found
        return wait_until(f"{self.name}: log has {pattern!r}", look, timeout)

    def wait_port(self, port, proto="tcp", timeout=10):
        """Until a socket of its namespace listens on (tcp) or is bound to (udp) the port."""
        def look():
            assert self.alive(), f"{self.name} ended with {self.popen.returncode}:\n{self.log()[-2000:]}"
            if not os.path.samefile(f"/proc/{self.pid}/ns/net", self.ns.path):
                return False  # not there yet
            for family in (proto, proto + "6"):
                with open(f"/proc/{self.pid}/net/{family}", encoding="ascii") as table:
                    for row in table.readlines()[1:]:
                        fields = row.split()
                        if int(fields[1].split(":")[1], 16) == port and (proto == "udp" or fields[3] == "0A"):
                            return True
            return False
        wait_until(f"{self.name}: {proto} port {port}", look, timeout)

    def memory(self, field="VmHWM"):
        """Bytes; VmHWM is the largest resident size so far."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for row in status:
                if row.startswith(field + ":"):
                    return int(row.split()[1]) * 1024
        raise AssertionError(f"no {field} of {self.name}")

    def signal(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def wait(self, timeout=10):
        return self.popen.wait(timeout * GUARD)

    def kill(self):
        if self.alive():
            self.popen.kill()
        self.popen.wait()

    def ask_to_end(self):
        if self.alive() and not self.asked:
            self.asked = True
            self.popen.terminate()

    def stop(self):
        self.ask_to_end()
        if self.alive():
            try:
                self.popen.wait(5 * GUARD)
            except subprocess.TimeoutExpired:
                self.kill()
                self.popen.returncode = "killed, having ignored SIGTERM"
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream:
                stream.close()


class Sniffer:
    """UDP datagrams (source port, destination port, payload) seen at a namespace's device, IPv4."""

    def __init__(self, ns, device):
        self.seen = []
        with ns.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
            self.sock.bind((device, 0x0003))
        self.sock.settimeout(0.2)
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.ended = False
        self.thread.start()

    def _work(self):
        while not self.ended:
            try:
                packet = self.sock.recv(65536)
            except (TimeoutError, OSError):
                continue
            if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != 17:
                continue
            at = (packet[0] & 15) * 4
            source, to = struct.unpack_from(">HH", packet, at)
            self.seen.append((source, to, packet[at + 8:]))

    def stop(self):
        self.ended = True
        self.thread.join(2)
        self.sock.close()


class Lab:
    def __init__(self, base):
        self.number = next(numbers)
        self.tag = f"{os.getpid()}-{self.number}"
        self.dir = base / str(self.number)
        self.dir.mkdir()
        self.ended = []  # what to end, newest last
        self.processes = []

    def later(self, function, *args):
        self.ended.append((function, args))

    def netns(self, role):
        ns = Netns(f"{PREFIX}{self.tag}{role}")
        self.later(ns.remove)
        return ns

    def start(self, ns, name, *argv, **more):
        process = Process(self, ns, name, argv, **more)
        self.later(process.stop)
        self.processes.append(process)
        return process

    def sniff(self, ns, device="lnk0"):
        sniffer = Sniffer(ns, device)
        self.later(sniffer.stop)
        return sniffer

    def closing(self, sock):
        self.later(sock.close)
        return sock

    def logs(self, limit=3000):
        parts = []
        for process in self.processes:
            text = process.log()
            state = "runs" if process.alive() else f"exit {process.popen.returncode}"
            parts.append(f"--- {process.name} (pid {process.pid}, {state})\n{text[-limit:]}")
        return "\n".join(parts)

    def check(self):
        """After close: no sanitizer and no assertion had anything to say, and skcptun ended well."""
        for process in self.processes:
            code = process.popen.returncode
            assert not (process.must_exit_0 and process.asked and code != 0), f"{process.name}: SIGTERM, exit {code}"
            found = TROUBLE.search(process.log())
            assert not found, f"{process.name}: {process.log()[found.start() - 200:][:3000]}"

    def close(self):
        errors = []
        for process in self.processes:
            if process.must_exit_0:
                process.ask_to_end()
        while self.ended:
            function, args = self.ended.pop()
            try:
                function(*args)
            except Exception as error:  # the rest has to end too
                errors.append(error)
        if errors:
            raise errors[0]
