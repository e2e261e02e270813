#!/bin/sh
# SPDX-License-Identifier: MIT
# install-deps.sh [build|test|interop|check|cross]
# Installs what is missing for building skcptun (default), for its tests, for the interoperability test, for
# everything else that `make check` runs, or for its cross-builds. Debian and Ubuntu (as root or with sudo) and macOS
# with Homebrew; elsewhere it names the packages and leaves the rest to cmake, which says what it does not find. Touches
# nothing that is there.
set -eu

level=${1:-build}
case $level in
build | test | interop | check | cross) ;;
*)
    echo "usage: $0 [build|test|interop|check|cross]" >&2
    exit 2
    ;;
esac

wants() { # is the level at least this one?
    case "$1:$level" in
    build:* | test:test | test:check | interop:interop | interop:check | check:check | cross:cross) return 0 ;;
    esac
    return 1
}

PATH=$PATH:/usr/sbin:/sbin # where nginx and ip are, and users' own PATH may not lead
missing=
optional= # wanted where the distribution has it as a package of its own
need_command() { # command package
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

# --- Debian, Ubuntu ---

need_package() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] || missing="$missing $1"
}

find_missing_debian() {
    need_command gcc gcc
    need_command make make
    need_command cmake cmake
    need_command pkg-config pkg-config
    for package in libc6-dev libev-dev libssl-dev liblua5.4-dev; do
        need_package "$package"
    done
    if wants test; then
        # Parity by ISA-L is tested against our own where the architecture has it.
        [ "$(dpkg-query -W -f='${db:Status-Status}' libisal-dev 2>/dev/null)" = installed ] || optional="$optional libisal-dev"
        # For `skcptun uri --qr`.
        [ "$(dpkg-query -W -f='${db:Status-Status}' libqrencode-dev 2>/dev/null)" = installed ] || optional="$optional libqrencode-dev"
        need_package libcmocka-dev
        need_command nm binutils
        need_command python3 python3
        /usr/bin/python3 -c 'import pytest' 2>/dev/null || python3 -c 'import pytest' 2>/dev/null ||
            missing="$missing python3-pytest"
        need_command nginx nginx
        need_command ip iproute2
        need_command ping iputils-ping
        need_command iperf3 iperf3
        need_command nft nftables
        need_command sysctl procps
        need_command iptables iptables
        need_command curl curl
        need_command openssl openssl
        need_package netcat-openbsd # the tests use its -N
    fi
    if wants interop; then
        need_command go golang-go
        need_package golang-github-xtaci-kcp-dev
    fi
    if wants cross; then
        need_command npm npm
        need_command perl perl
        need_command llvm-strip llvm
        need_package qemu-user-static
        /usr/bin/python3 -c 'import pytest' 2>/dev/null || python3 -c 'import pytest' 2>/dev/null ||
            missing="$missing python3-pytest"
    fi
    if wants check; then
        command -v zbarimg >/dev/null 2>&1 || optional="$optional zbar-tools" # reads the QR codes
        for tool in clang clang-tidy clang-format valgrind; do
            need_command $tool $tool
        done
        # The sanitizers' and libFuzzer's libraries; part of another package in older releases.
        [ "$(dpkg-query -W -f='${db:Status-Status}' libclang-rt-dev 2>/dev/null)" = installed ] ||
            find /usr/lib/llvm-* -name 'libclang_rt.fuzzer-*.a' 2>/dev/null | grep -q . || optional="$optional libclang-rt-dev"
    fi
}

# A package that brings a service would start it, on a port that may be in use or should stay closed. The tests want
# the program only: nothing is started while we install, and what came new is not enabled for the next boot.
install_debian() {
    policy=/usr/sbin/policy-rc.d
    kept=
    if [ -e $policy ]; then
        kept=$policy.skcptun-kept
        $sudo mv $policy $kept
    fi
    trap 'restore_policy' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy

    # Lists of a foreign source may be out of reach without any harm to us; the install tells.
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q update || echo "apt-get update had problems; trying on" >&2
    for package in $optional; do
        ! apt-cache show "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # a list
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing

    case " $missing " in
    *" nginx "*)
        $sudo update-rc.d nginx disable >/dev/null 2>&1 || true
        $sudo rm -f /etc/systemd/system/multi-user.target.wants/nginx.service
        ;;
    esac
}

restore_policy() {
    $sudo rm -f "$policy"
    [ -z "$kept" ] || $sudo mv "$kept" "$policy"
}

# --- macOS ---

need_formula() {
    brew list --versions "$1" >/dev/null 2>&1 || missing="$missing $1"
}

find_missing_brew() {
    need_command cmake cmake
    need_command pkg-config pkg-config
    for formula in libev openssl@3 lua@5.4; do
        need_formula "$formula"
    done
    if wants test; then
        need_formula cmocka
        need_formula qrencode
    fi
}

# --- which system is it? ---

if command -v apt-get >/dev/null 2>&1; then
    find_missing_debian
    [ -n "$missing$optional" ] || exit 0
    sudo=
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null 2>&1 || {
            echo "not root, and no sudo here; as root run: apt-get install --no-install-recommends$missing" >&2
            exit 1
        }
    fi
    echo "installing:$missing${optional:+ $optional}"
    install_debian
elif command -v brew >/dev/null 2>&1; then
    find_missing_brew
    [ -n "$missing" ] || exit 0
    echo "installing:$missing"
    # shellcheck disable=SC2086 # a list
    brew install $missing
else
    echo "neither apt-get nor brew here: a C compiler, make, cmake, pkg-config, libev, OpenSSL >= 3.0 and Lua 5.4 (with headers) must be there already" >&2
fi
