#!/bin/sh
# SPDX-License-Identifier: MIT
# check-proto-symbols.sh LIBSKT_PROTO.A ALLOWLIST
# Fails if the library references a symbol that it does not define itself and that no pattern of the list matches.
set -eu
lib=$1
list=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

strip='s/^_//'
[ "$(uname)" = Darwin ] || strip=
nm -P "$lib" 2>/dev/null | awk '$2 ~ /^[Uw]$/ {print $1}' | sed "$strip" | sort -u >"$tmp/used"
nm -P "$lib" 2>/dev/null | awk 'NF > 1 && $2 !~ /^[Uw]$/ {print $1}' | sed "$strip" | sort -u >"$tmp/own"
[ -s "$tmp/own" ] || { echo "$lib: no symbols; is it a library?" >&2; exit 1; }
grep -v -e '^#' -e '^$' "$list" >"$tmp/allowed"
comm -23 "$tmp/used" "$tmp/own" | grep -v -x -E -f "$tmp/allowed" >"$tmp/forbidden" || true
if [ -s "$tmp/forbidden" ]; then
    echo "proto/ is pure, but it references:" >&2
    while read -r symbol; do
        nm -A -P "$lib" 2>/dev/null | awk -v s="$symbol" '($2 == s || $2 == "_" s) && $3 ~ /^[Uw]$/ {print "  " s "  in " $1}' >&2
    done <"$tmp/forbidden"
    exit 1
fi
