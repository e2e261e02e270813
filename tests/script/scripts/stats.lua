-- SPDX-License-Identifier: MIT
-- What session_stats says of redundancy, on both ends; the entries have redundancy = { data = 2, parity = 1 }.
local api, conf, cb = skt.api, skt.conf, skt.cb

local server, client, server_cid, client_cid
local WANTED, got = 20, 0

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket) == "ok")
end

function cb.on_skcp_accept(skcp, cid)
    server_cid = cid
end

function cb.on_skcp_recv_cid(skcp, cid)
    client_cid = cid
    for i = 1, WANTED do
        assert(api.skcp_send(client, cid, ("x"):rep(1000)) == 1000)
    end
end

local function check()
    local near, far = api.session_stats(client, client_cid), api.session_stats(server, server_cid)
    for _, stats in ipairs({ near, far }) do
        for _, name in ipairs({ "retransmitted", "duplicated", "fec_sent", "fec_recovered" }) do
            assert(math.type(stats[name]) == "integer" and stats[name] >= 0, name)
        end
    end
    -- One packet of parity for two of data; the server has sent no data. Nothing of loopback's is lost.
    assert(near.fec_sent >= WANTED // 2 - 1 and near.fec_sent <= WANTED, "fec_sent " .. near.fec_sent)
    assert(far.fec_sent == 0 and far.fec_recovered == 0 and near.fec_recovered == 0)
    assert(near.duplicated == 0) -- a fixed proportion has parity only
    api.log("PASS")
end

function cb.on_skcp_recv_data(skcp, cid, data)
    assert(skcp == server and #data == 1000)
    got = got + 1
    if got == WANTED then
        api.timer_start(0.2, check)
    end
end
