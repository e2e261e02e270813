#!/bin/sh
# SPDX-License-Identifier: MIT
# How many instructions the dearest packets of a peer with good keys cost, each kind's mean and its dearest one: none
# may take 0.1 ms, at 3 to 4 instructions a nanosecond (sealing and opening included). What timers do behind them may take a turn of the loop, which
# is 50 ms at most. usage: frames.sh PROGRAM [SCENARIO...]
set -eu
most=300000      # in the mean
most_once=400000 # the dearest one
most_turn=30000000

if [ "$(uname -m)" != x86_64 ] || ! command -v valgrind >/dev/null 2>&1; then
    echo "skipped: needs valgrind on x86-64"
    exit 77
fi
program=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" | while read -r name kind; do
    case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
    rm -f "$work"/out*
    valgrind --tool=callgrind --toggle-collect=measured --dump-after=measured --callgrind-out-file="$work/out" \
        "$program" "$name" </dev/null >/dev/null 2>&1
    # One file for each call of measured(), and one for what came after the last.
    sed -n 's/^summary: \([1-9][0-9]*\).*/\1/p' "$work"/out* >"$work/counts"
    read -r mean dearest <<END
$(awk '{ sum += $1; if ($1 > max) max = $1 } END { printf "%d %d\n", NR ? sum / NR : 0, max }' "$work/counts")
END
    echo "$name: $mean instructions a $kind, the dearest $dearest"
    [ "$dearest" -gt 0 ] || touch "$work/failed"
    if [ "$kind" = turn ]; then
        [ "$dearest" -le $most_turn ] || touch "$work/failed"
    else
        [ "$mean" -le $most ] && [ "$dearest" -le $most_once ] || touch "$work/failed"
    fi
done
echo "at most $most in the mean, $most_once once; $most_turn for a turn"
[ ! -e "$work/failed" ]
