#!/bin/bash
# SPDX-License-Identifier: MIT
# Our KCP engine (BUILD_DIR/kcp_echo) against kcp-go, both ways, over loopback with 10 % loss in each direction.
# Usage: tests/interop/run.sh BUILD_DIR
set -u
build=$(cd "${1:?usage: run.sh BUILD_DIR}" && pwd) || exit 2
here=$(cd "$(dirname "$0")" && pwd)
work=$build/interop
limit_s=45 # for one case; most take a few seconds
port=$((20000 + $$ % 20000))
conv=3735928559
failed=0

mkdir -p "$work"

have_kcp_go() {
    command -v go >/dev/null && [ -d /usr/share/gocode/src/github.com/xtaci/kcp-go ]
}

install_kcp_go() {
    command -v apt-get >/dev/null || { echo "interop: needs Go and kcp-go in /usr/share/gocode" >&2; exit 1; }
    local root=
    [ "$(id -u)" = 0 ] || root=sudo
    $root apt-get update -q && $root apt-get install -y -q golang-go golang-github-xtaci-kcp-dev
}

have_kcp_go || install_kcp_go || exit 1
echo "interop: building the peer"
(cd "$here" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/go-cache GOFLAGS= go build -o "$work/peer" peer.go) || exit 1

report() { # name, status
    if [ "$2" = 0 ]; then
        echo "ok    $1"
    else
        echo "FAIL  $1 (status $2)"
        failed=1
    fi
}

# kcp-go asks, we echo.
they_ask() { # mode kind count longest
    port=$((port + 1))
    local name="kcp-go ($2) asks, we echo: $1, $3 x $4 bytes" mode=$1 status pid
    [ "$mode" = stream ] || mode=
    "$build/kcp_echo" $port $conv $mode &
    pid=$!
    sleep 0.2
    timeout $limit_s "$work/peer" client 127.0.0.1:$port $conv "$1" "$2" "$3" "$4"
    status=$?
    kill -TERM $pid
    wait $pid || status="$status, kcp_echo ended with $?"
    report "$name" "$status"
}

# We ask, kcp-go echoes.
we_ask() { # mode kind count longest
    port=$((port + 1))
    local name="we ask, kcp-go ($2) echoes: $1, $3 x $4 bytes" status
    coproc PEER { exec "$work/peer" server 127.0.0.1:$port $conv "$1" "$2"; }
    local pid=$PEER_PID in=${PEER[1]} out=${PEER[0]} line
    read -r -t 5 line <&"$out"
    timeout $limit_s "$build/kcp_echo" $port $conv "$1" "$3" "$4"
    status=$?
    eval "exec $in>&-"
    wait "$pid" 2>/dev/null
    report "$name" "$status"
}

#         mode    kind    count longest
they_ask  message session 1500  1376
they_ask  stream  session 1500  1376
they_ask  message core    100   200000
they_ask  message default 60    1000
we_ask    message session 1500  1376
we_ask    stream  session 1500  1376
we_ask    message core    100   200000
we_ask    message default 60    1000
exit $failed
