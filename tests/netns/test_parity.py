# SPDX-License-Identifier: MIT
"""Parity, with real TCP at both ends.

    c: curl -> 127.0.0.1:8080 skcptun --lnk0==== RTT 80 ms, loss ====lnk0-- skcptun -> 127.0.0.1:80 nginx :s
"""
import pytest
from lab import run
from tunnel import URL, tunnel
from web import Fetch, curl

PAGES = 60
FIXED = {"data": 10, "parity": 3}


def fetch_pages(lab, t):
    """One after the other over one connection, each a burst of about 30 packets."""
    name = lab.files.of(42_000, scaled=False)
    into = lab.files.dir / f"pages-{lab.number}"
    into.mkdir()
    times = curl(t.c, "--fail", "--no-progress-meter", f"{URL}{name}?[1-{PAGES}]", "-o", f"{into}/#1",
                 "-w", "%{time_total}\\n", timeout=60).split()
    sums = run("sh", "-c", f"cd {into} && sha256sum *").split()[::2]
    assert sums == [lab.files.sums[name]] * PAGES
    return sorted(float(x) for x in times)


def told(lab, what, near, far, times):
    lab.note(f"{what}: pages of 42 kB, RTT 80 ms: median {times[len(times) // 2] * 1e3:.0f} ms, 90 % within "
             f"{times[len(times) * 9 // 10] * 1e3:.0f} ms; parity {far['fec_sent']}, recovered {near['fec_recovered']}, "
             f"sent again {far['retransmitted']}")


@pytest.mark.light
@pytest.mark.parametrize("redundancy", ["auto", FIXED, "off"], ids=["auto", "fixed", "off"])
def test_pages_over_a_lossy_link(lab, redundancy):
    entry = {"entry": {"redundancy": redundancy}}
    t = tunnel(lab, entry, entry, delay="40ms", loss=0.05)
    times = fetch_pages(lab, t)
    near, far = t.client.sessions()[0], t.server.sessions()[0]
    told(lab, f"5 % loss, {redundancy}", near, far, times)
    if redundancy == "off":
        assert near["fec_sent"] == far["fec_sent"] == near["fec_recovered"] == far["fec_recovered"] == 0
        assert far["duplicated"] == 0
    else:
        assert far["fec_sent"] > 0
        assert near["fec_recovered"] > 0


@pytest.mark.light
def test_no_parity_on_a_clean_link(lab):
    t = tunnel(lab, delay="40ms")
    times = fetch_pages(lab, t)
    near, far = t.client.sessions()[0], t.server.sessions()[0]
    told(lab, "no loss, auto", near, far, times)
    assert near["fec_sent"] == far["fec_sent"] == 0


def test_bulk_with_fixed_parity(lab):
    entry = {"entry": {"redundancy": FIXED}}
    t = tunnel(lab, entry, entry, delay="5ms", loss=0.02, rate=200, buffer="50ms")
    name = lab.files.of(60_000_000)
    took = Fetch(lab, t.c, URL + name, timeout=60).expect(lab.files, name)
    near, far = t.client.sessions()[0], t.server.sessions()[0]
    lab.note(f"60 MB, 2 % loss, 10 + 3: {lab.files.size(name) * 8e-6 / took:.0f} Mbit/s, parity {far['fec_sent']}, "
             f"recovered {near['fec_recovered']}, sent again {far['retransmitted']}")
    assert near["fec_recovered"] > 0
