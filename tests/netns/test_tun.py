# SPDX-License-Identifier: MIT
"""The TUN modes: packets of all kinds through the tunnel.

    c: tun0 10.77.0.2 skcptun --lnk0==== link ====lnk0-- skcptun tun0 10.77.0.1 :s
"""
import pytest
from lab import wait_until
from tun import Iperf, iperf, ping, received_mbit, tun_pair

LINK = {"rate": 100, "delay": "10ms", "buffer": "50ms"}


@pytest.mark.parametrize("loss", [0, 0.02, 0.1])
def test_ping_udp_and_tcp(lab, loss):
    t = tun_pair(lab, loss=loss, **LINK)
    Iperf(lab, t.s)
    answers = ping(t.c, "10.77.0.1", count=20)
    assert answers.received == 20  # the tunnel repairs what the link loses
    assert answers.avg >= 20
    assert ping(t.s, "10.77.0.2", count=20).received == 20
    tcp = iperf(t.c, "10.77.0.1", 4)
    assert received_mbit(tcp) > (4 if loss < 0.1 else 0.2)  # works, not how well
    # A rate that its receiver's socket buffer bears for a second: how late iperf3 reads is the machine's business.
    udp = iperf(t.c, "10.77.0.1", 4, 5201, "-u", "-b", "1M", "-l", "1200")
    assert udp["end"]["sum"]["lost_percent"] < 1
    lab.note(f"TUN, loss {loss * 100:.0f} %: TCP {received_mbit(tcp):.1f} Mbit/s, ping {answers.avg:.1f} ms, "
             f"UDP jitter {udp['end']['sum']['jitter_ms']:.2f} ms")
