-- SPDX-License-Identifier: MIT
-- tun_client: carries the IP packets of its TUN through one of its servers.
--
-- Lua decides, C moves the packets: tun_use says which session the TUN's packets take, and no packet is seen here.
-- All of them take the same one, and move to another server only when theirs does not answer any more.

local conf, api, cb = skt.conf, skt.api, skt.cb

-- Two clients with one ticket would take its address from each other for ever: who has lost it waits, each time longer.
local WAIT_FIRST, WAIT_MOST, FORGET = 5, 300, 900 -- seconds

local servers = {} -- one for each entry of skcp_remote_servers: { skcp =, conf =, cid = (nil: no session), resting = }
local by_skcp = {} -- the same by skcp object
local current      -- the one in use

local function request(server)
    if server.resting then
        return
    end
    local ok, err = api.skcp_req_cid(server.skcp, server.conf.ticket)
    if not ok then
        api.log_rarely("warn", server.conf.addr, server.conf.addr .. ": " .. err)
    end
end

-- Somebody came with our ticket, and has our address now. Timers, as the clock may be set meanwhile.
local function displaced(server)
    server.wait = server.wait and math.min(2 * server.wait, WAIT_MOST) or WAIT_FIRST
    server.resting = api.timer_start(server.wait, function()
        server.resting = nil
    end)
    if server.forget then
        api.timer_stop(server.forget)
    end
    server.forget = api.timer_start(server.wait + FORGET, function()
        server.wait, server.forget = nil, nil
    end)
    api.log_rarely("error", server.conf.addr, ("%s: another client uses our ticket and has taken our address over; each client needs a ticket of "
        .. "its own. Asking again in %d s"):format(server.conf.addr, server.wait))
end

-- Does it answer? Its mean round trip in ms, or nil.
local function score(server)
    return server.cid and api.skcp_score(server.skcp)
end

-- Moves to the server with the shortest round trip, if there is one that answers.
local function choose()
    local found, least
    for _, server in ipairs(servers) do
        local its = score(server)
        if its and (not least or its < least) then
            found, least = server, its
        end
    end
    if found and found ~= current then
        api.log_rarely("info", found.conf.addr, ("the TUN uses %s port %d"):format(found.conf.addr, found.conf.port))
        current = api.tun_use(found.skcp, found.cid) and found
    end
end

-- Ties the session to the TUN; what there was no memory for is done at a later beat. Routes, dns and what else the
-- configuration wants are put in with the first one.
local function attach(server)
    local nets, err = api.tun_attach(server.skcp, server.cid)
    if not nets then
        return api.log_rarely("warn", server.conf.addr, ("%s: the session can't have the TUN yet: %s"):format(server.conf.addr, err))
    end
    if not current then
        choose()
    end
    api.tun_configure()
    server.attached = true
end

function cb.on_init(loop, tun_fd)
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
    local server = by_skcp[skcp]
    server.cid, server.attached = cid, nil
    attach(server)
end

function cb.on_skcp_close(skcp, cid)
    local server = by_skcp[skcp]
    if server.cid == cid then
        server.cid = nil
    end
    local stats = api.session_stats(skcp, cid)
    if stats and stats.close_reason == "takeover" then
        displaced(server)
    end
    if server == current then
        current = nil
        choose()
    end
end

-- Once a second. A request that is under way already is not repeated by skcp_req_cid.
function cb.on_beat()
    for _, server in ipairs(servers) do
        if server.cid and not score(server) and not api.session_stats(server.skcp, server.cid) then
            server.cid = nil -- its end was not heard, for lack of memory
        end
        if not server.cid then
            request(server)
        elseif not server.attached then
            attach(server)
        end
    end
    if not (current and score(current)) then
        choose()
    end
end
