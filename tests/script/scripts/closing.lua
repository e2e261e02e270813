-- SPDX-License-Identifier: MIT
-- What was sent before a close arrives: the sender closes at once, and the reader is held back by a TCP connection
-- that nobody reads at that time.
local api, conf, cb = skt.api, skt.conf, skt.cb

local server, client, listener, connector, sink
local sent, got, drained, ended = 0, 0, 0, {}

local function message(i)
    return string.pack("<I4", i) .. ("m"):rep(20000)
end

local function finish()
    if ended[server] and ended[client] and drained == sent * #message(1) then
        assert(ended[server] == 1 and ended[client] == 1)
        api.log("PASS")
    end
end

local function read(_, buf)
    drained = drained + #buf
    finish()
end

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    assert(api.etcp_client_create_conn(connector, "localhost", conf.etcp_serv_conf.serv_port))
end

function cb.on_tcp_accept(fd)
    sink = fd -- without on_tcp_recv its other end is not read
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
end

-- More with every room until some MB are on the way, then the end, while the last ones are still queued.
local function send(cid)
    while sent < 600 do
        local n, err = api.skcp_send(client, cid, message(sent + 1))
        if not n then
            assert(err == "would block")
            return
        end
        sent = sent + 1
    end
    assert(api.skcp_close_conn(client, cid) == 0)
    local value, err = api.skcp_send(client, cid, "x")
    assert(value == nil and err == "closed")
    value, err = api.skcp_close_conn(client, cid)
    assert(value == nil and err == "closed")
    assert(api.skcp_get_conn(client, cid) == nil)
end

function cb.on_skcp_recv_cid(_, cid)
    send(cid)
end

function cb.on_skcp_room(_, cid)
    send(cid)
end

function cb.on_skcp_recv_data(skcp, cid, buf)
    assert(skcp == server)
    got = got + 1
    assert(buf == message(got))
    assert(api.etcp_server_send(listener, sink, buf) == #buf)
end

function cb.on_skcp_close(skcp, cid)
    ended[skcp] = (ended[skcp] or 0) + 1
    assert(api.skcp_get_conn(skcp, cid).cid == cid)
    if skcp == server then
        assert(got == sent, got)
        cb.on_tcp_recv = read -- only now
    end
    finish()
end
