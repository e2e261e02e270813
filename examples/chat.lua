-- SPDX-License-Identifier: MIT
-- A chat room, both of its ends. The server passes every line on to all; a client is a TCP port for netcat:
--
--     config = { mode = "chat", script_file = "chat.lua", chat = {          -- the server
--         skcp_servers = { { address = "0.0.0.0", port = 4000, password = "change me" } } } }
--     config = { mode = "chat", script_file = "chat.lua", chat = {          -- a client
--         name = "ann", tcp_listen_port = 7000,
--         skcp_remote_servers = { { address = "192.0.2.1", port = 4000, password = "change me", ticket = "..." } } } }

local conf, api, cb = skt.conf, skt.api, skt.cb
local here = conf.skcp_conf_list[1]
local skcp, listener, mine -- mine: the client's session
local room = {}            -- the server's sessions: cid -> name
local terminals = {}       -- the client's connections: fd -> what came of a line so far

-- Outside of the callbacks that deliver, a send to somebody who does not read is refused ("would block") and left out:
-- one sleeper does not hold the others up.
local function tell_all(text)
    api.timer_start(0, function()
        for cid in pairs(room) do
            api.skcp_send(skcp, cid, text)
        end
    end)
end

local function show(text)
    for fd in pairs(terminals) do
        api.etcp_server_send(listener, fd, text .. "\n")
    end
end

function cb.on_init(loop)
    skcp = assert(api.skcp_init(here.raw, loop, here.server and 1 or 2))
    if not here.server then
        listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
        assert(api.skcp_req_cid(skcp, here.ticket))
    end
end

function cb.on_skcp_recv_cid(_, cid)
    mine = cid
    api.skcp_send(skcp, cid, conf.user.name or "somebody") -- the first message is the name
end

function cb.on_skcp_recv_data(_, cid, text)
    if not here.server then
        show(text)
    elseif room[cid] then
        tell_all(room[cid] .. ": " .. text)
    else
        room[cid] = text
        tell_all(text .. " has come")
    end
end

function cb.on_skcp_close(_, cid)
    mine = nil
    if room[cid] then
        tell_all(room[cid] .. " has gone")
        room[cid] = nil
    end
end

function cb.on_tcp_accept(fd) terminals[fd] = "" end
function cb.on_tcp_close(fd) terminals[fd] = nil end

function cb.on_tcp_recv(fd, buf)
    local text = terminals[fd] .. buf
    terminals[fd] = text:gsub("([^\n]*)\n", function(line)
        if mine then api.skcp_send(skcp, mine, line) else show("(not connected)") end
        return ""
    end)
end

function cb.on_beat()
    if not here.server and not mine then api.skcp_req_cid(skcp, here.ticket) end
end
