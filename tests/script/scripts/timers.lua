-- SPDX-License-Identifier: MIT
local api, cb = skt.api, skt.cb

local order, beats, answers = {}, 0, 0

local function note(word)
    return function()
        order[#order + 1] = word
    end
end

api.timer_start(0.06, note("third"))
api.timer_start(0.02, note("second"))
api.timer_start(0, note("first"))
local never = api.timer_start(0.01, note("never"))
assert(api.timer_stop(never) == true)
local value, err = api.timer_stop(never)
assert(value == nil and err == "closed")

local self
self = api.timer_start(0.03, function()
    local v, e = api.timer_stop(self) -- it has fired
    assert(v == nil and e == "closed")
end)

assert(api.lookup_async("localhost", function(...)
    local found = false
    for _, ip in ipairs({ ... }) do
        found = found or ip == "127.0.0.1" or ip == "::1"
    end
    assert(found)
    answers = answers + 1
end))
assert(api.lookup_async("::1", function(ip)
    assert(ip == "::1")
    answers = answers + 1
end))

-- on_beat may come late, and go.
api.timer_start(0.1, function()
    assert(table.concat(order, " ") == "first second third")
    local t0 = api.get_ms()
    function cb.on_beat()
        beats = beats + 1
        if beats == 2 then
            local ms = api.get_ms() - t0
            assert(ms > 1900, ms)
            cb.on_beat = nil
            api.timer_start(1.2, function()
                assert(beats == 2 and answers == 2)
                api.log("PASS")
            end)
        end
    end
end)

function skt.cb.on_init() end
