# SPDX-License-Identifier: MIT
# Completion for bash. Commands and options are those that `--help` lists, so that they are right for the program
# that is installed.

_skcptun() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} program=${COMP_WORDS[0]} words
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\)  *[a-z].*/\1/p') --help --version"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -X '!*.lua' -- "$word"; compgen -d -- "$word")
        return
    fi
    case $before in
    --*-file) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --folder) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    *)
        if [[ $word == -* ]]; then
            words=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE '^  --[a-z-]+(, --[a-z-]+)*' | tr -d ',')
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
        ;;
    esac
}

complete -o filenames -F _skcptun skcptun
