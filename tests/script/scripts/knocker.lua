-- SPDX-License-Identifier: MIT
-- One TCP connection to user.port after user.delay_s.
local api, conf, cb = skt.api, skt.conf, skt.cb

function cb.on_init(loop)
    local etcp = assert(api.etcp_client_init(conf.etcp_cli_conf.raw, loop))
    api.timer_start(conf.user.delay_s, function()
        assert(api.etcp_client_create_conn(etcp, "127.0.0.1", conf.user.port))
        api.log("knocked")
    end)
end
