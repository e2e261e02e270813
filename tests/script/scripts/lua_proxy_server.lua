-- SPDX-License-Identifier: MIT
-- The other end of lua_proxy_client.lua.
local conf, api, cb = skt.conf, skt.api, skt.cb
local skcp, etcp
local by_conn, by_fd = {}, {} -- cid .. ":" .. the client's number -> our fd, and back

cb.on_init = function(loop)
    skcp = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    etcp = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
end

cb.on_skcp_check_ticket = function(_, ticket)
    return #ticket == 32 and 0 or -1
end

cb.on_skcp_recv_data = function(_, cid, buf)
    local number, kind, at = string.unpack("<I4c1", buf)
    local key = cid .. ":" .. number
    if kind == "D" then
        local fd = by_conn[key]
        if not fd then
            fd = assert(api.etcp_client_create_conn(etcp, conf.tcp_target_addr, conf.tcp_target_port))
            by_conn[key], by_fd[fd] = fd, { cid = cid, number = number, key = key }
        end
        assert(api.etcp_client_send(etcp, fd, buf:sub(at)))
    elseif kind == "C" and by_conn[key] then
        local fd = by_conn[key]
        by_conn[key], by_fd[fd] = nil, nil
        api.etcp_client_close_conn(etcp, fd, 1)
    end
end

cb.on_tcp_recv = function(fd, buf)
    local c = by_fd[fd]
    assert(api.skcp_send(skcp, c.cid, string.pack("<I4c1", c.number, "D") .. buf))
end

cb.on_tcp_close = function(fd)
    local c = by_fd[fd]
    if c then
        by_conn[c.key], by_fd[fd] = nil, nil
        api.skcp_send(skcp, c.cid, string.pack("<I4c1", c.number, "C"))
    end
end
