# SPDX-License-Identifier: MIT
"""One arena serves many attacks: it stays for the tests that want the same one, until one of them has failed."""
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netns"))

import lab as lab_module  # noqa: E402
from arena import SKT_ATTACK, Arena  # noqa: E402
from lab import KEEP_LOGS, PREFIX, SKCPTUN, Lab  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes rather than seconds")


def pytest_collection_modifyitems(items):
    reason = lab_module.missing()
    for program in (SKCPTUN, SKT_ATTACK):
        if not os.access(program, os.X_OK):
            reason = reason or f"no {program}"
    for item in items:
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


class Arenas:
    def __init__(self):
        lab_module.remove_stale()
        self.base = pathlib.Path(f"/tmp/{PREFIX}{os.getpid()}")
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(mode=0o755)
        self.notes = []
        self.open = {}

    def get(self, kind, **options):
        one = self.open.get(kind)
        if one and not one.as_new():
            self.drop(kind)
            one = None
        if not one:
            lab = Lab(self.base)
            lab.note = self.notes.append
            try:
                one = Arena(lab, **options)
            except BaseException:
                print(lab.logs())
                lab.close()
                raise
            self.open[kind] = one
        return one

    def drop(self, kind):
        one = self.open.pop(kind, None)
        if one:
            one.lab.close()
            one.lab.check()

    def close(self):
        errors = []
        for kind in list(self.open):
            try:
                self.drop(kind)
            except Exception as error:
                errors.append(error)
        if not KEEP_LOGS:
            shutil.rmtree(self.base, ignore_errors=True)
        if errors:
            raise errors[0]


@pytest.fixture(scope="session")
def arenas(request):
    one = Arenas()
    request.config.attack_notes = one.notes
    yield one
    one.close()


@pytest.fixture
def arena(request, arenas):
    """Called with a kind and its options. A failed test's arena is not used again, nor one in which an expected failure
    has left something; its end is part of the test."""
    used = []

    def get(kind="proxy", **options):
        used.append(kind)
        return arenas.get(kind, **options)
    yield get
    for kind in used:
        if kind in arenas.open:
            arenas.open[kind].end_attacks()
    report = getattr(request.node, "attack_report", None)
    if report is None or not report.passed:
        for kind in used:
            if kind in arenas.open and not (report and report.skipped and arenas.open[kind].as_new()):
                request.node.add_report_section("call", "logs", arenas.open[kind].lab.logs())
                arenas.drop(kind)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.attack_report = outcome.get_result()


def pytest_terminal_summary(terminalreporter, config):
    for note in getattr(config, "attack_notes", []):
        terminalreporter.write_line(note)
