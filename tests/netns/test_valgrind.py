# SPDX-License-Identifier: MIT
"""Both ends under valgrind: no error, and no leak after SIGTERM.

    c: curl -> 127.0.0.1:8080 valgrind skcptun --lnk0==== RTT 4 ms, 1 % loss ====lnk0-- valgrind skcptun -> nginx :s
"""
import shutil
import signal
import struct
import socket

import pytest
from lab import INSTRUMENTED
from tunnel import URL, tunnel
from web import Fetch, curl, sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.skipif(INSTRUMENTED, reason="the binary is instrumented already"),
              pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind")]

VALGRIND = ["valgrind", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9"]


def test_no_error_and_no_leak(lab):
    t = tunnel(lab, rate=20, delay="2ms", loss=0.01, client_options={"wrap": VALGRIND}, server_options={"wrap": VALGRIND})
    assert curl(t.c, URL + "who", timeout=30) == "nginx"
    name = lab.files.of(2_000_000, scaled=False)
    Fetch(lab, t.c, URL + name).expect(lab.files, name)
    curl(t.c, "--fail", "-T", str(lab.files.dir / name), URL + "put/it", timeout=60)
    assert sha256_of(t.nginx.put / "it") == lab.files.sums[name]
    curl(t.c, "--fail", "-Z", "--parallel-max", "20", f"{URL}who?[1-40]", timeout=60)
    reset = t.c.connect(8080, timeout=30)
    reset.sendall(f"GET /{name} HTTP/1.0\r\n\r\n".encode())
    assert reset.recv(1000)
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reset.close()
    left_open = lab.closing(t.c.connect(8080, timeout=30))
    left_open.sendall(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
    assert left_open.recv(1000)
    for end in (t.client, t.server):
        end.process.signal(signal.SIGTERM)
        code = end.process.wait(30)
        log = end.process.log()
        assert code == 0, log[-3000:]
        assert "ERROR SUMMARY: 0 errors" in log
        assert "definitely lost: 0 bytes" in log or "no leaks are possible" in log
