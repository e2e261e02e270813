# SPDX-License-Identifier: MIT
"""skcptun in the TUN modes, and what is sent through: ping, iperf3."""
import json
import math
import re
import time
import types

from lab import GUARD, WRAP, run, wait_until
from link import Link
from tunnel import PASSWORD, TICKET, Skcptun, wait_server

NET = "10.77.0"


def tun_server(lab, ns, role="server", port=4000, entry=None, start=True, top=None, name="tun_server", **fields):
    """fields and entry add to the mode's table and to its one entry."""
    mode = {"tun_ip": f"{NET}.1", "tun_mask": "255.255.255.0", "tun_name": "tun0",
            "skcp_servers": [{"address": "0.0.0.0", "port": port, "password": PASSWORD, **(entry or {})}], **fields}
    end = Skcptun(lab, ns, role, name, mode, top=top)
    if start:
        end.start()
        wait_server(end, port)
    return end


def tun_client(lab, ns, servers, role="client", host=2, ticket=TICKET, entry=None, start=True, wait=True, top=None,
               name="tun_client", wrap=WRAP, **fields):
    """servers: addresses, or (address, port) pairs."""
    remotes = []
    for one in servers:
        address, port = one if isinstance(one, tuple) else (one, 4000)
        remotes.append({"address": address, "port": port, "password": PASSWORD, "ticket": ticket, **(entry or {})})
    mode = {"tun_ip": f"{NET}.{host}", "tun_mask": "255.255.255.0", "tun_name": "tun0",
            "skcp_remote_servers": remotes, **fields}
    end = Skcptun(lab, ns, role, name, mode, top=top, wrap=wrap)
    if start:
        end.start()
        if wait:
            end.process.wait_log("session [0-9]+ is up")
    return end


def tun_pair(lab, server_options=None, client_options=None, **link):
    """c (10.90.0.1, TUN 10.77.0.2) -- link -- s (10.90.0.2, TUN 10.77.0.1)."""
    c, s = lab.netns("c"), lab.netns("s")
    wire = Link(lab, c, s, **link)
    far = tun_server(lab, s, **(server_options or {}))
    near = tun_client(lab, c, ["10.90.0.2"], **(client_options or {}))
    return types.SimpleNamespace(c=c, s=s, link=wire, server=far, client=near)


def inside(ns, *argv, timeout=30, check=True):
    return run("nsenter", f"--net={ns.path}", *map(str, argv), timeout=timeout * GUARD, check=check)


def ping(ns, to, count=5, interval=0.05, wait=2, options=()):
    """How many of the first `count` were answered, and their round trips in ms (None where nothing came).

    Without a deadline ping waits for the last answer only two round trips of those before, whatever -W says: too short on
    a busy machine. With one it goes on sending until that many answers came, so the numbers say which they were."""
    deadline = math.ceil(count * interval + wait)
    out = inside(ns, "ping", "-n", "-c", count, "-i", interval, "-w", deadline, *options, to, check=False)
    assert re.search(r"\d+ received", out), out
    answered = {int(seq) for seq in re.findall(r"icmp_seq=(\d+) ttl=", out)}
    times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", out)
    least, mean, most = map(float, times.groups()) if times else (None, None, None)
    return types.SimpleNamespace(received=len(answered & set(range(1, count + 1))), min=least, avg=mean, max=most, text=out)


def ping_until(ns, to, timeout=10):
    wait_until(f"ping {to}", lambda: ping(ns, to, count=1, wait=1).received, timeout)


class Iperf:
    """An iperf3 server in a namespace."""

    def __init__(self, lab, ns, port=5201):
        self.port = port
        self.process = lab.start(ns, f"iperf3-{ns.name[-1]}-{port}", "iperf3", "-s", "-p", port)
        self.process.wait_port(port)


def iperf(ns, to, seconds=3, port=5201, *options):
    """iperf3's own end report (JSON). Its server takes one test at a time and resets who comes while it tidies up the last
    one: then once more."""
    for _ in range(3):
        out = inside(ns, "iperf3", "-J", "-c", to, "-p", port, "-t", seconds, *options, timeout=seconds + 20, check=False)
        report = json.loads(out)
        if "control message" not in report.get("error", ""):
            break
        time.sleep(1)
    assert "error" not in report, report["error"]
    return report


def received_mbit(report):
    return report["end"]["sum_received"]["bits_per_second"] / 1e6
