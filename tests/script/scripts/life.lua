-- SPDX-License-Identifier: MIT
-- A whole life in little memory: the session, messages, TCP, a timer, a table; LIFE at its end.
local api, conf, cb = skt.api, skt.conf, skt.cb
local server, client, listener, connector
local kept, parts = {}, {}

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    api.timer_start(0, function()
        assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
    end)
end

function cb.on_skcp_accept(skcp, cid)
    kept[skcp] = { cid = cid, conn = api.skcp_get_conn(skcp, cid) }
end

function cb.on_skcp_recv_cid(skcp, cid)
    assert(api.skcp_send(skcp, cid, ("m"):rep(3000)))
end

function cb.on_skcp_recv_data(skcp, cid, buf)
    kept[cid] = api.session_stats(skcp, cid)
    local fd = assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
    assert(api.etcp_client_send(connector, fd, buf))
end

function cb.on_tcp_accept(fd, etcp)
    kept[fd] = api.etcp_server_get_conn(etcp, fd)
end

function cb.on_tcp_recv(fd, buf)
    parts[#parts + 1] = buf
    if #table.concat(parts) == 3000 then
        api.etcp_server_close_conn(listener, fd)
    end
end

function cb.on_tcp_close()
    api.skcp_close_conn(server, kept[server].cid)
end

function cb.on_skcp_close(skcp)
    api.skcp_free(skcp)
    if skcp == server then
        api.log("LIFE")
    end
end
