-- SPDX-License-Identifier: MIT
-- Messages: borders, order, the largest one, both directions, and a sender that overruns.
local api, conf, cb = skt.api, skt.conf, skt.cb

local sizes = { 1, 2, 1399, 1400, 65536, 262144, 1, 7, 100000, 262144, 3 }
local server, client, cid
local room = false
local at_server, at_client, blocked, flood_sent, flood_got = 0, 0, false, 0, 0

local function message(i)
    return (string.char(64 + i)):rep(sizes[i])
end

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
end

local function send_next()
    if at_client < #sizes then
        assert(api.skcp_send(client, cid, message(at_client + 1)) == sizes[at_client + 1])
    end
end

-- A sender outside of on_tcp_recv gets "would block" instead of an endless queue.
local function flood()
    for i = 1, 10000 do
        local n, err = api.skcp_send(client, cid, ("%05d"):format(i) .. ("f"):rep(10000))
        if not n then
            assert(err == "would block", err)
            blocked = true
            flood_sent = i - 1
            return
        end
    end
end

-- All that was taken has arrived, and the sender was told of room.
local function finish()
    if room and flood_got == flood_sent then
        api.log("PASS")
    end
end

function cb.on_skcp_room(skcp, c)
    assert(skcp == client and c == cid)
    room = true
    finish()
end

function cb.on_skcp_recv_cid(_, c)
    cid = c
    send_next()
end

function cb.on_skcp_recv_data(skcp, c, buf)
    if skcp == server then
        if at_server < #sizes then
            at_server = at_server + 1
            assert(buf == message(at_server))
            assert(api.skcp_send(server, c, buf) == #buf)
        else
            flood_got = flood_got + 1
            assert(tonumber(buf:sub(1, 5)) == flood_got)
            finish()
        end
        return
    end
    at_client = at_client + 1
    assert(c == cid and buf == message(at_client))
    send_next()
    if at_client == #sizes then
        api.timer_start(0, function()
            flood()
            assert(blocked and flood_sent > 5)
        end)
    end
end
