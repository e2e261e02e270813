-- SPDX-License-Identifier: MIT
-- One end of lab/lua_bench: a sender that keeps the queue full, or a receiver; a Lua callback or call per message.
local api, conf, cb = skt.api, skt.conf, skt.cb
local entry, user = conf.skcp_conf_list[1], conf.user
local message = ("m"):rep(user.size)
local skcp, cid
local count, first_ms, first_cpu = 0, nil, nil

local function begin()
    count, first_ms, first_cpu = 0, api.get_ms(), os.clock()
end

local function report(role)
    local s, cpu = (api.get_ms() - first_ms) / 1000, os.clock() - first_cpu
    api.log(("RESULT %s %d messages %.3f s wall %.3f s cpu %.0f/s %.0f per cpu second"):format(
        role, count, s, cpu, count / s, count / cpu))
end

function cb.on_init(loop)
    skcp = assert(api.skcp_init(entry.raw, loop, entry.server and 1 or 2))
    if not entry.server then assert(api.skcp_req_cid(skcp, entry.ticket)) end
end

local function send()
    while api.skcp_send(skcp, cid, message) do
        count = count + 1
    end
end

function cb.on_skcp_recv_cid(_, its)
    cid = its
    begin()
    send()
    api.timer_start(user.seconds, function() report("sender") end)
end

cb.on_skcp_room = send

function cb.on_skcp_recv_data(_, _, buf)
    if not first_ms then
        begin()
        api.timer_start(user.seconds, function() report("receiver") end)
    end
    count = count + 1
    if #buf ~= user.size then error("a message of " .. #buf) end
end
