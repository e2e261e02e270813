-- SPDX-License-Identifier: MIT
-- An answer before the request was read to its end, then a close: the answer arrives whole all the same.
local api, conf, cb = skt.api, skt.conf, skt.cb

local SIZE = 8000000 -- more than the system takes at once
local listener, connector, inside, outside
local got = 0

function cb.on_init(loop)
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    outside = assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
    assert(api.etcp_client_send(connector, outside, ("r"):rep(8000000)))
end

function cb.on_tcp_accept(fd)
    inside = fd
end

function cb.on_tcp_recv(fd, buf)
    if fd == inside then
        assert(api.etcp_server_send(listener, fd, ("a"):rep(SIZE)) == SIZE)
        api.etcp_server_close_conn(listener, fd, 1)
    else
        got = got + #buf
    end
end

function cb.on_tcp_close(fd)
    assert(fd == outside and got == SIZE, got)
    api.log("PASS")
end
