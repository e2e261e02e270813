-- SPDX-License-Identifier: MIT
-- A ticket that is refused, one that is good, closing, and a session again.
local api, conf, cb = skt.api, skt.conf, skt.cb

local server, good, bad
local checked, up, closes = {}, 0, {}

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    good = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    bad = assert(api.skcp_init(conf.skcp_conf_list[3].raw, loop, 2))
    assert(api.skcp_req_cid(bad, conf.skcp_conf_list[3].ticket) == "ok")
    assert(api.skcp_req_cid(good, conf.skcp_conf_list[2].ticket) == "ok")
end

function cb.on_skcp_check_ticket(skcp, ticket)
    assert(skcp == server and #ticket == 32)
    checked[ticket] = true
    return api.check_ticket(ticket) and 0 or 1
end

function cb.on_skcp_recv_cid(skcp, cid)
    assert(skcp == good)
    up = up + 1
    assert(checked[conf.skcp_conf_list[2].ticket])
    assert(api.session_stats(skcp, cid).name == "alice")
    if up == 1 then
        assert(api.skcp_close_conn(good, cid) == 0)
    else
        assert(not closes[api.get_from_skcp(good, "fd") .. ":" .. cid])
        api.timer_start(0.3, function()
            assert(checked[conf.skcp_conf_list[3].ticket])
            api.log("PASS")
        end)
    end
end

function cb.on_skcp_close(skcp, cid)
    local key = api.get_from_skcp(skcp, "fd") .. ":" .. cid
    assert(not closes[key], "closed twice")
    closes[key] = true
    if skcp == good then
        api.timer_start(0, function()
            assert(api.skcp_req_cid(good, conf.skcp_conf_list[2].ticket) == "ok")
        end)
    end
end
