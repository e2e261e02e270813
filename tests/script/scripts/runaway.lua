-- SPDX-License-Identifier: MIT
local api = skt.api

api.timer_start(0, function()
    while true do
        pcall(function()
            while true do
            end
        end)
    end
end)
api.timer_start(0.01, function()
    api.log("PASS")
end)

function skt.cb.on_init() end
