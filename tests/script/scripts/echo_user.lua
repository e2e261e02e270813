-- SPDX-License-Identifier: MIT
-- Talks to examples/echo.lua.
local api, conf, cb = skt.api, skt.conf, skt.cb
local got = {}

function cb.on_init(loop)
    local skcp = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 2))
    assert(api.skcp_req_cid(skcp, conf.skcp_conf_list[1].ticket))
end

function cb.on_skcp_recv_data(skcp, cid, buf)
    got[#got + 1] = buf
    if #got == 1 then
        assert(buf == "welcome")
        assert(api.skcp_send(skcp, cid, "one") and api.skcp_send(skcp, cid, ("2"):rep(200000)))
    elseif #got == 3 then
        assert(got[2] == "one" and got[3] == ("2"):rep(200000))
        api.log("PASS")
    end
end
