-- skcptun: a configuration with every field there is: type, unit, default.
--
--   skcptun check skcptun_config_sample.lua     looks whether it is right
--   skcptun skcptun_config_sample.lua           runs it
--
-- A configuration is a Lua file that sets the global table `config`. It may use string, table, math and os.getenv,
-- so a secret need not stand in it: password = os.getenv("SKCPTUN_PASSWORD"). Whoever can read the file can read
-- the secrets in it: chmod 600.
--
-- Only the table of the mode that is chosen is looked at. Fields that are commented out show their default, or an
-- example where there is none ("none").

config = {}

-- ---------------------------------------------------------------- the process

-- string: proxy_client, proxy_server, tun_client, tun_server, or a name of your own, with a table of that name and
-- a script_file. The table's own fields reach the script as skt.conf.user.
config.mode = "proxy_client"

-- config.script_file = "my_service.lua"      -- path, none: a script instead of the built-in one of the mode
-- config.log_level = "info"                  -- "error", "warn", "info", "debug"
-- config.log_file = "/var/log/skcptun.log"   -- path, none: the log goes to stderr. Links are not followed where others
                                              -- may write
-- config.trace_file = "/var/log/skcptun.sqlog" -- path, none: what happens in each session is written there (doc/trace.md);
                                              -- addresses and lengths, no key and no payload
-- config.trace_file_max = 64                 -- MiB: then the trace ends, and says so. SIGHUP begins it anew
-- config.status_socket = "/run/skcptun/NAME.sock" -- path, or "off"; NAME is this file's name without .lua
-- config.metrics_addr = ":9100"             -- ":PORT" (127.0.0.1), "ADDRESS:PORT", "[IPv6]:PORT", none: metrics for Prometheus
                                              -- and a status page, without a password (doc/metrics.md)
-- config.user = "nobody"                     -- string, none: the account to become once sockets are open
-- config.workers = 1                        -- event loops: this version has one
-- config.max_memory = "48M"                  -- bytes, or a string with K, M, G: all that peers' sessions can make it hold (up to
                                              -- half as much again waits beside them). Default: an eighth of the machine's
                                              -- memory, between 24M and 1G

-- ---------------------------------------------------------------- proxy_client

config.proxy_client = {
    -- Where local programs connect to.
    tcp_listen_addr = "127.0.0.1", -- IPv4 or IPv6 address, default "127.0.0.1"
    tcp_listen_port = 8080,        -- 1..65535

    -- More listeners; each may name one of the server's `targets` (none: the server's default target).
    -- listeners = { { tcp_listen_addr = "127.0.0.1", tcp_listen_port = 2222, target = "ssh" } },

    -- tcp_keepalive = 600,        -- seconds without a byte in either direction before a connection is closed,
    --                             -- default 0: never (TCP's own probes find dead peers)
    -- tcp_recv_timeout = 10,      -- seconds, 0.1..86400: limit of a connect
    -- tcp_read_buf_size = 16384,  -- bytes, 1..16777216: the most that one on_tcp_recv gets (scripts; the relay ignores it)
    -- tcp_send_timeout = 10,      -- seconds; accepted for the original's sake, without effect. none
    -- tcp_timeout_interval = 1,   -- seconds; accepted for the original's sake, without effect. none

    -- The servers. With several of them each new connection goes through the one that answers fastest.
    skcp_remote_servers = {
        {
            address = "server.example.org", -- IPv4, IPv6 or a name
            port = 4000,                    -- UDP port, or a range "4000-4010": one that goes dark is left

            -- Either a password or a key, the same as the server's; or the file whose first line is one.
            password = "change me", -- string
            -- password_file = "PATH", -- relative to the folder of this file; SIGHUP reads it again. none
            -- key_file = "PATH",      -- the same with a key. Readable for its owner alone (600). none
            -- key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", -- 32 bytes in base64, from `skcptun keygen`

            -- The server's public key from `skcptun keygen`: others who know the password can't pose as it. none
            -- server_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",

            ticket = "12345678901234567890123456789012", -- 32 bytes that the server knows you by

            -- skcp_speed_mode = 1,   -- 1 turbo, 0 normal
            -- skcp_keepalive = 60,   -- seconds without an authenticated packet before the session closes, 1..65535;
            --                        -- the smaller one of both ends holds

            -- The defaults of these are right for nearly everyone.
            -- mtu = 1472,            -- bytes of UDP payload, 1100..1472: the most that probing may find
            -- cipher = "auto",       -- "auto", "aes-256-gcm", "chacha20-poly1305"
            -- redundancy = "auto",   -- "auto": duplicates of thin traffic and parity for bursts, as the loss asks; "off";
            --                        -- { data = 10, parity = 3 }: so much parity for all data (1..32, 1..16), no duplicates
            -- max_rate_mbit = 100,   -- Mbit/s sent at most, 0.01..1000000; none
            -- overhead_cap = 0.3,    -- redundant bytes over first transmissions, 0..10, mean of 1 s (with "auto")
        },
    },
}

-- ---------------------------------------------------------------- proxy_server

config.proxy_server = {
    -- The default target: where connections go to that name none.
    tcp_target_addr = "127.0.0.1", -- IPv4, IPv6 or a name
    tcp_target_port = 80,          -- 1..65535

    -- Named targets. A client chooses a name, never an address.
    -- targets = { ssh = "127.0.0.1:22", web = "[::1]:8080" },

    -- Who gets in. Without this table any ticket does, of those who know the password.
    tickets = {
        ["12345678901234567890123456789012"] = {
            name = "alice", -- string, none: shown in the status
            -- targets = { "ssh" },               -- none: all; "" stands for the default target
            -- sessions_max = 1,                  -- 1..1000000, at the same time; one whose client has vanished counts until
                                                  -- skcp_keepalive ends it. none: as many as skcp_max_conn_cnt
            -- tun_ip = "192.168.2.2",            -- TUN: the client's address
            -- subnets = { "192.168.1.0/24" },    -- TUN: networks behind the client
        },
    },

    -- tickets_file = "PATH",  -- a file with `return { ["..."] = { ... }, }`: more tickets; relative to this file's folder,
                               -- read again at SIGHUP. none

    -- tcp_keepalive, tcp_recv_timeout, ...: as in proxy_client

    skcp_servers = {
        {
            address = "0.0.0.0", -- address to listen on; "*" or "::": IPv4 and IPv6
            port = 4000,         -- UDP port, or a range "4000-4010": all of them
            password = "change me",
            -- key = "...",          -- as in proxy_client; password_file, key_file, too
            -- keys = { "...", },    -- up to 8 that are good, too: to change the key client by client, without a restart. none
            -- private_key = "...",  -- 32 bytes in base64 from `skcptun keygen`; clients pin its public half
            -- skcp_max_conn_cnt = 1024, -- 1..1000000: sessions at most
            -- streams_max = 4096,       -- 1..1000000: connections at the same time in one session; more are reset. For
                                         -- 10,000 of them set it so, and allow twice as many open files (ulimit -Hn)
            -- skcp_speed_mode, skcp_keepalive, mtu, cipher, ...: as in proxy_client
        },
    },
}

-- ---------------------------------------------------------------- tun_client: needs root (see `user` above)

config.tun_client = {
    tun_ip = "192.168.2.2",     -- IPv4 address in the tunnel's subnet
    tun_mask = "255.255.255.0", -- the same on both sides
    -- tun_ip6 = "fd00::2/64",  -- none
    -- tun_name = "skcptun0",   -- default: the first free of skt0, skt1, ...
    -- tun_mtu = 1400,          -- bytes, 576..65535 (with tun_ip6 from 1280); default: what the path carries
    -- tun_offload = true,      -- packets of up to 64 KiB from and to the system, where both ends can
    -- routes = { "0.0.0.0/0" },-- networks that go through the tunnel, once the session is up. none
    -- dns = { "192.168.2.1" }, -- resolvers, from the first session until the end. none
    -- kill_switch = true,      -- Linux: what `routes` names never leaves in the clear, tunnel or not. default false
    -- relay_tcp = true,        -- Linux: TCP goes in streams as in TCP mode, where the server has relay_tcp. default false
    -- nat = false,             -- hide the networks behind this machine behind tun_ip
    -- up = "/etc/skcptun/up.sh", down = "/etc/skcptun/down.sh", -- programs to run. none
    skcp_remote_servers = {
        {
            address = "server.example.org",
            port = 4001,
            password = "change me",
            ticket = "12345678901234567890123456789012",
        },
    },
}

-- ---------------------------------------------------------------- tun_server: needs root

config.tun_server = {
    tun_ip = "192.168.2.1",
    tun_mask = "255.255.255.0",
    -- nat = true,              -- let clients out by this machine's other interfaces, under its address
    -- relay_tcp = true,        -- clients' relay_tcp: true (every host of the Internet), or rules like these; a ticket may have
                                -- its own, or false. default false: TCP goes in packets
    -- relay_tcp = { any = true, allow = { "192.168.7.0/24:80-443" }, deny = { "*:25" } },
    -- tun_ip6, tun_name, tun_mtu, tun_offload, routes, dns, up, down: as in tun_client; tickets: as in proxy_server
    skcp_servers = {
        { address = "0.0.0.0", port = 4001, password = "change me" },
    },
}
