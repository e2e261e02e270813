-- SPDX-License-Identifier: MIT
-- A proxy server that writes the numbers of its sessions to the log, one line each, every so many seconds:
--
--     metrics cid=7 name=ann peer=192.0.2.7:40000 rtt_ms=31.0 tx_kB_s=12.5 rx_kB_s=0.8 retransmitted=3 streams=2
--
--     config = { mode = "proxy_server", script_file = "metrics.lua", proxy_server = { ... as ever ... } }

local api, cb = skt.api, skt.cb
local EVERY_S = 10

require "skt.proxy_server"

local sessions = {} -- cid -> { skcp =, tx =, rx = } of the last line
local beats = 0

function cb.on_skcp_accept(skcp, cid)
    sessions[cid] = { skcp = skcp, tx = 0, rx = 0 }
end

local function write(cid, last)
    local now = api.session_stats(last.skcp, cid)
    if not now then
        return
    end
    api.log(("metrics cid=%d name=%s peer=%s rtt_ms=%.1f tx_kB_s=%.1f rx_kB_s=%.1f retransmitted=%d streams=%d"):format(
        cid, now.name or "-", now.peer, now.rtt_ms, (now.payload_tx - last.tx) / 1000 / EVERY_S,
        (now.payload_rx - last.rx) / 1000 / EVERY_S, now.retransmitted, now.streams))
    last.tx, last.rx = now.payload_tx, now.payload_rx
end

function cb.on_skcp_close(skcp, cid)
    if sessions[cid] then
        write(cid, sessions[cid]) -- a session can still be asked about while it closes
        sessions[cid] = nil
    end
end

function cb.on_beat()
    beats = beats + 1
    if beats % EVERY_S == 0 then
        for cid, last in pairs(sessions) do
            write(cid, last)
        end
    end
end
