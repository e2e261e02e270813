# SPDX-License-Identifier: MIT
"""What the tests share. Tests marked `light` mostly wait: all of them that were selected run at the same time, each in
namespaces of its own, when the first one's turn comes; the others then only report."""
import concurrent.futures
import os
import pathlib
import shutil
import threading

import lab as lab_module
import pytest
from lab import KEEP_LOGS, PREFIX, SKCPTUN, Lab
from web import Files

AT_ONCE = 10


def pytest_configure(config):
    config.addinivalue_line("markers", "light: little load; runs beside the other light ones")
    config.addinivalue_line("markers", "link: needs skt-link only, not skcptun")
    config.addinivalue_line("markers", "slow: minutes rather than seconds (valgrind)")


def marked(item, name):
    return item.get_closest_marker(name) is not None


def pytest_collection_modifyitems(items):
    reason = lab_module.missing()
    without = None if os.access(SKCPTUN, os.X_OK) else f"no skcptun at {SKCPTUN} (SKCPTUN)"
    for item in items:
        why = reason or (None if marked(item, "link") else without)
        if why:
            item.add_marker(pytest.mark.skip(reason=why))
    items.sort(key=lambda item: (marked(item, "slow"), not marked(item, "light")))


class Run:
    """The run's folders, and the light tests' results."""

    def __init__(self):
        lab_module.remove_stale()
        self.base = pathlib.Path(f"/tmp/{PREFIX}{os.getpid()}")
        self.memory = pathlib.Path(f"/dev/shm/{PREFIX}{os.getpid()}")
        for path in (self.base, self.memory):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(mode=0o755)
        self.files = Files(self.memory)
        self.lock = threading.Lock()
        self.notes = []
        self.pool = None
        self.light = {}

    def scenario(self, item):
        """A test's own Lab around its function. Returns the logs of a failed one with the error."""
        lab = Lab(self.base)
        lab.files, lab.fakeclock, lab.note = self.files, self.fakeclock, self.notes.append
        params = item.callspec.params if hasattr(item, "callspec") else {}
        error = None
        try:
            item.obj(lab, **params)
        except BaseException as caught:
            error = caught
        try:
            lab.close()
            if error is None:
                lab.check()
        except BaseException as caught:
            error = error or caught
        return error, lab.logs() if error else ""

    def fakeclock(self):
        """Path of the preload library that shifts a process's clock."""
        with self.lock:
            library = self.base / "fakeclock.so"
            if not library.exists():
                if not shutil.which("cc"):
                    pytest.skip("needs cc")
                source = pathlib.Path(__file__).parent / "fakeclock.c"
                lab_module.run("cc", "-O2", "-fPIC", "-shared", str(source), "-o", str(library))
            return library

    def result(self, item):
        if not marked(item, "light"):
            return self.scenario(item)
        if not self.light:
            self.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
            for other in item.session.items:
                if marked(other, "light") and not marked(other, "skip"):
                    self.light[other] = self.pool.submit(self.scenario, other)
        return self.light[item].result(timeout=600)

    def close(self):
        if self.pool:
            self.pool.shutdown(cancel_futures=True)
        shutil.rmtree(self.memory, ignore_errors=True)
        if not KEEP_LOGS:
            shutil.rmtree(self.base, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def whole_run(request):
    one = Run()
    request.config.netns_notes = one.notes
    yield one
    one.close()


@pytest.fixture
def lab():
    """Made by Run.scenario for the test: the fixture only lends it its name."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    the_run = pyfuncitem._request.getfixturevalue("whole_run")
    error, logs = the_run.result(pyfuncitem)
    if error is not None:
        pyfuncitem.add_report_section("call", "logs", logs)
        raise error
    return True


def pytest_terminal_summary(terminalreporter, config):
    for note in getattr(config, "netns_notes", []):
        terminalreporter.write_line(note)
