-- SPDX-License-Identifier: MIT
-- A bandwidth limiter: a TCP port that forwards to another one, no more than so many bytes a second, both ways and all
-- connections together. In front of a proxy_client's port it limits what goes through that tunnel.
--
--     config = { mode = "limiter", script_file = "limiter.lua", limiter = { bytes_per_s = 1000000,
--         tcp_listen_port = 8000, tcp_target_addr = "127.0.0.1", tcp_target_port = 8080 } }
--
-- What is over the limit waits in `queue`; while that is long, on_tcp_recv is taken away, and senders are held back.

local conf, api, cb = skt.conf, skt.api, skt.cb
local RATE, TICK_S, MARK = conf.user.bytes_per_s, 0.02, 65536

local listener, connector
local pair, queue, queued = {}, {}, 0 -- fd -> { send =, fd =, etcp = } of its other end; { fd, bytes } in order
local credit, receive = 0, nil

local function send(fd, buf)
    local to = pair[fd]
    if to then to.send(to.etcp, to.fd, buf) end
end

local function close(fd)
    local to = pair[fd]
    if to then
        pair[fd], pair[to.fd] = nil, nil
        to.close(to.etcp, to.fd, 1)
    end
end

function receive(fd, buf)
    queue[#queue + 1] = { fd, buf }
    queued = queued + #buf
    if queued > MARK then cb.on_tcp_recv = nil end
end

local function tick()
    api.timer_start(TICK_S, tick)
    credit = math.min(credit + RATE * TICK_S, RATE * 5 * TICK_S)
    local n = 0
    while queue[n + 1] and (queue[n + 1][2] == nil or credit > 0) do
        n = n + 1
        local fd, buf = queue[n][1], queue[n][2]
        if buf then
            send(fd, buf)
            credit, queued = credit - #buf, queued - #buf
        else
            close(fd)
        end
    end
    queue = table.move(queue, n + 1, #queue, 1, {})
    if queued <= MARK then cb.on_tcp_recv = receive end
end

function cb.on_init(loop)
    listener = assert(api.etcp_server_init(conf.listeners[1].raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    tick()
end

function cb.on_tcp_accept(fd)
    local out = assert(api.etcp_client_create_conn(connector, conf.tcp_target_addr, conf.tcp_target_port))
    pair[fd] = { fd = out, etcp = connector, send = api.etcp_client_send, close = api.etcp_client_close_conn }
    pair[out] = { fd = fd, etcp = listener, send = api.etcp_server_send, close = api.etcp_server_close_conn }
end

function cb.on_tcp_close(fd) queue[#queue + 1] = { fd } end -- after what is queued
