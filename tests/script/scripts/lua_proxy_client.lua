-- SPDX-License-Identifier: MIT
-- A whole proxy written against the original's document: every byte goes through the script, several connections
-- share one cid, with framing of its own: connection u32 | kind ('D' data, 'C' close) | data.
local conf, api, cb = skt.conf, skt.api, skt.cb
local skcp, etcp, cid
local open = {}

cb.on_init = function(loop)
    skcp = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 2))
    etcp = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    api.skcp_req_cid(skcp, conf.skcp_conf_list[1].ticket)
end

cb.on_skcp_recv_cid = function(_, new_cid)
    cid = new_cid
end

cb.on_tcp_accept = function(fd)
    open[fd] = true
end

cb.on_tcp_recv = function(fd, buf)
    assert(api.skcp_send(skcp, cid, string.pack("<I4c1", fd, "D") .. buf))
end

cb.on_tcp_close = function(fd)
    if open[fd] then
        open[fd] = nil
        assert(api.skcp_send(skcp, cid, string.pack("<I4c1", fd, "C")))
    end
end

cb.on_skcp_recv_data = function(_, _, buf)
    local fd, kind, at = string.unpack("<I4c1", buf)
    if kind == "D" and open[fd] then
        assert(api.etcp_server_send(etcp, fd, buf:sub(at)))
    elseif kind == "C" and open[fd] then
        open[fd] = nil
        api.etcp_server_close_conn(etcp, fd, 1)
    end
end

cb.on_skcp_close = function()
    cid = nil
end

cb.on_beat = function()
    if cid then
        api.skcp_send(skcp, cid, string.pack("<I4c1", 0, "P"))
    else
        api.skcp_req_cid(skcp, conf.skcp_conf_list[1].ticket)
    end
end
