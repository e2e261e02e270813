# SPDX-License-Identifier: MIT
"""Names: a small DNS server, and an /etc of a test's own for those who ask it."""
import pathlib
import shutil
import socket
import struct
import subprocess
import threading

import pytest
from lab import PATIENCE, run

TYPE_A, TYPE_AAAA, CLASS_IN, NXDOMAIN = 1, 28, 1, 3


class Names:
    """Answers A and AAAA questions over UDP from `table`, a dict that may change: name -> address, or a list of them.
    `asked` is who asked for what."""

    def __init__(self, lab, ns, address, table):
        self.table, self.asked = dict(table), []
        with ns.entered():
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 53))
        self.sock.settimeout(0.2)
        self.ended = False
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()
        lab.later(self.stop)

    def _work(self):
        while not self.ended:
            try:
                question, sender = self.sock.recvfrom(1500)
                answer = self._answer(question, sender[0])
                if answer:
                    self.sock.sendto(answer, sender)
            except (TimeoutError, OSError, struct.error, IndexError):
                continue

    def _answer(self, question, sender):
        """RFC 1035, 4.1."""
        number, _, count = struct.unpack_from(">HHH", question)
        at, labels = 12, []
        while count == 1 and question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, group = struct.unpack_from(">HH", question, at + 1)
        name = ".".join(labels).lower()
        self.asked.append((name, kind, sender))
        addresses = self.table.get(name) or []
        addresses = [addresses] if isinstance(addresses, str) else addresses
        records = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            packed = socket.inet_pton(family, address)
            if group == CLASS_IN and kind == (TYPE_AAAA if family == socket.AF_INET6 else TYPE_A):
                # 0xc00c: the name of the question
                records.append(struct.pack(">HHHIH", 0xc00c, kind, CLASS_IN, 1, len(packed)) + packed)
        flags = 0x8580 | (0 if addresses else NXDOMAIN)
        head = struct.pack(">HHHHHH", number, flags, 1, len(records), 0, 0)
        return head + question[12:at + 5] + b"".join(records)

    def stop(self):
        self.ended = True
        self.thread.join(2)
        self.sock.close()


def with_mount(what):
    """What to run a program through that is to see this mount."""
    wrap = ["unshare", "--mount", "sh", "-c", f'mount {what} && exec "$@"', "sh"]
    if subprocess.run([*wrap, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount")
    return wrap


class Etc:
    """A folder that programs started through `wrap` have as their /etc, with a resolv.conf of its own."""

    def __init__(self, lab, resolv_conf, name="etc"):
        self.dir = lab.dir / name
        self.dir.mkdir(mode=0o755)
        for file in ("passwd", "group", "hosts", "ld.so.cache"):
            if pathlib.Path("/etc", file).exists():
                shutil.copy(f"/etc/{file}", self.dir / file)
        (self.dir / "nsswitch.conf").write_text("hosts: files dns\n")
        self.file = self.dir / "resolv.conf"
        self.file.write_text(resolv_conf)
        self.wrap = with_mount(f"--bind {self.dir} /etc")

    def text(self):
        return self.file.read_text() if self.file.exists() else None

    def look_up(self, ns, name):
        """What a program in the namespace finds, "" for nothing."""
        out = run("nsenter", f"--net={ns.path}", *self.wrap, "getent", "ahostsv4", name, timeout=20 * PATIENCE, check=False)
        return out.split()[0] if out.split() else ""
