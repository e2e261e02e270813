-- SPDX-License-Identifier: MIT
-- Nothing is refused to a script that sends from on_skcp_recv_data or on_tcp_recv, whatever it sends to: a client's
-- messages come back from an echo and go through two TCP connections, whose reader begins late.
local api, conf, cb = skt.api, skt.conf, skt.cb

local SIZE, COUNT = 30000, 1600
local server, client, cid, listener, connector, loop_
local fds = {} -- accepted: in, out
local sent, echoed, read, blocked, early = 0, 0, 0, false, nil

function cb.on_init(loop)
    server = assert(api.skcp_init(conf.skcp_conf_list[1].raw, loop, 1))
    client = assert(api.skcp_init(conf.skcp_conf_list[2].raw, loop, 2))
    listener = assert(api.etcp_server_init(conf.etcp_serv_conf.raw, loop))
    connector = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    for i = 1, 2 do
        fds[i] = assert(api.etcp_client_create_conn(connector, "127.0.0.1", conf.etcp_serv_conf.serv_port))
    end
end

local accepted = {}
function cb.on_tcp_accept(fd)
    accepted[#accepted + 1] = fd
    if #accepted == 2 then
        assert(api.skcp_req_cid(client, conf.skcp_conf_list[2].ticket))
    end
end

local function send()
    while sent < COUNT do
        local n, err = api.skcp_send(client, cid, string.pack("<I4", sent) .. ("c"):rep(SIZE - 4))
        if not n then
            assert(err == "would block")
            blocked = true
            return
        end
        sent = sent + 1
    end
end

function cb.on_skcp_recv_cid(_, its)
    cid = its
    send()
    local function watch()
        local before = echoed
        api.timer_start(0.3, function()
            if echoed ~= before then
                return watch()
            end
            -- Everything stands still, the sender too.
            assert(blocked and sent < COUNT, sent)
            early = sent
            function cb.on_tcp_recv(fd, buf)
                if fd == accepted[1] then -- from one connection to the other
                    assert(api.etcp_server_send(listener, accepted[2], buf) == #buf)
                elseif fd == fds[2] then
                    read = read + #buf
                    if read == COUNT * SIZE then
                        assert(echoed == COUNT and sent == COUNT)
                        api.log("PASS")
                    end
                end
            end
        end)
    end
    watch()
end

cb.on_skcp_room = send

function cb.on_skcp_recv_data(skcp, its, buf)
    if skcp == server then
        assert(api.skcp_send(server, its, buf) == #buf) -- an echo
    else
        assert(string.unpack("<I4", buf) == echoed)
        echoed = echoed + 1
        assert(api.etcp_client_send(connector, fds[1], buf) == #buf)
    end
end
