#!/bin/sh
# SPDX-License-Identifier: MIT
# uninstall.sh MANIFEST: removes the files that cmake has written into the manifest when it installed, and the folders
# named after the program that are empty then. $DESTDIR counts as it did for the installation.
set -eu

manifest=$1
[ -r "$manifest" ] || {
    echo "$manifest is not there: nothing was installed from this folder, or it was cleaned since" >&2
    exit 1
}
while read -r path || [ -n "$path" ]; do
    rm -f -- "${DESTDIR:-}$path"
done <"$manifest"
# Deepest first: what lies below a folder of ours is ours.
sed -n 's,\(.*/skcptun\)/.*,\1,p' "$manifest" | sort -u | while read -r folder; do
    [ ! -d "${DESTDIR:-}$folder" ] || find "${DESTDIR:-}$folder" -depth -type d -exec rmdir {} \; 2>/dev/null || true
done
rm -f -- "$manifest"
