/* SPDX-License-Identifier: MIT */
#include "config/tables.h"

#include "config/lists.h"
#include "config/numbers.h"
#include "config/ports.h"
#include "config/read_relay.h"
#include "config/tickets_file.h"
#include "config/types.h"

#include <stddef.h>

/* Offset and size of a field. */
#define PLACE(object, field) offsetof(object, field), sizeof(((object *)0)->field)

/* --- entries --- */

#define ENTRY(field) PLACE(struct skt_config_entry, field)

const struct config_field skt_config_entry_fields[] = {
    {"address", skt_config_read_string, ENTRY(address), IN_ENTRIES, REQUIRED, 1, 0, 0},
    {"port", skt_config_read_port_range, ENTRY(port), IN_ENTRIES, REQUIRED, 0, 0, 0},
    {"password", skt_config_read_string, ENTRY(password), IN_ENTRIES, SECRET | LIVE, 1, 0, 0},
    {"password_file", skt_config_read_string, ENTRY(password_file), IN_ENTRIES, LIVE, 1, 0, 0},
    {"key_file", skt_config_read_string, ENTRY(key_file), IN_ENTRIES, LIVE, 1, 0, 0},
    {"key", skt_config_read_key, ENTRY(key), IN_ENTRIES, SECRET | LIVE, 0, 0, 0},
    {"keys", skt_config_read_keys, ENTRY(keys), IN_SERVER_ENTRY, SECRET | LIVE, 0, 0, 0},
    {"server_key", skt_config_read_key, ENTRY(server_key), IN_REMOTE_ENTRY, SECRET, 0, 0, 0},
    {"private_key", skt_config_read_key, ENTRY(private_key), IN_SERVER_ENTRY, SECRET, 0, 0, 0},
    {"ticket", skt_config_read_ticket, ENTRY(ticket), IN_REMOTE_ENTRY, SECRET | REQUIRED, 0, 0, 0},
    {"skcp_speed_mode", skt_config_read_speed_mode, ENTRY(tuning.speed), IN_ENTRIES, 0, 0, 0,
     SKT_SPEED_TURBO},
    {"skcp_keepalive", skt_config_read_integer, ENTRY(tuning.keepalive_s), IN_ENTRIES, ZERO_DEFAULT, 1, 65535,
     60},
    {"skcp_max_conn_cnt", skt_config_read_integer, ENTRY(tuning.sessions_max), IN_SERVER_ENTRY, ZERO_DEFAULT,
     1, 1000000, 1024},
    {"streams_max", skt_config_read_integer, ENTRY(tuning.streams_max), IN_SERVER_ENTRY, 0, 1, 1000000,
     0}, /* 0: the session's own default, which a client has in any case */
    {"mtu", skt_config_read_integer, ENTRY(tuning.mtu_max), IN_ENTRIES, 0, SKT_MTU_MIN, SKT_MTU_MAX,
     SKT_MTU_MAX},
    {"cipher", skt_config_read_cipher, ENTRY(tuning.ciphers), IN_ENTRIES, 0, 0, 0, 0},
    {"redundancy", skt_config_read_redundancy, ENTRY(tuning.redundancy), IN_ENTRIES, 0, 0, 0, 0},
    {"max_rate_mbit", skt_config_read_rate, ENTRY(tuning.max_rate), IN_ENTRIES, 0, 0.01, 1e6, 0},
    {"overhead_cap", skt_config_read_permille, ENTRY(tuning.overhead_cap_permille), IN_ENTRIES, 0, 0, 10,
     0.3},
    {0},
};

/* --- tickets and listeners --- */

#define TICKET(field) PLACE(struct skt_config_ticket, field)

const struct config_field skt_config_ticket_fields[] = {
    {"name", skt_config_read_string, TICKET(name), 0, 0, 0, 0, 0},
    {"tun_ip", skt_config_read_string, TICKET(tun_ip), 0, 0, 1, 0, 0},
    {"subnets", skt_config_read_strings, TICKET(subnets), 0, 0, 0, 0, 0},
    {"targets", skt_config_read_ticket_targets, TICKET(targets), 0, 0, 0, 0, 0},
    {"sessions_max", skt_config_read_integer, TICKET(sessions_max), 0, 0, 1, 1000000, 0},
    {"relay_tcp", skt_config_read_relay, TICKET(relay), IN_TUN_SERVER, 0, 0, 0, 0},
    {0},
};

#define LISTENER(field) PLACE(struct skt_config_listener, field)

const struct config_field skt_config_listener_fields[] = {
    {"tcp_listen_addr", skt_config_read_string, LISTENER(addr), 0, 0, 1, 0, 0},
    {"tcp_listen_port", skt_config_read_integer, LISTENER(port), 0, REQUIRED, 1, 65535, 0},
    {"target", skt_config_read_string, LISTENER(target), 0, 0, 0, 0, 0},
    {0},
};

/* --- a mode's table --- */

#define MODE(field) PLACE(struct skt_config_mode_table, field)

const struct config_field skt_config_mode_fields[] = {
    {"tcp_listen_addr", skt_config_read_string, MODE(tcp_listen_addr), IN_ALL & ~IN_PROXY_SERVER, 0, 1, 0, 0},
    {"tcp_listen_port", skt_config_read_integer, MODE(tcp_listen_port), IN_ALL & ~IN_PROXY_SERVER, 0, 1,
     65535, 0},
    {"tcp_target_addr", skt_config_read_string, MODE(tcp_target_addr), IN_ALL & ~IN_PROXY_CLIENT,
     LIVE_BUILT_IN, 1, 0, 0},
    {"tcp_target_port", skt_config_read_integer, MODE(tcp_target_port), IN_ALL & ~IN_PROXY_CLIENT,
     LIVE_BUILT_IN, 1, 65535, 0},
    {"tcp_read_buf_size", skt_config_read_integer, MODE(tcp_read_buf_size), IN_ALL, ZERO_DEFAULT | LIVE, 1,
     16777216, 16384},
    {"tcp_keepalive", skt_config_read_number, MODE(tcp_keepalive), IN_ALL, LIVE, 0, 1e9, 0},
    {"tcp_recv_timeout", skt_config_read_number, MODE(tcp_recv_timeout), IN_ALL, ZERO_DEFAULT | LIVE, 0.1,
     86400, 10},
    {"tcp_send_timeout", skt_config_read_number, MODE(tcp_send_timeout), IN_ALL, LIVE, 0, 1e9, 0},
    {"tcp_timeout_interval", skt_config_read_number, MODE(tcp_timeout_interval), IN_ALL, LIVE, 0, 1e9, 0},
    {"skcp_servers", skt_config_read_servers, 0, 0, IN_SERVERS, 0, 0, 0, 0},
    {"skcp_servers", skt_config_read_remotes, 0, 0, IN_TUN_CLIENT, 0, 0, 0, 0},
    {"skcp_remote_servers", skt_config_read_remotes, 0, 0, IN_CLIENTS, 0, 0, 0, 0},
    {"tickets", skt_config_read_tickets, 0, 0, IN_SERVERS, SECRET | LIVE, 0, 0, 0},
    {"tickets_file", skt_config_read_tickets_file, MODE(tickets_file), IN_SERVERS, LIVE, 1, 0, 0},
    {"listeners", skt_config_read_listeners, 0, 0, IN_PROXY_CLIENT | IN_CUSTOM, 0, 0, 0, 0},
    {"targets", skt_config_read_targets, 0, 0, IN_PROXY_SERVER | IN_CUSTOM, LIVE, 0, 0, 0},
    {"tun_ip", skt_config_read_string, MODE(tun_ip), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_mask", skt_config_read_string, MODE(tun_mask), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_ip6", skt_config_read_string, MODE(tun_ip6), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_name", skt_config_read_string, MODE(tun_name), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"tun_mtu", skt_config_read_integer, MODE(tun_mtu), IN_TUN | IN_CUSTOM, 0, 576, 65535, 0},
    {"routes", skt_config_read_strings, MODE(routes), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"dns", skt_config_read_strings, MODE(dns), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"tun_offload", skt_config_read_tun_offload, MODE(tun_plain), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"nat", skt_config_read_bool, MODE(nat), IN_TUN | IN_CUSTOM, 0, 0, 0, 0},
    {"kill_switch", skt_config_read_bool, MODE(kill_switch), IN_TUN_CLIENT, 0, 0, 0, 0},
    {"relay_tcp", skt_config_read_bool, MODE(relay_tcp), IN_TUN_CLIENT, 0, 0, 0, 0},
    {"relay_tcp", skt_config_read_relay, MODE(relay), IN_TUN_SERVER, LIVE, 0, 0, 0},
    {"up", skt_config_read_string, MODE(up), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {"down", skt_config_read_string, MODE(down), IN_TUN | IN_CUSTOM, 0, 1, 0, 0},
    {0},
};

/* --- the top --- */

#define TOP(field) PLACE(struct skt_config, field)

const struct config_field skt_config_top_fields[] = {
    {"mode", skt_config_read_string, TOP(mode_name), 0, REQUIRED, 1, 0, 0},
    {"script_file", skt_config_read_string, TOP(script_file), 0, 0, 1, 0, 0},
    {"proxy_client", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"proxy_server", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"tun_client", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"tun_server", skt_config_read_skip, 0, 0, 0, 0, 0, 0, 0},
    {"log_level", skt_config_read_log_level, TOP(log_level), 0, LIVE, 0, 0, 0},
    {"log_file", skt_config_read_string, TOP(log_file), 0, LIVE, 1, 0, 0},
    {"trace_file", skt_config_read_string, TOP(trace_file), 0, LIVE, 1, 0, 0},
    {"trace_file_max", skt_config_read_integer, TOP(trace_file_max), 0, LIVE, 1, 1000000, 64},
    {"status_socket", skt_config_read_string, TOP(status_socket), 0, 0, 1, 0, 0},
    {"metrics_addr", skt_config_read_string, TOP(metrics_addr), 0, LIVE, 1, 0, 0},
    {"user", skt_config_read_string, TOP(run_as), 0, 0, 1, 0, 0},
    {"max_memory", skt_config_read_size, TOP(max_memory), 0, 0, 0, 0, 0},
    {"workers", skt_config_read_integer, TOP(workers), 0, 0, 1, 1, 1},
    {0},
};
