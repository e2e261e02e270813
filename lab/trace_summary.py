# SPDX-License-Identifier: MIT
"""What a trace says in figures."""
from collections import Counter


def spans(session, name):
    """[(from, to, value)] of what is in force one after the other."""
    events = session.of(name)
    ends = [at for at, _ in events[1:]] + [session.end]
    return [(at, end, data["new"]) for (at, data), end in zip(events, ends)]


def times(session, name):
    total = Counter()
    for start, end, value in spans(session, name):
        total[value] += end - start
    return {value: round(s, 6) for value, s in total.most_common()}


def median(values):
    return sorted(values)[len(values) // 2] if values else None


def queue(session):
    """What the queue before a TUN's session did meanwhile; None without one."""
    told = [data for _, data in session.of("queue_updated")]
    if not told:
        return None
    return {"most_bytes": max(q["bytes"] for q in told), "dropped": told[-1]["dropped"], "marked": told[-1]["marked"]}


def summarize(session):
    sent = Counter()
    for _, data in session.of("datagram_sent"):
        sent[data["type"]] += data["length"]
    segments = Counter(data["cause"] for _, data in session.of("segment_sent"))
    payload, again = 0, 0
    for _, data in session.of("segment_sent"):
        payload += data["length"] if data["cause"] == "first" else 0
        again += data["length"] if data["cause"] != "first" else 0
    mended = sum(data["packets"] for _, data in session.of("parity_mended"))
    timeouts = Counter(data["kind"] for _, data in session.of("timeout"))
    metrics = [data for _, data in session.of("metrics_updated")]
    rtts = [m["latest_rtt"] for m in metrics if m["latest_rtt"] > 0]
    return {
        "session": session.number, "cid": session.cid, "role": session.role, "peer": session.peer,
        "seconds": round(session.end - session.start, 3),
        "bytes_sent": sum(sent.values()), "bytes_sent_by_type": dict(sent),
        "bytes_received": sum(data["length"] for _, data in session.of("datagram_received")),
        "dropped": len(session.of("datagram_dropped")),
        "payload_bytes": payload, "payload_bytes_again": again,
        "segments": segments["first"], "retransmitted": segments["again"] + segments["tail"],
        "duplicated": segments["copy"],
        "lost": len(session.of("segment_lost")) + mended, "mended_by_parity": mended,
        "spurious": len(session.of("spurious_loss")),
        "tail_probes": timeouts["probe"], "rtos": timeouts["rto"],
        "parity_groups": len(session.of("parity_group")),
        "parity_sent": sum(data["type"] == "parity" for _, data in session.of("datagram_sent")),
        "parity_recovered": sum(data["packets"] for _, data in session.of("parity_recovered")),
        "rtt_ms": {"min": min((m["min_rtt"] for m in metrics if m["min_rtt"] > 0), default=None),
                   "median": median(rtts), "max": max(rtts, default=None)},
        "phase_s": times(session, "phase_updated"), "limit_s": times(session, "limit_updated"),
        "streams": len(session.of("stream_opened")),
        "tun_queue": queue(session),
        "mtu": [data["mtu"] for _, data in session.of("mtu_updated")][-1:],
    }


def size(n):
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return ""


def shares(seconds):
    whole = sum(seconds.values()) or 1
    return ", ".join(f"{name} {s:.2f} s ({100 * s / whole:.0f} %)" for name, s in seconds.items()) or "none"


def line(session):
    return (f"session {session.number}: {session.role}, cid {session.cid}, peer {session.peer}, "
            f"{session.end - session.start:.1f} s, {size(session.bytes_moved())}")


def words(session, s):
    by = ", ".join(f"{name} {size(n)}" for name, n in s["bytes_sent_by_type"].items())
    over = s["bytes_sent"] / s["payload_bytes"] if s["payload_bytes"] else 0
    rtt = s["rtt_ms"]
    ms = "{min:.1f} / {median:.1f} / {max:.1f} ms".format(**rtt) if rtt["max"] else "not measured"
    return "\n".join([
        line(session),
        f"sent:       {size(s['bytes_sent'])} ({by})" + (f", {over:.2f} bytes a byte of payload" if over else ""),
        f"received:   {size(s['bytes_received'])}, {s['dropped']} datagrams dropped",
        f"segments:   {s['segments']} ({size(s['payload_bytes'])}), sent again {s['retransmitted']}, "
        f"duplicates {s['duplicated']} ({size(s['payload_bytes_again'])} together)",
        f"losses:     {s['lost']}, of these {s['mended_by_parity']} mended by parity; {s['spurious']} were none (spurious)",
        f"timers:     {s['tail_probes']} tail probes, {s['rtos']} timeouts (RTO)",
        f"parity:     {s['parity_sent']} packets sent for {s['parity_groups']} groups, "
        f"{s['parity_recovered']} packets of the peer's recovered",
        f"round trip: {ms} (least, median, most)",
        f"phases:     {shares(s['phase_s'])}",
        f"held up by: {shares(s['limit_s'])}",
    ] + ([f"TUN queue:  {size(s['tun_queue']['most_bytes'])} at most, {s['tun_queue']['dropped']} packets dropped, "
          f"{s['tun_queue']['marked']} marked"] if s["tun_queue"] else []))
