#!/bin/sh
# SPDX-License-Identifier: MIT
# How many instructions a KiB of payload costs, at both ends and with the simulated link, against a stored bound: cheap
# enough to be exact where times are noise. usage: run.sh LOAD_PROGRAM
# The bound holds for the default build (gcc 12, x86-64, -O2); the number to store is printed. A change that costs
# more on purpose stores a new one.
set -eu
stored=4970
margin_percent=15

if [ "$(uname -m)" != x86_64 ] || ! command -v valgrind >/dev/null 2>&1; then
    echo "skipped: needs valgrind on x86-64"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kib=$(valgrind --tool=callgrind --callgrind-out-file="$work/out" --log-file="$work/log" "$1")
instructions=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/log")
each=$((instructions / kib))
most=$((stored * (100 + margin_percent) / 100))
echo "$each instructions per KiB of payload ($instructions for $kib), at most $most"
[ "$each" -le "$most" ]
