#!/bin/sh
# SPDX-License-Identifier: MIT
# The simulated scenarios with many seeds beyond those of `make test`: portions of 50, several at a time.
# usage: many_seeds.sh TEST_PROGRAM SEEDS JOBS
# All of them are run, however long it takes. Fails if a portion fails, and shows what it wrote.
set -eu
program=$1 seeds=$2 jobs=$3 portion=50
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export program portion work

seq 101 "$portion" "$((100 + seeds))" | xargs -P "$jobs" -I{} sh -c '
    if SKT_SIM_FIRST={} SKT_SIM_SEEDS=$portion "$program" --only cc_sim >"$work/{}" 2>&1; then
        mv "$work/{}" "$work/{}.passed"
    else
        cat "$work/{}"
        exit 1
    fi'
set -- "$work"/*.passed
[ -e "$1" ] || { echo "no portion was run"; exit 1; }
echo "$(($# * portion)) of $seeds seeds of each scenario passed"
