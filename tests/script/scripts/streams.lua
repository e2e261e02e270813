-- SPDX-License-Identifier: MIT
-- Relays and streams, and what each leaves behind when it fails; the TUN's functions where there is none.
local api, conf, cb = skt.api, skt.conf, skt.cb

local server, client, cid, listener, connector
local asked, inside, outs = {}, {}, {}

local function fails(text, value, err)
    assert(value == nil and err == text, tostring(value) .. ", " .. tostring(err))
end

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    fails("invalid argument", api.etcp_client_create_conn(connector, "", 80))
    fails("invalid argument", api.etcp_client_create_conn(connector, ("x"):rep(300), 80))
    fails("invalid argument", api.lookup_async("", print))
    fails("there is no TUN in this mode", api.tun_attach(client, 1))
    fails("there is no TUN in this mode", api.tun_route(client, 1, "10.0.0.0/8"))
    fails("there is no TUN in this mode", api.tun_use(client, 1))
    fails("there is no TUN in this mode", api.tun_configure())
    fails("closed", api.tuntap_write(1, "x"))
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
end

function cb.on_skcp_recv_cid(_, its)
    cid = its
    for i = 1, 4 do
        outs[i] = assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
    end
end

function cb.on_tcp_accept(fd)
    inside[#inside + 1] = fd
    if #inside == 1 then
        -- Nobody reads the other end, so bytes are under way, and it stays what it is.
        assert(api.etcp_server_send(listener, fd, ("x"):rep(20000000)))
        fails("the script has bytes of this connection under way", api.relay_open(fd, client, cid))
        assert(api.etcp_server_get_conn(listener, fd))
    elseif #inside == 2 then
        fails("closed", api.relay_open(fd, client, 1)) -- no such session: it is reset
        fails("closed", api.etcp_server_get_conn(listener, fd))
    elseif #inside == 3 then
        assert(api.relay_open(fd, client, cid)) -- the default target
        fails("closed", api.etcp_server_get_conn(listener, fd))
    else
        assert(api.relay_open(fd, client, cid, "web"))
    end
end

function cb.on_stream_open(skcp, its, stream, name)
    assert(skcp == server and its == cid)
    asked[#asked + 1] = name
    fails(name == "" and "no default target" or "no such target", api.target_of(stream))
    local _, why, reason = api.address_of(stream)
    assert(why == "it asks for a target, and there are only addresses here" and reason == "target")
    fails("port: expected 1..65535", api.relay_connect(stream, "127.0.0.1", 0)) -- and is as it was
    local ok, err = pcall(api.stream_reset, stream, "because")
    assert(not ok and err:find("bad argument 'reason'", 1, true))
    if name == "" then
        assert(api.stream_reset(stream, "refused"))
    else
        assert(api.relay_connect(stream, "127.0.0.1", conf.etcp_serv_conf.serv_port)) -- accepted as the fifth
        function cb.on_tcp_accept(fd)
            assert(#asked == 2 and #inside == 4)
            api.tcp_reset(fd)
            api.log("PASS")
        end
    end
    fails("closed", api.stream_reset(stream))
    fails("closed", api.relay_connect(stream, "127.0.0.1", 1))
    fails("closed", api.target_of(stream))
    fails("closed", api.address_of(stream))
end
