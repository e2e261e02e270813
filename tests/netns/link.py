# SPDX-License-Identifier: MIT
"""Wires between namespaces: skt-link (lab/link.c), and plain veth pairs."""
import json
import subprocess
import threading

from lab import SKT_LINK, wait_until


class Link:
    """A -- lnk0 ==== lnk0 -- B, with A = net.1 and B = net.2.

    Settings are the link's own (loss=0.02, delay="10ms", a2b_rate=100 ...); see `skt-link` for all of them.
    """

    def __init__(self, lab, a, b, net="10.90.0", device="lnk0", device_b="lnk0", seed=7, **settings):
        self.lock = threading.Lock()
        self.addr_a, self.addr_b = f"{net}.1", f"{net}.2"
        argv = [SKT_LINK, "--stdin", "--seed", seed,
                "--a", f"{a.name}:{device},{self.addr_a}/24", "--b", f"{b.name}:{device_b},{self.addr_b}/24"]
        for key, value in settings.items():
            argv += ["--" + key.replace("_", "-"), value]
        self.process = lab.start(None, f"link-{net}", *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        answer = self.process.popen.stdout.readline().strip()
        assert answer == b"ready", self.process.log()

    def command(self, line):
        with self.lock:
            self.process.popen.stdin.write(line.encode() + b"\n")
            self.process.popen.stdin.flush()
            answer = self.process.popen.stdout.readline().decode().strip()
        assert answer and not answer.startswith("error"), f"{line}: {answer}"
        return answer

    def set(self, direction="both", **settings):
        self.command(f"set {direction} " + " ".join(f"{k.replace('_', '-')}={v}" for k, v in settings.items()))

    def stats(self):
        return json.loads(self.command("stats"))

    def mark(self):
        """From now on stats() counts how long packets waited, and how late the link was."""
        self.command("mark")

    def carried(self, direction="b2a"):
        return self.stats()[direction]["out_bytes"]

    def wait_carried(self, count, direction="b2a", timeout=20):
        """Until so many bytes came out since now: the transfer is well under way."""
        start = self.carried(direction)
        wait_until(f"{count} bytes through the link", lambda: self.carried(direction) - start >= count, timeout, 0.02)


def veth(a, b, net="10.91.0", device="vth0"):
    """The same without any impairment, for what needs no link."""
    a.ip("link", "add", device, "type", "veth", "peer", "name", device, "netns", b.name)
    for ns, host in ((a, 1), (b, 2)):
        ns.ip("addr", "add", f"{net}.{host}/24", "dev", device)
        ns.ip("link", "set", device, "up")
    return f"{net}.1", f"{net}.2"
