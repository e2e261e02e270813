-- SPDX-License-Identifier: MIT
-- What is said of callbacks and of what is absent: see doc/lua-api.md.
local api, conf, cb = skt.api, skt.conf, skt.cb

assert(skt.version:find("^%d+%.%d+"))
assert(conf.user == nil or type(conf.user) == "table")
-- Objects can be made before on_init already; loop may be absent.
local server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, nil, 1))
local client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, nil, 2))
local listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw))
local connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw))
assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket) == "ok")
local value, err = api.skcp_score(server)
assert(value == nil and err == "down")

local inits, accepts, order = 0, {}, {}
local function note(what) order[#order + 1] = what end

function cb.on_init(loop, tun)
    inits = inits + 1
    assert(tun == nil and tostring(loop):find("^skt.loop"))
    assert(type(api.etcp_client_init(conf.etcp_cli_conf.raw, loop)) == "userdata")
end

function cb.on_skcp_check_ticket(skcp, ticket)
    note("check")
    assert(skcp == server and ticket == conf.skcp_conf_list[2].ticket)
    return 0
end

function cb.on_skcp_accept(skcp, cid)
    note("accept")
    assert(skcp == server and not accepts[cid])
    accepts[cid] = true
    assert(api.skcp_send(server, cid, "first") == 5) -- delivered after on_skcp_recv_cid
end

local mine, conn
function cb.on_skcp_recv_cid(skcp, cid)
    note("cid")
    assert(inits == 1 and skcp == client and accepts[cid])
    mine, conn = cid, api.skcp_get_conn(client, cid)
    assert(conn.fd == api.get_from_skcp(client, "fd") and conn.cid == cid and conn.other == nil)
    local stats = api.session_stats(client, cid)
    assert(stats.close_reason == nil and stats.name == "alice")
    local names = {}
    for name in pairs(stats) do
        names[#names + 1] = name
    end
    table.sort(names)
    names = table.concat(names, " ")
    assert(names == "bytes_rx bytes_tx cipher duplicated fec_recovered fec_sent mtu name packets_rx packets_tx " ..
        "payload_rx payload_tx peer retransmitted rtt_min_ms rtt_ms state streams", names)
    assert(math.type(stats.rtt_ms) == "float" and math.type(stats.bytes_tx) == "integer")
end

-- A callback may be replaced from inside itself, and be absent meanwhile: what comes then is dropped.
function cb.on_skcp_recv_data(skcp, cid, buf)
    note(buf)
    assert(skcp == client and cid == mine and buf == "first")
    cb.on_skcp_recv_data = nil
    assert(api.skcp_send(server, cid, "dropped") == 7)
    api.timer_start(0.2, function()
        function cb.on_skcp_recv_data(_, _, later)
            note(later)
            assert(api.skcp_close_conn(client, mine) == 0)
        end
        assert(api.skcp_send(server, mine, "second") == 6)
    end)
end

function cb.on_skcp_close(skcp)
    note(skcp == client and "client closed" or "server closed")
    if skcp == client then -- and nobody asks again but the script
        api.timer_start(0.2, function()
            assert(table.concat(order, ", ") ==
                "check, accept, cid, first, second, client closed, server closed" or
                table.concat(order, ", ") == "check, accept, cid, first, second, server closed, client closed",
                table.concat(order, ", "))
            assert(conn.cid == mine) -- a conn's numbers stay, whatever became of it
            local v, e = api.skcp_get_conn(client, mine)
            assert(v == nil and e == "closed")
            api.log("PASS")
        end)
    end
end
