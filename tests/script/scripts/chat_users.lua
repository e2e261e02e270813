-- SPDX-License-Identifier: MIT
-- Two terminals of examples/chat.lua, at user.ports; ann speaks once both are in the room, then bob.
local api, conf, cb = skt.api, skt.conf, skt.cb
local etcp
local ann, bob
local seen = { "", "" }

function cb.on_init(loop)
    etcp = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    ann = assert(api.etcp_client_create_conn(etcp, "127.0.0.1", conf.user.ports[1]))
    bob = assert(api.etcp_client_create_conn(etcp, "127.0.0.1", conf.user.ports[2]))
    api.timer_start(0.5, function()
        api.etcp_client_send(etcp, ann, "hello, ")
        api.etcp_client_send(etcp, ann, "room\nand more\n")
    end)
end

function cb.on_tcp_recv(fd, buf)
    local i = fd == ann and 1 or 2
    seen[i] = seen[i] .. buf
    if seen[2]:find("ann: hello, room\nann: and more\n") and not seen.answered then
        seen.answered = true
        api.etcp_client_send(etcp, bob, "hi\n")
    end
    if seen[1]:find("ann: and more\n") and seen[1]:find("bob: hi\n") and seen[2]:find("bob: hi\n") then
        cb.on_tcp_recv = function() end
        api.log("PASS")
    end
end
