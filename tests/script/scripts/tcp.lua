-- SPDX-License-Identifier: MIT
-- TCP that the script carries: a listener and a connector of the same process talk to each other.
local api, conf, cb = skt.api, skt.conf, skt.cb

local SIZE = 3000000
local server, connector, port
local numbers, accepted, closes = {}, {}, {}
local sent, got, refused, silent_fd, overrun, room = nil, {}, nil, nil, nil, 0

local function connect()
    local fd = assert(api.etcp_client_create_conn(connector, "127.0.0.1", port))
    assert(not numbers[fd], "a number was used twice")
    numbers[fd] = true
    return fd
end

function cb.on_init(loop)
    server = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    port = conf.etcp_serv_conf.serv_port
    local words = {}
    for i = 1, SIZE // 10 do
        words[i] = ("%09d\n"):format(i)
    end
    sent = table.concat(words)
    local fd = connect()
    -- Before the connect is through: it waits.
    assert(api.etcp_client_send(connector, fd, sent) == SIZE)
    assert(api.etcp_client_get_conn(connector, fd).fd == fd)
    overrun = connect()
    local n, err = assert(api.etcp_client_send(connector, overrun, "SINK"))
    while n do
        n, err = api.etcp_client_send(connector, overrun, ("x"):rep(1000000))
    end
    assert(err == "would block")
    refused = assert(api.etcp_client_create_conn(connector, "127.0.0.1", 1))
    silent_fd = connect()
    api.etcp_client_close_conn(connector, silent_fd, 1)
    local value, err = api.etcp_client_send(connector, silent_fd, "x")
    assert(value == nil and err == "closed")
end

function cb.on_tcp_accept(fd, etcp)
    assert(not numbers[fd] and etcp == server)
    numbers[fd] = true
    accepted[fd] = true
    assert(api.etcp_server_get_conn(server, fd) == api.etcp_server_get_conn(server, fd))
    local value, err = api.etcp_client_send(connector, fd, "x") -- another one's
    assert(value == nil and err == "closed")
end

function cb.on_tcp_recv(fd, buf)
    assert(#buf >= 1 and #buf <= 1000) -- tcp_read_buf_size
    if accepted[fd] == true and buf:sub(1, 4) == "SINK" then
        accepted[fd] = "sink"
    end
    if accepted[fd] == "sink" then
        return
    elseif accepted[fd] then
        assert(api.etcp_server_send(server, fd, buf) == #buf) -- an echo
        return
    end
    got[#got + 1] = buf
    got.len = (got.len or 0) + #buf
    if got.len == SIZE then
        assert(table.concat(got) == sent)
        got.fd = fd
        api.etcp_client_close_conn(connector, fd) -- not silent
        local function finish()
            assert(closes[fd] == 1 and closes[refused] == 1 and closes[silent_fd] == nil)
            for server_fd in pairs(accepted) do
                assert(closes[server_fd] == 1)
            end
            api.etcp_server_free(server)
            local value, err = api.etcp_server_send(server, fd, "x")
            assert(value == nil and err == "closed")
            api.log("PASS")
        end
        local function wait()
            if room == 0 then
                return api.timer_start(0.05, wait)
            end
            assert(room == 1)
            api.etcp_client_close_conn(connector, overrun)
            local function closed()
                for server_fd in pairs(accepted) do
                    if not closes[server_fd] then
                        return api.timer_start(0.05, closed)
                    end
                end
                api.timer_start(0.05, finish) -- no second call follows
            end
            closed()
        end
        wait()
    end
end

function cb.on_tcp_room(fd)
    assert(fd == overrun)
    room = room + 1
end

function cb.on_tcp_close(fd)
    closes[fd] = (closes[fd] or 0) + 1
    if accepted[fd] then
        assert(api.etcp_server_get_conn(server, fd)) -- still there
        assert(api.etcp_server_send(server, fd, "bye") == 3)
        api.etcp_server_close_conn(server, fd) -- once more: no second call
    end
end
