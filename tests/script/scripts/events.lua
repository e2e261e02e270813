-- SPDX-License-Identifier: MIT
-- Every send that follows from an event is taken, however full the session is: what is held back is the source. A reader
-- that stands still fills the session; connections are accepted, closed and fail meanwhile.
local api, conf, cb = skt.api, skt.conf, skt.cb

local MANY = 12
local server, client, listener, connector, cid, sink
local full, accepted, accepted_full, failed, refused = false, 0, 0, 0, 0
local opened, closed, filled, others, spare = {}, {}, 0, {}, nil

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
    spare = assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
end

local function send(text)
    local n, err = api.skcp_send(client, cid, text)
    assert(n == #text, err)
end

local function check()
    if #opened == MANY and failed == MANY and #closed == MANY and others.ticket and others.stream then
        for i = 1, MANY do assert(opened[i] == i) end
        assert(accepted_full <= 1, "the listener was not held: " .. accepted_full)
        api.log("PASS")
    end
end

local function meet()
    full = true
    for _ = 1, MANY do
        assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
        assert(api.etcp_client_create_conn(connector, "127.0.0.1", 1)) -- nobody listens: on_tcp_close
    end
    assert(api.relay_open(spare, client, cid)) -- on_stream_open at the server
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket)) -- on_skcp_check_ticket
    api.timer_start(0.5, function()
        accepted_full = accepted
        assert(failed == MANY, failed)
        full = false
        function cb.on_tcp_recv() end -- the sink is read from now on
    end)
end

-- Fills the session, as a timer may: it is refused when enough waits.
local function fill()
    api.timer_start(0.05, function()
        local n, err = api.skcp_send(client, cid, ("f"):rep(60000))
        while n do
            filled, refused = filled + 1, 0
            n, err = api.skcp_send(client, cid, ("f"):rep(60000))
        end
        assert(err == "would block")
        while api.skcp_send(client, cid, "f") do end -- to the last byte
        refused = refused + 1
        if refused < 5 then fill() else meet() end
    end)
end

function cb.on_tcp_accept(fd)
    if not sink then
        sink = fd
        return
    end
    if not cid then -- spare's other end
        return assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
    end
    accepted = accepted + 1
    send("open " .. accepted)
end

function cb.on_tcp_close()
    failed = failed + 1
    send("closed " .. failed)
end

function cb.on_skcp_recv_cid(_, its)
    if not cid then
        cid = its
        fill()
    end
end

function cb.on_skcp_check_ticket()
    if cid then send("other ticket") end
    return 0
end

function cb.on_stream_open()
    send("other stream")
end

function cb.on_skcp_recv_data(_, _, buf)
    local word, n = buf:match("^(%a+) (%w+)$")
    if word == "open" then
        opened[#opened + 1] = tonumber(n)
    elseif word == "closed" then
        closed[#closed + 1] = tonumber(n)
    elseif word == "other" then
        others[n] = true
    else
        assert(api.etcp_server_send(listener, sink, buf) == #buf)
    end
    check()
end
