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
