#!/bin/sh
# SPDX-License-Identifier: MIT
# check-fields.sh SOURCES
# Fails where a field of the configuration (src/config/tables.c) is not in the manual page or in the sample, or where the
# manual page says "live" of one that is not, or the other way round.
set -eu
cd "$1"
awk '
# A row begins with its name, and its flags are before the next one.
/^ *\{"/ { split($0, quoted, "\""); name = quoted[2]; rows[name] = "" }
name != "" { rows[name] = rows[name] " " $0; if (/LIVE/) live[name] = 1; if (/NOT_YET/) to_come[name] = 1; if (/\},$/) name = "" }
END { for (field in rows) if (!(field in to_come)) print field, (field in live) ? "live" : "restart" }
' src/config/tables.c | sort | {
    bad=0
    while read -r field how; do
        if ! grep -qE "\b$field\b" man/skcptun.5; then
            echo "man/skcptun.5 has no $field" >&2
            bad=1
        fi
        if ! grep -qE "\b$field\b" skcptun_config_sample.lua; then
            echo "skcptun_config_sample.lua has no $field" >&2
            bad=1
        fi
        said=$(grep -E "^\.BR $field \" \(" man/skcptun.5 || true) # with its type, and "live" where it is
        case "$how:$said" in
        *: | live:*[\ \(]live* | restart:*) ;;
        *)
            echo "man/skcptun.5: $field is taken over at SIGHUP, which has to be said" >&2
            bad=1
            ;;
        esac
        case "$how:$said" in
        restart:*[\ \(]live*)
            echo "man/skcptun.5: $field is not taken over at SIGHUP" >&2
            bad=1
            ;;
        esac
    done
    exit $bad
}
