-- SPDX-License-Identifier: MIT
-- A proxy server that lets in who has knocked: a new session needs a ticket of a file, and a TCP connection to another
-- port not long before. The file may change at any time; sessions that are there stay.
--
--     config = { mode = "knock", script_file = "knock.lua", knock = {
--         knock_file = "/etc/skcptun/tickets", open_s = 30, tcp_listen_addr = "0.0.0.0", tcp_listen_port = 7001,
--         tcp_target_addr = "127.0.0.1", tcp_target_port = 80, skcp_servers = { { ... } } } }
--
-- Its clients need a mode of their own, too; their script is one line: require "skt.proxy_client".

local conf, api, cb = skt.conf, skt.api, skt.cb
local file, open_s = conf.user.knock_file, conf.user.open_s or 30
local knocked_ms -- when the last knock came
local checked    -- the ticket that was asked about last: on_skcp_accept follows at once where it was good
local tickets, inside = {}, {} -- cid -> its ticket; ticket -> how many sessions there are with it

require "skt.proxy_server"
local start = cb.on_init

function cb.on_init(loop)
    start(loop)
    local listener, err = api.etcp_server_init(conf.etcp_serv_conf.raw, loop)
    if not listener then
        api.fail(err)
    end
end

-- The knock itself: nothing is read, and nothing is answered.
function cb.on_tcp_accept(fd)
    knocked_ms = api.get_ms()
    api.tcp_reset(fd)
end

-- Equal in constant time: the time says nothing of how far a guess was right.
local function same(a, b)
    local difference = #a ~ #b
    for i = 1, #a do
        difference = difference | (a:byte(i) ~ (b:byte(i) or 0))
    end
    return difference == 0
end

-- 0 lets the client in. It is asked each time that a client takes new keys, every two minutes: who is inside stays.
-- A file of one ticket a line; # begins a remark.
function cb.on_skcp_check_ticket(skcp, ticket)
    checked = ticket
    if inside[ticket] then
        return 0
    end
    if not knocked_ms or api.get_ms() - knocked_ms > open_s * 1000 then
        return 1
    end
    local found = 1
    for line in io.lines(file) do -- a file that can't be read is an error: nobody gets in
        if same(line, ticket) and not line:find("^#") then
            found = 0
        end
    end
    return found
end

function cb.on_skcp_accept(skcp, cid)
    tickets[cid] = checked
    inside[checked] = (inside[checked] or 0) + 1
end

function cb.on_skcp_close(skcp, cid)
    local ticket = tickets[cid]
    tickets[cid] = nil
    inside[ticket] = inside[ticket] > 1 and inside[ticket] - 1 or nil
end
