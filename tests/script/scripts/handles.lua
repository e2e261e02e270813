-- SPDX-License-Identifier: MIT
-- Handles: the same value at every callback, constant numbers, stale ones say so.
local api, conf, cb = skt.api, skt.conf, skt.cb

local function closed(value, err)
    assert(value == nil and err == "closed", tostring(value) .. ", " .. tostring(err))
end

local server, client, the_loop
local seen, closes = {}, 0

function cb.on_init(loop)
    the_loop = loop
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    seen[server], seen[client] = "server", "client"
    local fd = api.get_from_skcp(server, "fd")
    assert(math.type(fd) == "integer" and fd ~= api.get_from_skcp(client, "fd"))
    seen[fd] = "fd of server"
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket) == "ok")
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket) == "ok") -- starts nothing
end

function cb.on_skcp_accept(skcp, cid)
    assert(seen[skcp] == "server" and skcp == server)
    assert(math.type(cid) == "integer" and cid > 0 and cid < 2 ^ 31)
    assert(seen[api.get_from_skcp(skcp, "fd")] == "fd of server")
    local conn = assert(api.skcp_get_conn(skcp, cid))
    assert(conn == api.skcp_get_conn(skcp, cid) and conn.cid == cid)
    seen[conn] = true
    collectgarbage()
    assert(seen[api.skcp_get_conn(skcp, cid)])
end

function cb.on_skcp_recv_cid(skcp, cid)
    assert(seen[skcp] == "client")
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket) == "ok")
    local stats = assert(api.session_stats(skcp, cid))
    assert(stats.state == "up" and stats.bytes_tx > 0 and stats.streams == 0 and stats.peer:find("127.0.0.1", 1, true))
    assert(api.skcp_score(skcp) >= 0)
    -- Freed from inside its own callback: stale at once, the rest follows.
    api.skcp_free(skcp)
    closed(api.skcp_send(skcp, cid, "x"))
    closed(api.get_from_skcp(skcp, "fd"))
    api.skcp_free(skcp)
end

function cb.on_skcp_close(skcp, cid)
    closes = closes + 1
    assert(seen[skcp])
    assert(api.get_from_skcp(skcp, "fd")) -- still usable in here
    assert(api.skcp_get_conn(skcp, cid) or skcp == client)
    api.skcp_free(skcp) -- the server's, from its own on_skcp_close; the client's is being freed
    if closes == 2 then
        api.timer_start(0.05, function()
            closed(api.skcp_get_conn(server, cid))
            assert(tostring(server):find("closed"))
            -- The port is free again.
            local again = assert(api.skcp_init(conf.skcp_conf_list[1].raw, the_loop, 1))
            assert(again ~= server)
            api.skcp_free(again)
            api.skcp_free(assert(api.skcp_init(conf.skcp_conf_list[1].raw, the_loop, 1)))
            assert(closes == 2)
            api.log("PASS")
        end)
    end
end
