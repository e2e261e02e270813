#!/bin/sh
# SPDX-License-Identifier: MIT
# check-size.sh PROGRAM LIMIT: says how large a program is when stripped, and fails if that is more than LIMIT bytes.
set -eu

program=${1:?usage: $0 PROGRAM LIMIT}
limit=${2:?usage: $0 PROGRAM LIMIT}
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
# A program of another machine comes stripped already: this machine's strip may not know it.
strip -o "$stripped" "$program" 2>/dev/null || cp "$program" "$stripped"
size=$(wc -c <"$stripped")
echo "$(basename "$program"): $size bytes stripped, at most $limit"
[ "$size" -le "$limit" ]
