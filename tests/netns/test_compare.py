# SPDX-License-Identifier: MIT
"""lab/compare leaves nothing behind, however it ends."""
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from lab import GUARD, PREFIX, ROOT, SKT_LINK, wait_until

BUILD = pathlib.Path(SKT_LINK).parent
ALLOWED = pathlib.Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")


def start(lab, *options, path=None):
    if not os.access(BUILD / "skt-load", os.X_OK):
        pytest.skip(f"no skt-load in {BUILD}")
    with open(lab.dir / "out", "wb") as out:
        popen = subprocess.Popen([sys.executable, str(ROOT / "lab/compare"), "--build", str(BUILD), "--out",
                                  str(lab.dir / "results"), "--quick", *options], stdout=out, stderr=out,
                                 env={**os.environ, **({"PATH": path} if path else {})})
    lab.later(popen.wait)
    lab.later(popen.kill)
    return popen


def namespaces(pid):
    return [name for name in os.listdir("/run/netns") if name.startswith(f"{PREFIX}{pid}-")]


def processes_of(pid):
    """Those whose working folder is this run's: all that a lab starts."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if f"/{PREFIX}{pid}/" in os.readlink(f"/proc/{entry}/cwd"):
                    found.append(int(entry))
            except OSError:
                continue  # it has ended
    return found


def left_behind(popen):
    return namespaces(popen.pid), processes_of(popen.pid), os.path.exists(f"/tmp/{PREFIX}{popen.pid}")


def output(lab):
    return (lab.dir / "out").read_text()


# One after the other: a run changes what congestion control the system allows, and puts it back.
@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT, signal.SIGTERM]],
                         ids=["ctrl-c", "term", "impatient"])
def test_interrupted(lab, numbers):
    allowed = ALLOWED.read_text()
    popen = start(lab, "--only", "clean", "--peers", "tcp-cubic")
    wait_until("a load that runs", lambda: len(processes_of(popen.pid)) >= 2, 15)
    for number in numbers:
        popen.send_signal(number)
    assert popen.wait(30 * GUARD) == 1, output(lab)
    assert left_behind(popen) == ([], [], False)
    assert ALLOWED.read_text() == allowed
    assert "stopped" in output(lab) and "Traceback" not in output(lab), output(lab)


def test_a_peer_that_fails_is_reported_and_the_rest_measured(lab):
    broken = lab.dir / "bin"
    broken.mkdir()
    for name in ("kcptun-client", "kcptun-server"):
        (broken / name).write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
        (broken / name).chmod(0o755)
    popen = start(lab, "--only", "clean", "--peers", "kcptun,tcp-cubic", path=f"{broken}:{os.environ['PATH']}")
    assert popen.wait(60 * GUARD) == 0, output(lab)
    assert left_behind(popen) == ([], [], False)
    assert "out of order" in output(lab)
    results = {r["peer"]: r for r in json.loads((lab.dir / "results/clean.json").read_text())["results"]}
    assert "failed" in results["kcptun"] and results["tcp-cubic"]["mbit"] > 0
    assert "| kcptun, no FEC | failed |" in output(lab)
