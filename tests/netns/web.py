# SPDX-License-Identifier: MIT
"""Real ends: files of known SHA-256, nginx, curl."""
import shutil
import subprocess
import threading
import time

from lab import GUARD, PATIENCE, SCALE, run

NGINX = """
worker_processes 1;
daemon off;
master_process off;
user root;
pid {dir}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    sendfile on;
    client_max_body_size 0;
    client_body_temp_path {body}; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    server {{
        listen {addr}:{port} backlog=1024;
        root {root};
        location /put/ {{ alias {put}/; dav_methods PUT; client_body_buffer_size 1m; }}
        location = /who {{ return 200 "{who}"; }}
    }}
}}
"""


class Files:
    """Random files by size, made once for the run, in memory."""

    def __init__(self, directory):
        self.dir = directory
        self.lock = threading.Lock()
        self.sums = {}

    def of(self, size, scaled=True):
        """The name of a file of about so many bytes."""
        size = max(1, int(size * SCALE)) if scaled else size
        name = f"f{size}"
        with self.lock:
            if name not in self.sums:
                run("sh", "-c", "openssl enc -aes-128-ctr -nosalt -K 0123456789abcdef0123456789abcdef "
                    f"-iv {size:032x} -in /dev/zero 2>/dev/null | head -c {size} > {self.dir / name}", timeout=120)
                assert (self.dir / name).stat().st_size == size
                self.sums[name] = sha256_of(self.dir / name)
        return name

    def size(self, name):
        return (self.dir / name).stat().st_size


def sha256_of(path):
    return run("sha256sum", str(path), timeout=120).split()[0]


class Nginx:
    """Serves `files`, takes PUT /put/NAME into the folder `put`, says `who` it is."""

    def __init__(self, lab, ns, files, port=80, addr="127.0.0.1", who="nginx"):
        home = lab.dir / f"nginx-{who}"
        home.mkdir()
        # Bodies come to be by rename from a folder of the same file system.
        self.put = files.dir / f"put-{lab.number}-{who}"
        body = files.dir / f"body-{lab.number}-{who}"
        for path in (self.put, body):
            path.mkdir()
            lab.later(lambda p=path: shutil.rmtree(p, ignore_errors=True))
        conf = home / "nginx.conf"
        conf.write_text(NGINX.format(dir=home, body=body, addr=addr, port=port, root=files.dir, put=self.put, who=who))
        self.process = lab.start(ns, f"nginx-{who}", "nginx", "-p", home, "-c", conf, "-e", "stderr")
        self.process.wait_port(port)


class Fetch:
    """`curl URL | sha256sum` under way."""

    def __init__(self, lab, ns, url, *options, timeout=60):
        self.began = time.monotonic()
        self.curl = lab.start(ns, f"curl-{len(lab.processes)}", "curl", "-sS", "--max-time", timeout * GUARD, *options,
                              url, stdout=subprocess.PIPE)
        self.sum = lab.start(None, f"sum-{len(lab.processes)}", "sha256sum", stdin=self.curl.popen.stdout,
                             stdout=subprocess.PIPE)
        self.limit = timeout + 10

    def running(self):
        return self.curl.alive()

    def finish(self):
        """(curl's exit status, the SHA-256 of what it got); the time it took is in `seconds`."""
        status = self.curl.wait(self.limit)
        self.seconds = time.monotonic() - self.began
        return status, self.sum.popen.communicate(timeout=60)[0].split()[0].decode()

    def expect(self, files, name):
        status, digest = self.finish()
        assert status == 0, f"curl: exit {status} after {self.seconds:.1f} s: {self.curl.log()}"
        assert digest == files.sums[name], f"{name} arrived altered"
        return self.seconds


def curl(ns, *args, timeout=20):
    """A short request's body."""
    done = subprocess.run(["nsenter", f"--net={ns.path}", "curl", "-sS", "--max-time", str(timeout * PATIENCE), *args],
                          capture_output=True, text=True, timeout=timeout * PATIENCE + 5, check=False)
    assert done.returncode == 0, f"curl {' '.join(args)}: exit {done.returncode}: {done.stderr[-500:]}"
    return done.stdout
