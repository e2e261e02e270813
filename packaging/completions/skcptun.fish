# SPDX-License-Identifier: MIT
# Completion for fish. Commands and options are those that `--help` lists when it is loaded, so that they are right for
# the program that is installed.

function __skcptun_has_command
    test (count (commandline -opc)) -gt 1
    and contains -- (commandline -opc)[2] $argv
end

# "  --key FILE   text", "  --client, --server  text": each option with the text.
function __skcptun_add_options -a command
    skcptun $command --help 2>/dev/null | string match -r '^  --.*' | while read -l listed
        set -l line (string trim -- $listed)
        set -l about (string match -rg '^--[^ ]+(?:, --[^ ]+)?(?: [^ ]+)?  +(.*)$' -- $line)
        for option in (string match -ar -- '--[a-z-]+' (string replace -r -- '  .*' '' $line))
            set -l takes
            string match -qr -- "^$option [A-Z\[]" $line; and set takes -r
            complete -c skcptun -n "__skcptun_has_command $command" -l (string sub -s 3 -- $option) -d "$about" $takes
        end
    end
end

skcptun --help 2>/dev/null | string match -rg '^  ([a-z]+  +[a-z].*)$' | while read -l command about
    complete -c skcptun -n 'test (count (commandline -opc)) -eq 1' -a $command -d (string trim -- $about)
    __skcptun_add_options $command
end
