# SPDX-License-Identifier: MIT
"""Secrets in files of their own, and how they change while connections are open."""
import os
import signal

import pytest
from conftest import Pair, skcptun, wait_for

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def new_key():
    return skcptun("keygen", "--key").stdout.strip()


def test_secrets_from_files(box):
    box.write("secret.key", new_key() + "\n")
    pair = Pair(box, {"secret": 'key_file = "secret.key"'}, {"secret": f'key_file = "{box.path}/secret.key"'})
    pair.wait_up()
    pair.get(1000)
    for which in ("server", "client"):
        assert "can read" not in getattr(pair, which).log()


def test_password_file_for_others(box):
    box.write("secret", "a pass phrase\n", 0o644)
    path = box.write("server.lua", box.server_config(1, 1, secret='password_file = "secret"'))
    done = skcptun("check", path)
    assert done.returncode == 0, done
    assert "skcp_servers[1].password_file: others can read it and the secret in it: chmod 600" in done.stdout + done.stderr


@root
def test_key_file_without_privileges(box):
    """The account that the process became can't open the file; SIGHUP reads it all the same."""
    box.write("secret.key", new_key())
    pair = Pair(box, {"secret": 'key_file = "secret.key"', "top": 'user = "nobody",'}, {"secret": 'key_file = "secret.key"'})
    pair.wait_up()
    wait_for(lambda: "running as user nobody" in pair.server.log())
    box.write("secret.key", "no key at all")
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: f'key_file: "secret.key": expected 32 bytes in base64' in pair.server.log(), what=pair.server.log())
    assert "nothing was changed" in pair.server.log()
    box.write("secret.key", new_key())
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: "skcp_servers[1].key has changed, which takes a restart" in pair.server.log(), what=pair.server.log())
    # One that it was not told of at the start is opened with the account's rights.
    text = pair.server_file.read_text()
    box.write("other.key", new_key())
    pair.server_file.write_text(text.replace("secret.key", "other.key"))
    pair.server.signal(signal.SIGHUP)
    wait_for(lambda: "other.key\": Permission denied" in pair.server.log(), what=pair.server.log())
