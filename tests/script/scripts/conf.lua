-- SPDX-License-Identifier: MIT
local conf = skt.conf

assert(conf.mode == "test")
assert(conf.skcp_conf_list_cnt == 3 and #conf.skcp_conf_list == 3)
local server, remote = conf.skcp_conf_list[1], conf.skcp_conf_list[2]
assert(server.addr == "127.0.0.1" and math.type(server.port) == "integer" and server.max_conn_cnt == 1024)
assert(server.ticket == nil and #remote.ticket == 32)
assert(type(server.raw) == "userdata" and server.server and not remote.server)
-- The key is a fingerprint: equal for equal passwords, and not the password.
assert(#server.key == 16 and server.key:find("^%x+$") and server.key == remote.key)
assert(conf.etcp_serv_conf.serv_addr == "127.0.0.1" and math.type(conf.etcp_serv_conf.serv_port) == "integer")
assert(type(conf.etcp_serv_conf.raw) == "userdata" and type(conf.etcp_cli_conf.raw) == "userdata")
assert(#conf.listeners == 1 and conf.listeners[1].raw == conf.etcp_serv_conf.raw)
assert(conf.tun_ip == nil and conf.tcp_target_port == nil)
-- A custom mode's own fields, and only these: no secret.
assert(conf.user.colour == "red" and conf.user.list[2][1] == 2.5 and conf.user.list[2][2] == true)
assert(conf.user.skcp_servers == nil and conf.user.tickets == nil)
-- Scripts have all of Lua.
assert(io and os.execute and debug and coroutine)
skt.api.log("PASS")

function skt.cb.on_init() end
