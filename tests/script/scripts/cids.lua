-- SPDX-License-Identifier: MIT
-- One skcp object, several cids: each request asks for another session, one at a time, and each lives and ends by
-- itself.
local api, conf, cb = skt.api, skt.conf, skt.cb

local MANY = 5
local server, client
local ticket = conf.skcp_conf_list[2].ticket
local cids, closed, echoes, farewells, server_closed = {}, {}, {}, {}, 0

local function request()
    for _ = 1, 3 do -- the second and third start nothing
        assert(api.skcp_req_cid(client, ticket) == "ok")
    end
end

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    request()
end

local function check_all()
    api.timer_start(0.3, function() -- no further session has come
        assert(#cids == MANY + 1 and server_closed == MANY)
        for i = 1, MANY do
            assert(closed[cids[i]] == 1 and echoes[cids[i]] == 1)
            assert(farewells[cids[i]] == "bye " .. cids[i], "what was sent in on_skcp_close arrives")
        end
        local rest = cids[MANY + 1]
        assert(not closed[rest] and api.session_stats(client, rest).state == "up")
        assert(api.skcp_score(client) >= 0)
        api.log("PASS")
    end)
end

function cb.on_skcp_recv_cid(skcp, cid)
    assert(skcp == client)
    for _, other in ipairs(cids) do assert(other ~= cid) end
    cids[#cids + 1] = cid
    if #cids < MANY then
        return request()
    end
    if #cids == MANY then
        for i = 1, MANY do
            assert(api.skcp_send(client, cids[i], "hello " .. cids[i]) > 0)
        end
    end
end

function cb.on_skcp_recv_data(skcp, cid, buf)
    if skcp == server then
        local word = buf:match("^%a+")
        assert(buf == word .. " " .. cid)
        if word == "bye" then
            farewells[cid] = buf
        else
            assert(api.skcp_send(server, cid, buf) == #buf)
        end
        return
    end
    assert(buf == "hello " .. cid)
    echoes[cid] = (echoes[cid] or 0) + 1
    assert(api.skcp_close_conn(client, cid) == 0)
    local value, err = api.skcp_send(client, cid, "late")
    assert(value == nil and err == "closed")
end

function cb.on_skcp_close(skcp, cid)
    assert(api.skcp_get_conn(skcp, cid).cid == cid)
    local stats = assert(api.session_stats(skcp, cid))
    assert(stats.state == "closed" and stats.close_reason == "closed", stats.close_reason)
    assert(api.skcp_send(skcp, cid, "bye " .. cid) == #("bye " .. cid)) -- the client's arrives
    assert(api.skcp_close_conn(skcp, cid) == 0) -- it is on its way already
    if skcp == server then
        server_closed = server_closed + 1
        return server_closed == MANY and check_all()
    end
    closed[cid] = (closed[cid] or 0) + 1
    if cid == cids[MANY] then
        request() -- from inside its end
    end
end
