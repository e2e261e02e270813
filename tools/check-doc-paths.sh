#!/bin/sh
# SPDX-License-Identifier: MIT
# check-doc-paths.sh ROOT DOCUMENT...
# Fails if a document names in backticks a file or folder that is not there, or anywhere a name skt_... that the sources do
# not have. Paths count from the root, from src/ or from src/proto/; what has no slash, or a character that no path of
# ours has, is taken for something else.
set -eu
cd "$1"
shift
status=0
for doc in "$@"; do
    for path in $(grep -v 'NAME\|LAYER' "$doc" | grep -o '`[A-Za-z0-9_.][A-Za-z0-9_./-]*/[A-Za-z0-9_./-]*`' | tr -d '`' | sort -u); do
        found=0
        for from in . src src/proto; do
            [ ! -e "$from/$path" ] || found=1
        done
        if [ "$found" = 0 ]; then
            echo "$doc: there is no $path" >&2
            status=1
        fi
    done
    for name in $(grep -o 'skt_[a-z0-9_]*' "$doc" | sort -u); do
        if ! grep -rqF "$name" src cmake CMakeLists.txt; then
            echo "$doc: the sources have no $name" >&2
            status=1
        fi
    done
done
exit $status
