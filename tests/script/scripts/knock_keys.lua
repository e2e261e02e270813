-- SPDX-License-Identifier: MIT
-- examples/knock.lua (user.example), long after the knock: who is inside stays when its keys are changed, nobody else gets in.
local api, conf, cb = skt.api, skt.conf, skt.cb

local now_ms, later_ms = api.get_ms, 0
function api.get_ms() return now_ms() + later_ms end
dofile(conf.user.example)
local accept, close = cb.on_skcp_accept, cb.on_skcp_close

function cb.on_skcp_accept(skcp, cid)
    accept(skcp, cid)
    later_ms = 3600000
    api.timer_start(0, function()
        assert(cb.on_skcp_check_ticket(skcp, conf.user.ticket) == 0)
        assert(cb.on_skcp_check_ticket(skcp, ("x"):rep(32)) == 1)
        api.skcp_close_conn(skcp, cid)
    end)
end

function cb.on_skcp_close(skcp, cid)
    close(skcp, cid)
    assert(cb.on_skcp_check_ticket(skcp, conf.user.ticket) == 1)
    api.log("PASS")
end
