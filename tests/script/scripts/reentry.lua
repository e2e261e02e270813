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
    function() -- nobody listens any more, in the middle of it
        for name in pairs(x.saved) do cb[name] = nil end
        collectgarbage()
    end,
    -- Whom the event is about ends itself, by each means there is, and once more.
    function(a, b)
        for _ = 1, 2 do
            if type(a) == "userdata" then
                if math.type(b) then -- on_skcp_check_ticket has no cid yet
                    api.session_stats(a, b)
                    api.skcp_close_conn(a, b)
                end
                api.skcp_free(a)
            elseif a then
                api.etcp_server_close_conn(x.listener, a)
                api.etcp_client_close_conn(x.connector, a)
                api.tcp_reset(a)
            end
        end
    end,
    -- Opens more of everything, and uses it.
    function()
        local more = api.etcp_client_init(conf.etcp_cli_conf.raw, loop_)
        local fd = api.etcp_client_create_conn(more, "127.0.0.1", conf.etcp_serv_conf.serv_port)
        api.etcp_client_send(more, fd, "more")
        local other = api.skcp_init(conf.skcp_conf_list[2].raw, loop_, 2)
        api.skcp_req_cid(other, conf.skcp_conf_list[2].ticket)
        api.skcp_req_cid(x.client, conf.skcp_conf_list[2].ticket)
        assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop_) == nil) -- its port is taken
        api.timer_start(step / 2, function()
            api.etcp_client_free(more)
            api.skcp_free(other)
        end)
    end,
    -- Stops timers: that which is running, one that is due, one that it starts itself; a look-up that is under way.
    function()
        if x.name == "timer" then
            local value, err = api.timer_stop(x.timer) -- it is running
            assert(value == nil and err == "closed")
        end
        if x.due then api.timer_stop(x.due) end
        assert(api.timer_stop(api.timer_start(0, error)))
        local life = x
        life.due = api.timer_start(0, function() life.due = api.timer_start(0, function() end) end)
        api.lookup_async("127.0.0.1", function() api.timer_stop(life.due) end)
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
    on_skcp_room = function() end,
    on_tcp_room = function() end,
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
for _, name in ipairs({ "timer", "lookup", "on_beat" }) do names[#names + 1] = name end
local reached = {}

local function act(name, ...)
    if x.name == name and x.times < 3 then
        x.times = x.times + 1
        reached[name] = true
        actions[x.action](...)
    end
end

-- More than there is room for, so that room is told of.
local function flood()
    local buf = ("f"):rep(1000000)
    while x.name == "on_skcp_room" and api.skcp_send(x.client, x.cid, buf:sub(1, 200000)) do end
    while x.name == "on_tcp_room" and api.etcp_client_send(x.connector, x.outs[1], buf) do end
end

local live, next_life
function next_life(n)
    local name, action = names[(n - 1) // #actions + 1], (n - 1) % #actions + 1
    if not name then
        for _, wanted in ipairs(names) do assert(reached[wanted], wanted) end
        return api.log("PASS")
    end
    local first = ({ on_beat = #actions - 3, on_tcp_room = 12 })[name] -- these take a second and half of one each
    if first and action < first then
        return next_life(n + 1)
    end
    x = { name = name, action = action, times = 0, ins = {}, outs = {}, saved = callbacks }
    for its, f in pairs(callbacks) do
        cb[its] = function(...)
            local result = f(...)
            act(its, ...)
            return result
        end
    end
    cb.on_beat = name == "on_beat" and function() act("on_beat") end or nil
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
        if waited == 1 then
            pcall(act, "timer")
            api.lookup_async("127.0.0.1", function() act("lookup") end)
        end
        local open = x.cid and #x.ins >= 2 and waited >= 3
        if open and not x.flooded then
            x.flooded = true
            flood()
        end
        local patience = x.name == "on_beat" and 1500 or (x.name == "lookup" or x.name:find("room")) and 300 or open and 0 or 80
        if x.times > 0 or waited >= patience then close() else x.timer = api.timer_start(step, wait) end
    end
    x.timer = api.timer_start(step, wait)
end

function cb.on_init(loop)
    loop_ = loop
    next_life(1)
end
