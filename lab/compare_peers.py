# SPDX-License-Identifier: MIT
"""What is compared. A peer makes the load's server reachable from the client's side of a bench and says where."""
import contextlib
import os
import pathlib
import shutil
import time

from lab import SKCPTUN, wait_until
import tun
import tunnel

CC_DIR = pathlib.Path("/proc/sys/net/ipv4")
TUNNEL_PORT = 4000  # at the server's side, UDP and TCP
NEAR_PORT = 8080  # where a tunnel listens at the client's side
INNER_A, INNER_B = "10.99.0.1", "10.99.0.2"  # inside a VPN
SECRET = "correct horse battery staple"


def set_sysctl(ns, name, value):
    path = "/proc/sys/" + name.replace(".", "/")
    with ns.entered():
        pathlib.Path(path).write_text(value, encoding="ascii")
        got = " ".join(pathlib.Path(path).read_text(encoding="ascii").split())
    assert got == value, f"{name}: wanted {value}, got {got}"


def lacks(*tools):
    """Which of these programs aren't there; None if all are."""
    away = [t for t in tools if not shutil.which(t)]
    return f"not installed: {', '.join(away)}" if away else None


def lacks_cc(name):
    with open(CC_DIR / "tcp_available_congestion_control", encoding="ascii") as have:
        return None if name in have.read().split() else f"no {name} in this kernel"


@contextlib.contextmanager
def allow_cc(*names):
    """Namespaces may choose these, where the kernel has them. What was allowed before is restored."""
    path = CC_DIR / "tcp_allowed_congestion_control"
    before = path.read_text(encoding="ascii").split()
    more = [n for n in names if n not in before and not lacks_cc(n)]
    if more:
        path.write_text(" ".join(before + more), encoding="ascii")
    try:
        yield
    finally:
        if more:
            path.write_text(" ".join(before), encoding="ascii")


class Peer:
    color = "#888888"
    cc = "cubic"  # of every kernel TCP connection on both sides, those local to a tunnel's ends, too
    rows = ("rtt", "bulk", "clean", "burst", "latency")  # where it is measured
    slow_when_lossy = False  # sends next to nothing over the lossy link of the bulk row

    def missing(self):
        """Why it can't be compared, or None."""

    def start(self, bench):
        """Address and port for the load at the client's side, once all is ready."""
        raise NotImplementedError


class Skcptun(Peer):
    def __init__(self, name, label, color, rows, **entry):
        """entry: settings of the server's and the client's entry."""
        self.name, self.label, self.color, self.rows, self.entry = name, label, color, rows, entry
        self.slow_when_lossy = entry["skcp_speed_mode"] == 0
        self.settings = ", ".join(f"{k} {v}" for k, v in entry.items()) + ", all else default"

    def missing(self):
        return None if os.access(SKCPTUN, os.X_OK) else f"no program at {SKCPTUN}"

    def start(self, bench):
        tunnel.server(bench.lab, bench.s, port=TUNNEL_PORT, target=f"127.0.0.1:{bench.load_port}", entry=self.entry)
        bench.near = tunnel.client(bench.lab, bench.c, [bench.addr_b], listen=NEAR_PORT, entry=self.entry)
        tunnel.wait_session(bench.near)
        return "127.0.0.1", NEAR_PORT


class KernelTcp(Peer):
    """No tunnel: the load's own TCP connections cross the link."""

    def __init__(self, cc, label, color, rows):
        self.name, self.label, self.color, self.cc, self.rows = f"tcp-{cc}", label, color, cc, rows
        self.slow_when_lossy = cc == "cubic"
        self.settings = f"Linux {os.uname().release}, buffers up to 64 MiB"

    def missing(self):
        return lacks_cc(self.cc)

    def start(self, bench):
        return bench.addr_b, bench.load_port


class Kcptun(Peer):
    """Tuned for the bulk link: the windows hold its bandwidth-delay product and the buffer."""

    def __init__(self, name, label, color, fec):
        self.name, self.label, self.color = name, label, color
        data, parity = (10, 3) if fec else (0, 0)
        self.options = ["--crypt", "aes-128", "--key", SECRET, "--mode", "fast3", "--mtu", "1350", "--nocomp",
                        "--sndwnd", "2048", "--rcvwnd", "2048", "--datashard", data, "--parityshard", parity,
                        "--smuxbuf", "16777216", "--quiet"]
        self.settings = " ".join(str(o) for o in self.options if o != SECRET and o != "--key")

    def missing(self):
        return lacks("kcptun-client", "kcptun-server")

    def start(self, bench):
        far = bench.lab.start(bench.s, "kcptun-server", "kcptun-server", "--listen", f":{TUNNEL_PORT}",
                              "--target", f"127.0.0.1:{bench.load_port}", *self.options)
        far.wait_port(TUNNEL_PORT, "udp")
        near = bench.lab.start(bench.c, "kcptun-client", "kcptun-client", "--localaddr", f"127.0.0.1:{NEAR_PORT}",
                               "--remoteaddr", f"{bench.addr_b}:{TUNNEL_PORT}", *self.options)
        near.wait_port(NEAR_PORT)
        return "127.0.0.1", NEAR_PORT


class Shadowsocks(Peer):
    def __init__(self, name, cc, color, rows):
        self.name, self.label, self.color, self.cc, self.rows = name, f"shadowsocks-libev, {cc.upper()}", color, cc, rows
        self.settings = f"chacha20-ietf-poly1305, --no-delay over the lossy links, ss-tunnel, kernel {cc.upper()}"

    def missing(self):
        return lacks("ss-server", "ss-tunnel") or lacks_cc(self.cc)

    def start(self, bench):
        common = ["-k", "secret", "-m", "chacha20-ietf-poly1305", "-t", "60"] + ["--no-delay"] * (bench.link is not None)
        far = bench.lab.start(bench.s, "ss-server", "ss-server", "-s", bench.addr_b, "-p", TUNNEL_PORT, *common)
        far.wait_port(TUNNEL_PORT)
        near = bench.lab.start(bench.c, "ss-tunnel", "ss-tunnel", "-s", bench.addr_b, "-p", TUNNEL_PORT, "-b", "127.0.0.1",
                               "-l", NEAR_PORT, "-L", f"127.0.0.1:{bench.load_port}", *common)
        near.wait_port(NEAR_PORT)
        return "127.0.0.1", NEAR_PORT


def wait_ping(ns, addr):
    def answered():
        with ns.entered():
            return os.system(f"ping -c 1 -W 1 {addr} >/dev/null 2>&1") == 0
    wait_until(f"an answer from {addr}", answered, 15, 0.2)


class Vpn(Peer):
    """A peer that makes interfaces; the load's TCP connections run inside."""
    rows = ("tun",)
    slow_when_lossy = True  # the connection inside is CUBIC

    def start(self, bench):
        self.start_end(bench, bench.s, "b", INNER_B, INNER_A, None)
        self.start_end(bench, bench.c, "a", INNER_A, INNER_B, bench.addr_b)
        wait_ping(bench.c, INNER_B)
        return INNER_B, bench.load_port


class SkcptunTun(Vpn):
    def __init__(self, name, label, color, speed_mode, cc="cubic", rows=("tun",)):
        self.name, self.label, self.color, self.speed_mode, self.cc, self.rows = name, label, color, speed_mode, cc, rows
        self.slow_when_lossy = speed_mode == 0
        self.settings = f"tun_client and tun_server, skcp_speed_mode {speed_mode}, all else default; kernel {cc.upper()} inside"

    def missing(self):
        return lacks("ping") or lacks_cc(self.cc) or (None if os.access(SKCPTUN, os.X_OK) else f"no program at {SKCPTUN}")

    def start(self, bench):
        entry = {"skcp_speed_mode": self.speed_mode}
        tun.tun_server(bench.lab, bench.s, port=TUNNEL_PORT, entry=entry)
        bench.near = tun.tun_client(bench.lab, bench.c, [bench.addr_b], entry=entry)
        wait_ping(bench.c, f"{tun.NET}.1")
        return f"{tun.NET}.1", bench.load_port


class SkcptunRelay(SkcptunTun):
    """relay_tcp: what runs inside is carried as a stream. A stream goes to no address of the TUN's, so the load has another one."""
    target = "198.51.100.1"

    def __init__(self, name, label, color, speed_mode):
        super().__init__(name, label, color, speed_mode)
        self.settings = self.settings.replace("all else default", "relay_tcp")

    def start(self, bench):
        entry = {"skcp_speed_mode": self.speed_mode}
        bench.s.ip("addr", "add", f"{self.target}/32", "dev", "lo")
        tun.tun_server(bench.lab, bench.s, port=TUNNEL_PORT, entry=entry, relay_tcp={"allow": [f"{self.target}:{bench.load_port}"]})
        bench.near = tun.tun_client(bench.lab, bench.c, [bench.addr_b], entry=entry, relay_tcp=True, routes=[f"{self.target}/32"])
        wait_ping(bench.c, self.target)
        return self.target, bench.load_port


class OpenVpn(Vpn):
    name, label, color = "openvpn", "OpenVPN, CUBIC inside", "#7f7f7f"
    settings = "static key, AES-256-CBC, UDP, kernel CUBIC inside"

    def missing(self):
        return lacks("openvpn", "ping")

    def start_end(self, bench, ns, role, inner, inner_peer, server):
        key = bench.lab.dir / "static.key"
        if not key.exists():
            key.write_text("-----BEGIN OpenVPN Static key V1-----\n" + "\n".join(os.urandom(16).hex() for _ in range(16)) +
                           "\n-----END OpenVPN Static key V1-----\n")
            key.chmod(0o600)
        reach = ["--remote", server, TUNNEL_PORT, "--nobind"] if server else ["--port", TUNNEL_PORT]
        bench.lab.start(ns, f"openvpn-{role}", "openvpn", "--dev", "tun9", "--ifconfig", inner, inner_peer, "--secret", key,
                        "--cipher", "AES-256-CBC", "--proto", "udp",
                        "--sndbuf", "4194304", "--rcvbuf", "4194304", "--txqueuelen", "1000", *reach)


class WireguardGo(Vpn):
    rows = ("tun", "latency", "pps")
    name, label, color = "wireguard-go", "wireguard-go, CUBIC inside", "#e377c2"
    settings = "default, kernel CUBIC inside"

    def missing(self):
        return lacks("wireguard-go", "wg", "ping")

    def start(self, bench):
        self.keys = {}
        for role in "ab":
            path = bench.lab.dir / f"wg-{role}.key"
            path.write_text(os.popen("wg genkey").read())
            path.chmod(0o600)
            self.keys[role] = path, os.popen(f"wg pubkey < {path}").read().strip()
        return super().start(bench)

    def start_end(self, bench, ns, role, inner, inner_peer, server):
        device = f"wg{os.getpid() % 100000}{bench.lab.number}{role}"[:15]  # its control socket is the whole machine's
        bench.lab.start(ns, f"wg-{role}", "wireguard-go", "-f", device,
                        env={"WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1"})
        wait_until("wireguard-go", lambda: os.path.exists(f"/var/run/wireguard/{device}.sock"), 5)
        time.sleep(0.2)
        other = self.keys["a" if role == "b" else "b"][1]
        far = ["endpoint", f"{server}:{TUNNEL_PORT}", "persistent-keepalive", "25"] if server else []
        with ns.entered():
            os.system(" ".join(["wg set", device, "listen-port", str(TUNNEL_PORT), "private-key", str(self.keys[role][0]),
                                "peer", other, "allowed-ips", f"{inner_peer}/32", *far]))
        ns.ip("addr", "add", f"{inner}/24", "dev", device)
        ns.ip("link", "set", device, "mtu", "1420", "up")


PEERS = [
    Skcptun("skcptun", "skcptun turbo", "#d62728", ("rtt", "bulk", "up", "clean", "share", "burst", "links", "latency"),
            skcp_speed_mode=1),
    Skcptun("skcptun-off", "skcptun turbo, redundancy off", "#e7969c", ("burst",), skcp_speed_mode=1, redundancy="off"),
    Skcptun("skcptun-normal", "skcptun normal", "#ff7f0e", ("rtt", "bulk", "clean", "share", "links"), skcp_speed_mode=0),
    KernelTcp("bbr", "kernel TCP, BBR", "#1f77b4", ("rtt", "bulk", "up", "clean", "burst", "links")),
    KernelTcp("cubic", "kernel TCP, CUBIC", "#17becf", ("rtt", "bulk", "clean", "share", "burst", "links", "latency")),
    Kcptun("kcptun-fec", "kcptun, FEC 10+3", "#2ca02c", True),
    Kcptun("kcptun", "kcptun, no FEC", "#9467bd", False),
    Shadowsocks("shadowsocks", "cubic", "#8c564b", ("clean", "latency")),
    Shadowsocks("shadowsocks-bbr", "bbr", "#bcbd22", ("rtt", "clean")),
    SkcptunTun("skcptun-tun", "skcptun turbo, CUBIC inside", "#d62728", 1, rows=("tun", "links", "latency", "pps")),
    SkcptunTun("skcptun-tun-bbr", "skcptun turbo, BBR inside", "#e7969c", 1, "bbr"),
    SkcptunTun("skcptun-tun-normal", "skcptun normal, CUBIC inside", "#ff7f0e", 0),
    SkcptunRelay("skcptun-tun-relay", "skcptun turbo, relay_tcp", "#8c564b", 1),
    SkcptunRelay("skcptun-tun-relay-normal", "skcptun normal, relay_tcp", "#c49c94", 0),
    WireguardGo(),
    OpenVpn(),
]
