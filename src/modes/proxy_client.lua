-- SPDX-License-Identifier: MIT
-- proxy_client: carries every TCP connection that is accepted through the best of its servers.
--
-- Lua decides, C moves the bytes: relay_open hands a connection over, and no byte of it is seen here.

local conf, api, cb = skt.conf, skt.api, skt.cb

local WAIT_S = 10 -- a connection may wait this long for a session

local servers = {} -- one for each entry of skcp_remote_servers: { skcp =, conf =, cid = (nil: no session) }
local by_skcp = {} -- the same by skcp object
local targets = {} -- listener -> the name of the server's target that its connections go to
local waiting = {} -- connections without a session, oldest first: { fd =, target =, timer = }

-- The server to use now: of those that answer, the one with the shortest mean round trip.
local function best()
    local found, least
    for _, server in ipairs(servers) do
        local score = server.cid and api.skcp_score(server.skcp)
        if score and (not least or score < least) then
            found, least = server, score
        end
    end
    return found
end

local function request(server)
    local ok, err = api.skcp_req_cid(server.skcp, server.conf.ticket)
    if not ok then
        api.log_rarely("warn", server.conf.addr, server.conf.addr .. ": " .. err)
    end
end

-- Gives those that wait to the best server, once there is one.
local function serve_waiting()
    local server = best()
    if not server then
        return
    end
    while waiting[1] do
        local w = table.remove(waiting, 1)
        api.timer_stop(w.timer)
        api.relay_open(w.fd, server.skcp, server.cid, w.target)
    end
end

local function wait(fd, target)
    local w = { fd = fd, target = target }
    w.timer = api.timer_start(WAIT_S, function()
        for i, other in ipairs(waiting) do
            if other == w then
                table.remove(waiting, i)
            end
        end
        api.tcp_reset(fd)
        api.log_rarely("warn", "", "a connection was reset: no server for " .. WAIT_S .. " s")
    end)
    if not w.timer then -- no memory
        return api.tcp_reset(fd)
    end
    waiting[#waiting + 1] = w
end

function cb.on_init(loop)
    for i, listener in ipairs(conf.listeners) do
        local etcp, err = api.etcp_server_init(listener.raw, loop)
        if not etcp then
            return api.fail(err)
        end
        targets[etcp] = listener.target
        api.log(("listening on TCP %s port %d"):format(listener.serv_addr, listener.serv_port))
    end
    for i, remote in ipairs(conf.skcp_conf_list) do
        local skcp, err = api.skcp_init(remote.raw, loop, 2)
        if not skcp then
            return api.fail(err)
        end
        servers[i] = { skcp = skcp, conf = remote }
        by_skcp[skcp] = servers[i]
        request(servers[i])
    end
end

-- A server has given us a session.
function cb.on_skcp_recv_cid(skcp, cid)
    by_skcp[skcp].cid = cid
    serve_waiting()
end

-- The session has ended; its connections have been reset. on_beat asks for another one.
function cb.on_skcp_close(skcp, cid)
    if by_skcp[skcp].cid == cid then
        by_skcp[skcp].cid = nil
    end
end

function cb.on_tcp_accept(fd, etcp)
    local server = best()
    if server then
        api.relay_open(fd, server.skcp, server.cid, targets[etcp])
    else
        wait(fd, targets[etcp])
    end
end

-- Once a second. A request that is under way already is not repeated by skcp_req_cid.
function cb.on_beat()
    for _, server in ipairs(servers) do
        if server.cid and not api.skcp_score(server.skcp) and not api.session_stats(server.skcp, server.cid) then
            server.cid = nil -- its end was not heard, for lack of memory
        end
        if not server.cid then
            request(server)
        end
    end
    if waiting[1] then
        serve_waiting()
    end
end
