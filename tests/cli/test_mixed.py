# SPDX-License-Identifier: MIT
"""This build at one end, that of another machine (SKCPTUN_OTHER: run by an emulator, or another version) at the other."""
import os

import pytest
from conftest import SKCPTUN, Pair

OTHER = os.environ.get("SKCPTUN_OTHER")

pytestmark = pytest.mark.skipif(not OTHER, reason="no second build (SKCPTUN_OTHER)")


@pytest.mark.parametrize("ends", ["server", "client", "both"])
@pytest.mark.parametrize("cipher", ["aes-256-gcm", "chacha20-poly1305"])
def test_other_build(box, ends, cipher):
    secret = {"secret": f'password = "both ends", cipher = "{cipher}"'}
    programs = [OTHER if ends in (end, "both") else SKCPTUN for end in ("server", "client")]
    pair = Pair(box, secret, secret, programs)
    pair.wait_up()
    pair.get(300000)
    pair.get(1)
    assert pair.session()["cid"] == pair.status("server")["sessions"][0]["cid"]
