# SPDX-License-Identifier: MIT
"""Reads a trace: JSON text sequences (RFC 7464) with events of the namespace skcptun (doc/trace.md)."""
import json

RECORD = b"\x1e"
PREFIX = "skcptun:"


class NotATrace(Exception):
    """The file is none, or has not what was asked for."""


class Session:
    """The events of one session, in order: (seconds, name without namespace, data)."""

    def __init__(self, number):
        self.number, self.events = number, []
        self.role, self.cid, self.peer = "?", 0, "?"

    def add(self, at, name, data):
        if name == "session_started":
            self.role = data["role"]
        elif name == "state_updated":
            self.cid = data["cid"] or self.cid
        elif name == "path_updated":
            self.peer = data["peer"]
        self.events.append((at, name, data))

    @property
    def start(self):
        return self.events[0][0] if self.events else 0.0

    @property
    def end(self):
        return self.events[-1][0] if self.events else 0.0

    def of(self, *names):
        return [(at, data) for at, name, data in self.events if name in names]

    def bytes_moved(self):
        return sum(data["length"] for _, data in self.of("datagram_sent", "datagram_received"))

    def cut(self, start, end):
        """What happened between two times; what was in force at the first one stands at its beginning."""
        cut, state = Session(self.number), {}
        cut.role, cut.cid, cut.peer = self.role, self.cid, self.peer
        lasting = ("phase_updated", "limit_updated", "metrics_updated", "mtu_updated")
        for at, name, data in self.events:
            if at < start:
                if name in lasting:
                    state[name] = data
            elif end is None or at <= end:
                if state:
                    cut.events += [(start, old, value) for old, value in state.items()]
                    state = {}
                cut.events.append((at, name, data))
        return cut


class Trace:
    def __init__(self, title):
        self.title, self.sessions = title, {}

    def choose(self, wanted=None):
        if not self.sessions:
            raise NotATrace("there is no session in it")
        if wanted is None:
            return max(self.sessions.values(), key=Session.bytes_moved)
        for session in self.sessions.values():
            if wanted in (session.number, str(session.cid)):
                return session
        raise NotATrace(f"there is no session {wanted} in it; --list names them")


def records(raw):
    """The last record may have been cut by a full disk: it is left out."""
    parts = raw.split(RECORD)
    for i, text in enumerate(parts[1:]):
        if not text.endswith(b"\n"):
            if i == len(parts) - 2:
                return
            raise NotATrace("a record in the middle of it has no end")
        yield json.loads(text)


def read(path):
    raw = path.read_bytes()
    if not raw.startswith(RECORD):
        raise NotATrace(f"{path} is no trace: it does not begin with a record separator (RFC 7464)")
    try:
        items = records(raw)
        header = next(items, {})
        if header.get("file_schema") != "urn:ietf:params:qlog:file:sequential":
            raise NotATrace(f"{path} is no sequential qlog file")
        trace = Trace(header.get("title", ""))
        for event in items:
            if event["name"].startswith(PREFIX):
                number = event.get("group_id", "")
                session = trace.sessions.setdefault(number, Session(number))
                session.add(event["time"] / 1000, event["name"][len(PREFIX):], event["data"])
    except (ValueError, KeyError) as error:
        raise NotATrace(f"{path}: {error}") from error
    return trace
