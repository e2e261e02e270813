# SPDX-License-Identifier: MIT
# cmake -DPAGE=page.html -DOUT=page.c -P EmbedPage.cmake: the page as a C array, and the header line that allows its one
# <style> and its one <script> by their hashes. Indentation is left out, and comments that have a line to themselves (//).

file(READ "${PAGE}" text)
string(REGEX REPLACE "\n[ \t]+" "\n" text "${text}")
string(REGEX REPLACE "\n//[^\n]*" "" text "${text}")
string(REGEX REPLACE "<!--[^>]*-->\n" "" text "${text}")

# hash(VAR TAG): 'sha256-…' of what stands in <TAG>.
function(hash var tag)
    set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    string(FIND "${text}" "<${tag}>" from)
    string(FIND "${text}" "</${tag}>" to)
    string(LENGTH "<${tag}>" skip)
    math(EXPR from "${from} + ${skip}")
    math(EXPR len "${to} - ${from}")
    string(SUBSTRING "${text}" ${from} ${len} inside)
    string(SHA256 hex "${inside}")
    # 64 digits of 4 bits and two of nothing are 44 digits of 6 bits, the last of which is written "=".
    string(APPEND hex "00")
    set(base64 "")
    foreach(i RANGE 0 63 3)
        string(SUBSTRING "${hex}" ${i} 3 three)
        math(EXPR high "0x${three} >> 6")
        math(EXPR low "0x${three} & 63")
        string(SUBSTRING "${digits}" ${high} 1 high)
        string(SUBSTRING "${digits}" ${low} 1 low)
        string(APPEND base64 "${high}${low}")
    endforeach()
    string(SUBSTRING "${base64}" 0 43 base64)
    set(${var} "'sha256-${base64}='" PARENT_SCOPE)
endfunction()
hash(style style)
hash(script script)

file(WRITE "${OUT}.html" "${text}")
set(file "${OUT}.html")
set(more "")
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.19) # half of it; every browser takes it so
    set(file "${OUT}.html.gz")
    file(ARCHIVE_CREATE OUTPUT "${file}" PATHS "${OUT}.html" FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
    set(more "\n    \"Content-Encoding: gzip\\r\\n\"")
endif()
file(READ "${file}" hex HEX)
if(more) # the time of the build is of no use
    string(REGEX REPLACE "^(1f8b08..)........" "\\100000000" hex "${hex}")
endif()
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
file(WRITE "${OUT}" "/* Generated from src/cli/page.html by cmake/EmbedPage.cmake. */
#include \"cli/page.h\"

const char skt_cli_page[] = {
${bytes}};
const size_t skt_cli_page_len = sizeof skt_cli_page;
const char skt_cli_page_policy[] =
    \"Content-Security-Policy: default-src 'none'; style-src ${style}; script-src ${script}; connect-src 'self'; \"
    \"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\\r\\n\"${more};
")
