-- SPDX-License-Identifier: MIT
-- Every callback does everything that might pull the ground from under it, each in a life of its own: two endpoints
-- with a session, a listener and a connector with two connections, one of them given to a stream.
local api, conf, cb = skt.api, skt.conf, skt.cb

local x -- the life: server, client, listener, connector, cid, ins, outs
local loop_, step = nil, 0.004

local function make()
    x.server = api.skcp_init(conf.skcp_conf_list[1].raw, loop_, 1)
    x.client = api.skcp_init(conf.skcp_conf_list[2].raw, loop_, 2)
    x.listener = api.etcp_server_init(conf.etcp_serv_conf.raw, loop_)
    x.connector = api.etcp_client_init(conf.etcp_cli_conf.raw, loop_)
    api.skcp_req_cid(x.client, conf.skcp_conf_list[2].ticket)
    for i = 1, 2 do
        x.outs[i] = api.etcp_client_create_conn(x.connector, "127.0.0.1", conf.etcp_serv_conf.serv_port)
        api.etcp_client_send(x.connector, x.outs[i], "hello")
    end
end

local function free_all()
    api.skcp_free(x.client)
    api.skcp_free(x.server)
    api.etcp_server_free(x.listener)
    api.etcp_client_free(x.connector)
end

local actions = {
    function() api.skcp_free(x.client) end,
    function() api.skcp_free(x.server) end,
    function() api.etcp_server_free(x.listener) end,
    function() api.etcp_client_free(x.connector) end,
    free_all,
    function()
        free_all()
        make()
    end,
    function() api.skcp_close_conn(x.client, x.cid or 0) end,
    function() api.skcp_close_conn(x.server, x.cid or 0) end,
    function()
        for _, fd in ipairs(x.ins) do api.etcp_server_close_conn(x.listener, fd) end
    end,
    function()
        for _, fd in ipairs(x.outs) do api.etcp_client_close_conn(x.connector, fd, 1) end
    end,
    function()
        for _, fd in ipairs(x.ins) do api.tcp_reset(fd) end
        for _, fd in ipairs(x.outs) do api.tcp_reset(fd) end
    end,
    function()
        for _, buf in ipairs({ "x", ("y"):rep(100000) }) do
            api.skcp_send(x.client, x.cid or 0, buf)
            api.skcp_send(x.server, x.cid or 0, buf)
            for _, fd in ipairs(x.ins) do api.etcp_server_send(x.listener, fd, buf) end
            for _, fd in ipairs(x.outs) do api.etcp_client_send(x.connector, fd, buf) end
        end
        api.skcp_close_conn(x.client, x.cid or 0) -- with all that under way
    end,
    function()
        for _, fd in ipairs(x.ins) do api.relay_open(fd, x.client, x.cid or 0) end
        for _, fd in ipairs(x.outs) do api.relay_open(fd, x.client, x.cid or 0) end
    end,
    function()
        api.skcp_req_cid(x.client, conf.skcp_conf_list[2].ticket)
        api.stream_reset(x.stream or x.late_stream)
    end,
    function()
        for name in pairs(x.saved) do cb[name] = nil end
        collectgarbage()
    end,
    function() error("on purpose") end,
}

local callbacks = {
    on_skcp_check_ticket = function() return 0 end,
    on_skcp_accept = function() end,
    on_skcp_recv_cid = function(_, cid)
        x.cid = cid
        api.skcp_send(x.client, cid, "up")
        if x.ins[2] then api.relay_open(x.ins[2], x.client, cid) end
    end,
    on_skcp_recv_data = function(skcp, cid, buf)
        if skcp == x.server then api.skcp_send(skcp, cid, buf) end
    end,
    on_skcp_close = function() end,
    on_tcp_accept = function(fd)
        x.ins[#x.ins + 1] = fd
        if x.cid and x.ins[2] then api.relay_open(x.ins[2], x.client, x.cid) end
    end,
    on_tcp_recv = function(fd, buf)
        api.etcp_server_send(x.listener, fd, buf)
    end,
    on_tcp_close = function() end,
    on_stream_open = function(_, _, stream)
        x.stream = stream
        if x.action % 2 == 0 then
            api.relay_connect(stream, "127.0.0.1", conf.etcp_serv_conf.serv_port)
        end
    end,
}

local names = {}
for name in pairs(callbacks) do names[#names + 1] = name end
table.sort(names)
names[#names + 1] = "timer"
local reached = {}

local function act(name)
    if x.name == name and x.times < 3 then
        x.times = x.times + 1
        reached[name] = true
        actions[x.action]()
    end
end

local live
local function next_life(n)
    local name, action = names[(n - 1) // #actions + 1], (n - 1) % #actions + 1
    if not name then
        for _, wanted in ipairs(names) do assert(reached[wanted], wanted) end
        return api.log("PASS")
    end
    x = { name = name, action = action, times = 0, ins = {}, outs = {}, saved = callbacks }
    for its, f in pairs(callbacks) do
        cb[its] = function(...)
            local result = f(...)
            act(its)
            return result
        end
    end
    live(n)
end

-- The close comes once the callback was called, or could have been.
function live(n)
    make()
    local function close()
        if x.outs[1] then api.etcp_client_close_conn(x.connector, x.outs[1]) end
        api.skcp_close_conn(x.client, x.cid or 0)
        api.timer_start(step, function()
            local free = { api.skcp_free, api.skcp_free, api.etcp_server_free, api.etcp_client_free }
            for i, what in ipairs({ "client", "server", "listener", "connector" }) do
                if x[what] then free[i](x[what]) end
            end
            next_life(n + 1)
        end)
    end
    local waited = 0
    local function wait()
        waited = waited + 1
        if waited == 1 then pcall(act, "timer") end
        local open = x.cid and #x.ins >= 2 and waited >= 3
        if x.times > 0 or open or waited >= 80 then close() else api.timer_start(step, wait) end
    end
    api.timer_start(step, wait)
end

function cb.on_init(loop)
    loop_ = loop
    next_life(1)
end
