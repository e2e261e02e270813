-- SPDX-License-Identifier: MIT
local api, cb = skt.api, skt.cb

function cb.on_init()
    api.timer_start(0.05, function()
        error("on purpose, in a timer")
    end)
    api.timer_start(1.2, function() -- errors of one kind are logged once a second
        error(setmetatable({}, { __tostring = function() return "a table as an error" end }))
    end)
    api.timer_start(1.5, function()
        api.log("PASS")
    end)
    error("on purpose, in on_init")
end
