-- SPDX-License-Identifier: MIT
-- Random calls of every function, with arguments good and bad, from everywhere. SKT_LUA_FUZZ: seconds;
-- SKT_LUA_SEED: another run.
local api, conf, cb = skt.api, skt.conf, skt.cb
local seconds = tonumber(os.getenv("SKT_LUA_FUZZ") or "1.5")
math.randomseed(tonumber(os.getenv("SKT_LUA_SEED") or "1"), 0)
local random = math.random

-- Not called: what ends the process, blocks or fills the log.
local left_out = { fail = true, lookup_dns = true, log = true }
local names = {}
for name in pairs(api) do
    if not left_out[name] then names[#names + 1] = name end
end
table.sort(names)

-- What arguments are drawn from: recent results, among them stale handles, and things that never fit.
local pool, POOL = {}, 200
local function keep(value)
    if value ~= nil then pool[#pool < POOL and #pool + 1 or random(POOL)] = value end
end

local fixed = {
    0, 1, 2, -1, 1.5, 2 ^ 53, 0 / 0, math.mininteger, math.maxinteger, "", "x", ("z"):rep(70000), ("t"):rep(32),
    true, false, {}, print, "fd", "abort", "refused", "127.0.0.1", "localhost", "::1", 0.001, 80, 65536,
}
local useful = {}
local function value()
    local n = random(10)
    if n <= 4 and #pool > 0 then return pool[random(#pool)] end
    if n <= 7 then return useful[random(#useful)] end
    if n == 8 then return nil end
    return fixed[random(#fixed)]
end

local calls = 0
local fuzz
local typical = {
    skcp_init = function() local i = random(3); return conf.skcp_conf_list[i].raw, nil, i == 1 and 1 or 2 end,
    etcp_server_init = function() return conf.etcp_serv_conf.raw end,
    etcp_client_init = function() return conf.etcp_cli_conf.raw end,
    etcp_client_create_conn = function() return value(), "127.0.0.1", conf.etcp_serv_conf.serv_port end,
    skcp_req_cid = function() return value(), conf.skcp_conf_list[2].ticket end,
    timer_start = function() return random() / 50, function() fuzz(2) end end,
    lookup_async = function() return "127.0.0.1", function() fuzz(1) end end,
    relay_connect = function() return value(), "127.0.0.1", conf.etcp_serv_conf.serv_port end,
}

function fuzz(n)
    for _ = 1, random(0, n) do
        local name = names[random(#names)]
        -- Frees are rare, so that there is something to work with.
        if not (name:find("_free") or name:find("close")) or random(8) == 1 then
            calls = calls + 1
            local results
            if typical[name] and random(3) > 1 then
                results = table.pack(pcall(api[name], typical[name]()))
            elseif name ~= "etcp_client_create_conn" and name ~= "lookup_async" and name ~= "relay_connect" then
                results = table.pack(pcall(api[name], value(), value(), value(), value()))
            end
            if results and results[1] then keep(results[2]) end
        end
    end
end

function cb.on_init(loop)
    useful = { loop, conf.etcp_serv_conf.raw, conf.etcp_cli_conf.raw, conf.skcp_conf_list[1].raw, conf.skcp_conf_list[2].raw,
               conf.skcp_conf_list[2].ticket, "data", ("d"):rep(3000), 1, 2, function() fuzz(1) end }
    local depth = 0
    for _, name in ipairs({ "on_skcp_accept", "on_skcp_check_ticket", "on_skcp_recv_cid", "on_skcp_recv_data",
                            "on_skcp_close", "on_skcp_room", "on_tcp_accept", "on_tcp_recv", "on_tcp_close",
                            "on_tcp_room", "on_stream_open", "on_beat" }) do
        cb[name] = function(...)
            for i = 1, select("#", ...) do
                if type(select(i, ...)) ~= "string" then keep((select(i, ...))) end
            end
            depth = depth + 1
            if depth < 5 then fuzz(3) end
            depth = depth - 1
            if random(50) == 1 then error("on purpose") end
            return random(0, 4) == 0 and 1 or 0
        end
    end
    local ends = api.get_ms() + seconds * 1000
    local function turn()
        fuzz(40)
        if random(20) == 1 then collectgarbage() end
        if api.get_ms() < ends then
            api.timer_start(0.001, turn)
        else
            assert(calls > 100)
            api.log("PASS")
        end
    end
    turn()
end
