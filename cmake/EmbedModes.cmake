# SPDX-License-Identifier: MIT
# cmake -DMODES=a.lua|b.lua -DOUT=dir -P EmbedModes.cmake: writes dir/embedded.h and dir/embedded.c.
# Comments (those behind code: without quotes) and indentation are left out, lines are not: what the program says about a
# script names the line of its source. So no string in a mode may run over several lines.

string(REPLACE "|" ";" MODES "${MODES}")
file(MAKE_DIRECTORY "${OUT}")
file(WRITE "${OUT}/embedded.h" "/* SPDX-License-Identifier: MIT */
/* The scripts of the built-in modes. */
#ifndef SKT_MODES_EMBEDDED_H
#define SKT_MODES_EMBEDDED_H

#include <stddef.h>

struct skt_mode_source {
    const char *name;   /* the file's name without .lua; NULL in the entry that ends the table */
    const char *source; /* Lua text, followed by a NUL that is not counted */
    size_t len;
};

extern const struct skt_mode_source skt_mode_sources[];

#endif
")

set(arrays "")
set(table "")
set(count 0)
foreach(path IN LISTS MODES)
    get_filename_component(name "${path}" NAME_WLE)
    file(READ "${path}" text)
    string(REGEX REPLACE "\n[ \t]+" "\n" text "\n${text}")
    string(REGEX REPLACE "\n--[^\n]*" "\n" text "${text}")
    string(REGEX REPLACE " +-- [^]\"'\n]*\n" "\n" text "${text}") # with a quote in it, it may be in a string
    string(SUBSTRING "${text}" 1 -1 text)
    file(WRITE "${OUT}/${name}.lua" "${text}")
    file(READ "${OUT}/${name}.lua" hex HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
    string(APPEND arrays "static const char source_${count}[] = {\n${bytes}0};\n")
    string(APPEND table "    {\"${name}\", source_${count}, sizeof source_${count} - 1},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUT}/embedded.c" "/* Generated from src/modes by cmake/EmbedModes.cmake. */
#include \"modes/embedded.h\"

${arrays}
const struct skt_mode_source skt_mode_sources[] = {
${table}    {NULL, NULL, 0},
};
")
