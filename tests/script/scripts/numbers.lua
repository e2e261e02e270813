-- SPDX-License-Identifier: MIT
local api = skt.api

assert(api.band(0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0) == 0x0f000f000f000f00)
assert(api.bor(0x8000000000000000, 1) == math.mininteger + 1)
assert(api.bxor(-1, 1) == -2)
assert(api.blshift(1, 63) == math.mininteger)
assert(api.blshift(1, 64) == 0 and api.brshift(-1, 64) == 0)
assert(api.blshift(3, 0) == 3 and api.brshift(3, 0) == 3)
assert(api.brshift(-1, 1) == math.maxinteger) -- logical
assert(api.brshift(1, -4) == 16 and api.blshift(16, -4) == 1)
assert(api.brshift(5, math.mininteger) == 0 and api.blshift(5, math.mininteger) == 0)
for n = -70, 70 do
    for _, i in ipairs({ 1, -1, 0x123456789abcdef0, math.mininteger }) do
        assert(api.blshift(i, n) == i << n and api.brshift(i, n) == i >> n)
    end
end

local be = string.unpack("=I4", string.pack(">I4", 0x80010203))
assert(api.hton32(0x80010203) == be and api.ntoh32(be) == 0x80010203)
assert(api.hton32(0xff) >= 0 and api.ntoh32(0xff) >= 0) -- unsigned
assert(api.hton32(-1) == 0xffffffff)

local ms = api.get_ms()
assert(math.type(ms) == "integer" and math.abs(ms // 1000 - os.time()) <= 1)

assert(api.lookup_dns("127.0.0.1") == "127.0.0.1")
assert(api.lookup_dns("localhost") == "127.0.0.1")
local ip, err = api.lookup_dns("no-such-host.invalid")
assert(ip == nil and type(err) == "string")
ip, err = api.lookup_dns("")
assert(ip == nil and err == "not a name")
api.log("PASS")

function skt.cb.on_init() end
