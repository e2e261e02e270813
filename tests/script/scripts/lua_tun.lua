-- SPDX-License-Identifier: MIT
-- Both ends of a TUN pair, written against the original's document: every IP packet goes through the script, as a
-- message of its own.
local conf, api, cb = skt.conf, skt.api, skt.cb
local here = conf.skcp_conf_list[1]
local serves = conf.mode:find("server") ~= nil
local skcp, cid, tun

cb.on_init = function(loop, tun_fd)
    tun = tun_fd
    skcp = assert(api.skcp_init(here.raw, loop, serves and 1 or 2))
    if not serves then
        assert(api.skcp_req_cid(skcp, here.ticket))
    end
end

cb.on_skcp_check_ticket = function(_, ticket)
    return #ticket == 32 and 0 or -1
end

cb.on_skcp_accept = function(_, new_cid)
    cid = new_cid
end

cb.on_skcp_recv_cid = function(_, new_cid)
    cid = new_cid
end

cb.on_skcp_close = function(_, old_cid)
    cid = cid ~= old_cid and cid or nil
end

-- A packet that finds no room is lost, as on any link.
cb.on_tun_read = function(buf)
    if cid then
        api.skcp_send(skcp, cid, buf)
    end
end

cb.on_skcp_recv_data = function(_, _, buf)
    api.tuntap_write(tun, buf)
end

cb.on_beat = function()
    if not serves and not cid then
        api.skcp_req_cid(skcp, here.ticket)
    end
end
