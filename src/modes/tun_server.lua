-- SPDX-License-Identifier: MIT
-- tun_server: carries IP packets between its TUN and its clients, and from one client to another.
--
-- Lua decides, C moves the packets: tun_attach gives a session the addresses of its ticket, or the one that it asks
-- for, and no packet is seen here. A client whose address belongs to somebody else is refused in words before this
-- script hears of it.

local conf, api, cb = skt.conf, skt.api, skt.cb

function cb.on_init(loop, tun_fd)
    for _, server in ipairs(conf.skcp_conf_list) do
        local skcp, err = api.skcp_init(server.raw, loop, 1)
        if not skcp then
            return api.fail(err)
        end
        api.log(("listening on UDP %s port %d"):format(server.addr, server.port))
    end
    api.tun_configure()
end

-- 0 lets the client in. check_ticket compares with the configuration's tickets, in constant time; where there is
-- no table of them, any ticket is good.
function cb.on_skcp_check_ticket(skcp, ticket)
    return api.check_ticket(ticket) and 0 or 1
end

function cb.on_skcp_accept(skcp, cid)
    local nets, err = api.tun_attach(skcp, cid)
    if not nets then
        api.log_rarely("warn", err, ("session %d: %s"):format(cid, err))
        return api.skcp_close_conn(skcp, cid)
    end
    local list = table.concat(nets, ", ")
    api.log_rarely("info", list, ("session %d has %s"):format(cid, list ~= "" and list or "no address"))
end

-- A client's relay_tcp has taken a TCP connection out of its TUN. address_of says where it goes, or why no stream
-- goes there by the configuration's `relay_tcp`; then the client sends its packets, as if it had never asked.
function cb.on_stream_open(skcp, cid, stream)
    local host, port, reason = api.address_of(stream)
    if not host then
        local why = port
        api.log_rarely("info", cid .. why, ("session %d: a connection goes in packets, not in a stream: %s"):format(cid, why))
        return api.stream_reset(stream, reason)
    end
    local ok, why = api.relay_connect(stream, host, port)
    if not ok then
        api.log_rarely("warn", cid .. why, ("session %d: %s port %d: %s"):format(cid, host, port, why))
    end
end
