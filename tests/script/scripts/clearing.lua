-- SPDX-License-Identifier: MIT
-- A table that is keyed by fd stays as small as the connections that are open, however many there were: each way that a
-- connection can end is either one that the script has taken itself, or calls on_tcp_close.
-- SKT_LUA_CONNECTIONS: how many, in place of 1500.
local api, conf, cb = skt.api, skt.conf, skt.cb

local MANY = tonumber(os.getenv("SKT_LUA_CONNECTIONS") or "1500")
local server, client, cid, listener, connector
local open, count, told = {}, 0, 0 -- fd -> what it is; how many; how often on_tcp_close was called
local begun, ways = 0, {}

local function add(fd, what)
    assert(not open[fd])
    open[fd], count = what, count + 1
end

local function clear(fd)
    assert(open[fd])
    open[fd], count = nil, count - 1
end

local function connect(what, port)
    local fd = assert(api.etcp_client_create_conn(connector, "127.0.0.1", port))
    add(fd, what)
    return fd
end

-- What the accepted end does, each in its turn. Its other end hears of all but the last one by on_tcp_close.
local ends = {
    function(fd) -- closes it
        api.etcp_server_close_conn(listener, fd)
        assert(not open[fd])
    end,
    function(fd) -- closes it silently
        api.etcp_server_close_conn(listener, fd, 1)
        clear(fd)
    end,
    function(fd) -- resets it
        assert(api.tcp_reset(fd))
        clear(fd)
    end,
    function(fd) -- gives it to a relay; nobody takes the stream, so it is reset
        assert(api.relay_open(fd, client, cid))
        clear(fd)
    end,
    function(fd) -- the same without a session: it is reset at once
        assert(not api.relay_open(fd, client, 1))
        clear(fd)
    end,
    function(fd) -- has the other end close it, then reset it
        assert(api.etcp_server_send(listener, fd, "close") == 5)
    end,
    function(fd)
        assert(api.etcp_server_send(listener, fd, "reset") == 5)
    end,
}

local memory
local function go_on()
    if begun < MANY then
        begun = begun + 1
        if begun % 10 == 0 then connect("refused", 1) end -- nobody listens there
        if begun == MANY // 5 or begun == MANY then
            collectgarbage()
            collectgarbage()
            local now = collectgarbage("count")
            memory = memory or now
            api.log(("connections: %d, KiB of Lua: %.1f, first %.1f"):format(begun, now, memory))
            assert(now < memory + 10, now)
        end
        return connect("out", conf.etcp_serv_conf.serv_port)
    end
    local function wait()
        if count > 0 then return api.timer_start(0.02, wait) end
        for way in ipairs(ends) do assert(ways[way] > 10) end
        assert(told > MANY)
        -- The script frees both: that tells of no connection, as it is for the script to know.
        local one = connect("out", conf.etcp_serv_conf.serv_port)
        api.etcp_client_free(connector)
        assert(api.tcp_reset(one) == nil)
        api.log("PASS")
    end
    wait()
end

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
end

function cb.on_skcp_recv_cid(_, its)
    cid = its
    for _ = 1, 20 do go_on() end
end

function cb.on_tcp_accept(fd)
    add(fd, "in")
    local way = fd % #ends + 1
    ways[way] = (ways[way] or 0) + 1
    ends[way](fd)
end

function cb.on_tcp_recv(fd, buf)
    if buf == "close" then
        api.etcp_client_close_conn(connector, fd)
    else
        assert(buf == "reset" and api.tcp_reset(fd))
        clear(fd)
        go_on()
    end
end

function cb.on_tcp_close(fd)
    local what = open[fd]
    told = told + 1
    clear(fd) -- raises where it was called before
    if what == "out" then go_on() end
end
