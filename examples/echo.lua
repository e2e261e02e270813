-- SPDX-License-Identifier: MIT
-- An echo service: every message of every client goes back to it.
--
--     config = { mode = "echo", script_file = "echo.lua", echo = {
--         greeting = "hello",
--         skcp_servers = { { address = "0.0.0.0", port = 4000, password = "change me" } } } }

local conf, api, cb = skt.conf, skt.api, skt.cb

function cb.on_init(loop)
    for _, server in ipairs(conf.skcp_conf_list) do
        local skcp, err = api.skcp_init(server.raw, loop, 1)
        if not skcp then
            return api.fail(err)
        end
    end
end

-- A field of the mode's table that skcptun does not know is ours: skt.conf.user.
function cb.on_skcp_accept(skcp, cid)
    api.skcp_send(skcp, cid, conf.user.greeting or "hello")
end

-- No flow control: while the client does not read, its next message is not delivered.
function cb.on_skcp_recv_data(skcp, cid, buf)
    api.skcp_send(skcp, cid, buf)
end
