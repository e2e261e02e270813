-- SPDX-License-Identifier: MIT
local api, cb = skt.api, skt.cb

function cb.on_init()
    api.timer_start(0.05, function()
        api.timer_start(1.2, function() -- errors of one kind are logged once a second
            api.timer_start(0.1, function()
                api.log("PASS")
            end)
            error(setmetatable({}, { __tostring = function() return "a table as an error" end }))
        end)
        error("on purpose, in a timer")
    end)
    cb.on_beat = function()
        cb.on_beat = nil
        error("on purpose, in on_beat")
    end
end
