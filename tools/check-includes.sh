#!/bin/sh
# SPDX-License-Identifier: MIT
# check-includes.sh SRC
# Fails if a file includes a header of a layer that comes after its own, if proto/ includes a system header beyond
# the plain ones or a room in it one that comes after, or if OpenSSL, libev or Lua are included outside the folders that own them.
set -eu
cd "$1"
grep -rnE '^[ \t]*#[ \t]*include' --include='*.c' --include='*.h' . | sed 's|^\./||' | awk -F: '
BEGIN {
    n = split("base proto qlog crypto io netcfg config tunnel script modes cli demo tools", order, " ")
    for (i = 1; i <= n; i++)
        rank[order[i]] = i
    rank["main.c"] = rank["tools_main.c"] = n + 1
    n = split("keys cc parity queue path kcp session acceptor", order, " ")
    for (i = 1; i <= n; i++)
        room["proto/" order[i]] = i
    # Of sys/uio.h proto/ takes struct iovec; that it makes no system call, check-proto-symbols.sh sees.
    pure = "^(assert|limits|stdbool|stddef|stdint|stdlib|string|sys/uio)\\.h$"
}
# The room of a path in proto/: "" or what stands in room[].
function room_of(path) {
    return match(path, /^proto\/[a-z]+\//) ? substr(path, 1, RLENGTH - 1) : ""
}
function fail(why) {
    print "src/" $1 ":" $2 ": " why
    bad = 1
}
{
    layer = $1
    sub(/\/.*/, "", layer)
    what = $3
    if (match(what, /"[^"]+"/)) {
        header = substr(what, RSTART + 1, RLENGTH - 2)
        target = header
        sub(/\/.*/, "", target)
        # Generated: the scripts as data, which script/ loads.
        if (header == "modes/embedded.h" && rank[layer] >= rank["script"])
            next
        if (header !~ /\//)
            fail("write the layer: \"" layer "/" header "\"")
        else if (!(target in rank))
            fail("\"" header "\" is of no layer")
        else if (rank[target] > rank[layer])
            fail(layer "/ must not include \"" header "\": " target "/ comes after it")
        else if (room_of($1) in room && room_of(header) in room && room[room_of(header)] > room[room_of($1)])
            fail(room_of($1) "/ must not include \"" header "\": " room_of(header) "/ comes after it")
    } else if (match(what, /<[^>]+>/)) {
        header = substr(what, RSTART + 1, RLENGTH - 2)
        if (layer == "proto" && header !~ pure)
            fail("proto/ is pure and must not include <" header ">")
        if (header ~ /^openssl\// && layer != "crypto")
            fail("only crypto/ uses OpenSSL")
        if (header ~ /^(lua|lauxlib|lualib)\.h/ && rank[layer] < rank["config"])
            fail("Lua is known to config/ and those after it only")
        if (header ~ /^ev\.h$/ && rank[layer] < rank["io"])
            fail("libev is known to io/ and those after it only")
    }
}
END { exit bad }
' >&2
