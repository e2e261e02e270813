#!/bin/sh
# SPDX-License-Identifier: MIT
# cross-build.sh TARGET [--test]: builds skcptun for another machine with warnings as errors and says how large it is.
#   TARGET  mips-linux-musl (big-endian), mipsel-linux-musl, arm-linux-musleabihf, aarch64-linux-musl, riscv64-linux-musl:
#           one static file; aarch64-macos, x86_64-macos: linked, can't be run here
#   --test  on Linux targets: also the unit tests that need no privileges, and the program itself, under qemu-user
# Everything is kept below $SKT_CROSS_DIR (build-cross/ beside the sources). The first run for a target builds the
# libraries (see cross-deps.sh), which takes minutes; later ones only what changed. With SKCPTUN, this machine's own
# program, the test has it talk to the target's.
set -eu

target=${1:?usage: $0 TARGET [--test]}
test=${2:-}
here=$(cd "$(dirname "$0")/.." && pwd)
SKT_CROSS_DIR=${SKT_CROSS_DIR:-$here/build-cross}
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}
mkdir -p "$SKT_CROSS_DIR"
SKT_CROSS_DIR=$(cd "$SKT_CROSS_DIR" && pwd)
SKT_CROSS_TARGET=$target
SKT_CROSS_PREFIX=$SKT_CROSS_DIR/$target
export SKT_CROSS_DIR SKT_CROSS_TARGET SKT_CROSS_PREFIX
build=$SKT_CROSS_DIR/build/$target
program=$build/skcptun
# Not io.tcp and io.udp: qemu-user hands out this machine's error numbers and knows no IPV6_DONTFRAG. Not proto.cc_sim:
# emulated it takes longer than its time limit, for arithmetic that the others exercise.
tested='^(base|crypto|proto|lua\.config|io\.(rtmsg|netcfg_journal|loop))'
untested='^proto\.cc_sim$'

"$here/tools/cross-deps.sh" "$target"

tests=OFF SKT_CROSS_EMULATOR=
case $target in
*-linux-*) SKT_CROSS_EMULATOR=qemu-${target%%-*}-static ;;
esac
if [ "$test" = --test ]; then
    tests=ON
    command -v "${SKT_CROSS_EMULATOR:-none}" >/dev/null || {
        echo "$0: nothing here that runs programs for $target" >&2
        exit 2
    }
fi
export SKT_CROSS_EMULATOR
mkdir -p "$build"
cmake -S "$here" -B "$build" -DCMAKE_TOOLCHAIN_FILE="$here/cmake/CrossToolchain.cmake" \
    -DCMAKE_C_FLAGS=-UNDEBUG -DCMAKE_EXE_LINKER_FLAGS=-s -DSKT_PIE=OFF -DSKT_WERROR=ON -DSKT_TESTS=$tests -DSKT_LAB=OFF >"$build/cmake.log" 2>&1 || {
    cat "$build/cmake.log" >&2
    exit 1
}
cmake --build "$build" -j "$jobs" >"$build/make.log" 2>&1 || {
    grep -B 2 -A 12 -E 'error|warning' "$build/make.log" >&2 || tail -n 40 "$build/make.log" >&2
    exit 1
}
# The linker leaves in what debuggers read on mips; a program for macOS is signed as it is.
case $target in
*-linux-*) llvm-strip "$program" "$program-tools" ;;
esac
# mips is the smallest machine that it is meant for: 3 MiB with all libraries.
case $target in
mips*) limit=3145728 ;;
*) limit=4194304 ;;
esac
echo "$target:"
"$here/tools/check-size.sh" "$program" $limit
[ "$test" = --test ] || exit 0

# --- under emulation ---

(cd "$build" && ctest -j "$jobs" --output-on-failure -R "$tested" -E "$untested")

run=$build/run-skcptun
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$SKT_CROSS_EMULATOR" "$program" >"$run"
chmod +x "$run"
install -m 600 "$here/skcptun_config_sample.lua" "$build/sample.lua"
"$run" check "$build/sample.lua"
# This target at either end, and at both; the other end is this machine's, where $SKCPTUN says so.
python=/usr/bin/python3
"$python" -c "import pytest" 2>/dev/null || python=python3
SKCPTUN_OTHER=$run SKCPTUN=${SKCPTUN:-$run} PYTHONDONTWRITEBYTECODE=1 "$python" -m pytest -q -p no:cacheprovider \
    "$here/tests/cli/test_mixed.py"
