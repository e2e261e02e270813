# SPDX-License-Identifier: MIT
"""Bulk through the tunnel, with real ends.

    c: curl -> 127.0.0.1:8080 skcptun --lnk0==== 500 Mbit/s, RTT 10 ms, 2 % loss ====lnk0-- skcptun -> 127.0.0.1:80 nginx :s
"""
import pathlib
import subprocess

from lab import GUARD, SCALE, run
from tunnel import URL, tunnel
from web import Fetch, curl, sha256_of

LINK = {"rate": 500, "delay": "5ms", "loss": 0.02, "buffer": "50ms"}


def test_1_gb_down(lab):
    t = tunnel(lab, **LINK)
    name = lab.files.of(1_000_000_000)
    took = Fetch(lab, t.c, URL + name, timeout=150).expect(lab.files, name)
    size = lab.files.size(name)
    lab.note(f"download: {size / 1e6:.0f} MB in {took:.1f} s, {size * 8e-6 / took:.0f} Mbit/s, "
             f"{t.link.stats()['b2a']['in_bytes'] / size:.3f} bytes on the link a byte")


def test_200_mb_up(lab):
    t = tunnel(lab, **LINK)
    name = lab.files.of(200_000_000)
    upload = lab.start(t.c, "upload", "curl", "-sS", "--fail", "--max-time", 100 * GUARD, "-w", "%{time_total}",
                       "-T", lab.files.dir / name, URL + "put/it", stdout=subprocess.PIPE)
    out = upload.popen.communicate(timeout=110 * GUARD)[0]
    assert upload.popen.returncode == 0, upload.log()
    assert sha256_of(t.nginx.put / "it") == lab.files.sums[name]
    size = lab.files.size(name)
    lab.note(f"upload: {size / 1e6:.0f} MB in {float(out):.1f} s, {size * 8e-6 / float(out):.0f} Mbit/s")


def test_200_downloads_at_once(lab):
    t = tunnel(lab, **LINK)
    name = lab.files.of(400_000)
    into = lab.files.dir / f"many-{lab.number}"
    into.mkdir()
    curl(t.c, "--fail", "--no-progress-meter", "--parallel", "--parallel-immediate", "--parallel-max", "200",
         f"{URL}{name}?[1-200]", "-o", f"{into}/#1", timeout=60)
    sums = run("sh", "-c", f"cd {into} && sha256sum *").split()[::2]
    assert sums == [lab.files.sums[name]] * 200


def test_both_ways_at_once(lab):
    t = tunnel(lab, **LINK)
    down, up = lab.files.of(60_000_000), lab.files.of(50_000_000)
    fetch = Fetch(lab, t.c, URL + down)
    curl(t.c, "--fail", "-T", str(pathlib.Path(lab.files.dir) / up), URL + "put/it", timeout=60)
    fetch.expect(lab.files, down)
    assert sha256_of(t.nginx.put / "it") == lab.files.sums[up]


def test_short_connections_one_after_the_other(lab):
    t = tunnel(lab, rate=500, delay="1ms")
    count = int(100 * min(1, SCALE)) or 1
    answers = curl(t.c, "--fail", "--no-keepalive", "-H", "Connection: close", f"{URL}who?[1-{count}]", timeout=30)
    assert answers.count("nginx") == count
