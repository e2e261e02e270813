#!/bin/sh
# SPDX-License-Identifier: MIT
# check-lua-doc.sh ROOT
# Fails if a function of skt.api or a callback of skt.cb has no row in the reference, in either language, or a row has none.
set -eu
cd "$1"
status=0
in_code=$(
    grep -oh '{"[a-z0-9_]*", [a-z0-9_]*}' src/script/api_*.c | sed 's/{"//; s/".*//'
    grep -oh '\] = "on_[a-z_]*"' src/script/call.c | sed 's/.*"\(on_[a-z_]*\)"/\1/'
)
in_code=$(printf '%s\n' "$in_code" | sort -u)
for doc in doc/lua-api.md doc/lua-api.zh-CN.md; do
    in_doc=$(sed -n 's/^| `\([a-z0-9_]*\)(.*/\1/p' "$doc" | sort -u)
    if [ "$in_code" != "$in_doc" ]; then
        echo "$doc and src/script differ:" >&2
        printf '%s\n%s\n' "$in_code" "$in_doc" | sort | uniq -u >&2
        status=1
    fi
done
exit $status
