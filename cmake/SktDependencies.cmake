# SPDX-License-Identifier: MIT
# Finds libev, OpenSSL >= 3.0 and Lua 5.4 under their Debian, Homebrew and OpenWrt names, cmocka for tests, and ISA-L
# where it is there. Each becomes an interface target: skt_libev, skt_openssl, skt_lua54, skt_isal.

find_package(Threads REQUIRED)
find_package(PkgConfig QUIET)

# Homebrew keeps openssl@3 and lua@5.4 out of the default search path.
if(APPLE)
    find_program(SKT_BREW brew)
    if(SKT_BREW)
        foreach(formula openssl@3 lua@5.4 libev cmocka)
            execute_process(COMMAND "${SKT_BREW}" --prefix ${formula} OUTPUT_VARIABLE prefix
                            OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
            if(prefix AND IS_DIRECTORY "${prefix}")
                list(APPEND CMAKE_PREFIX_PATH "${prefix}")
                set(ENV{PKG_CONFIG_PATH} "${prefix}/lib/pkgconfig:$ENV{PKG_CONFIG_PATH}")
            endif()
        endforeach()
    endif()
endif()

function(skt_missing what debian brew openwrt)
    message(FATAL_ERROR "${what} was not found. Install it:\n"
            "  Debian, Ubuntu:  apt-get install ${debian}\n"
            "  macOS:           brew install ${brew}\n"
            "  OpenWrt:         add ${openwrt} to the package's DEPENDS\n"
            "or let tools/install-deps.sh do it.")
endfunction()

# skt_interface(target include_dirs libraries...): an interface target whose headers count as system headers.
function(skt_interface target includes)
    add_library(${target} INTERFACE)
    target_include_directories(${target} SYSTEM INTERFACE ${includes})
    target_link_libraries(${target} INTERFACE ${ARGN})
endfunction()

# --- libev (Debian ships no .pc file) ---
if(PKG_CONFIG_FOUND)
    pkg_check_modules(PC_LIBEV QUIET libev)
endif()
find_path(LIBEV_INCLUDE_DIR ev.h HINTS ${PC_LIBEV_INCLUDE_DIRS} PATH_SUFFIXES libev)
find_library(LIBEV_LIBRARY ev HINTS ${PC_LIBEV_LIBRARY_DIRS})
if(NOT LIBEV_INCLUDE_DIR OR NOT LIBEV_LIBRARY)
    skt_missing("libev" libev-dev libev libev)
endif()
skt_interface(skt_libev "${LIBEV_INCLUDE_DIR}" "${LIBEV_LIBRARY}" m)

# --- OpenSSL >= 3.0 ---
if(PKG_CONFIG_FOUND)
    pkg_check_modules(PC_CRYPTO QUIET IMPORTED_TARGET libcrypto>=3.0)
endif()
if(TARGET PkgConfig::PC_CRYPTO)
    add_library(skt_openssl INTERFACE)
    target_link_libraries(skt_openssl INTERFACE PkgConfig::PC_CRYPTO)
else()
    find_package(OpenSSL 3.0 QUIET COMPONENTS Crypto)
    if(NOT OPENSSL_FOUND)
        skt_missing("OpenSSL 3.0 or newer" libssl-dev openssl@3 libopenssl)
    endif()
    add_library(skt_openssl INTERFACE)
    target_link_libraries(skt_openssl INTERFACE OpenSSL::Crypto)
endif()

# --- Lua 5.4 ---
if(PKG_CONFIG_FOUND)
    foreach(name lua5.4 lua-5.4 lua54 lua)
        if(NOT PC_LUA_FOUND)
            pkg_check_modules(PC_LUA QUIET "${name}>=5.4" "${name}<5.5")
        endif()
    endforeach()
endif()
find_path(LUA54_INCLUDE_DIR lua.h HINTS ${PC_LUA_INCLUDE_DIRS} PATH_SUFFIXES lua5.4 lua-5.4 lua54 lua)
find_library(LUA54_LIBRARY NAMES lua5.4 lua-5.4 lua54 lua HINTS ${PC_LUA_LIBRARY_DIRS})
if(NOT LUA54_INCLUDE_DIR OR NOT LUA54_LIBRARY)
    skt_missing("Lua 5.4" liblua5.4-dev lua@5.4 liblua5.4)
endif()
file(STRINGS "${LUA54_INCLUDE_DIR}/lua.h" lua_version REGEX "^#define[ \t]+LUA_VERSION_(NUM[ \t]+504|MINOR[ \t]+\"4\")")
if(NOT lua_version)
    message(STATUS "${LUA54_INCLUDE_DIR}/lua.h is not of Lua 5.4")
    skt_missing("Lua 5.4" liblua5.4-dev lua@5.4 liblua5.4)
endif()
skt_interface(skt_lua54 "${LUA54_INCLUDE_DIR}" "${LUA54_LIBRARY}" m ${CMAKE_DL_LIBS})

# --- ISA-L, optional: faster parity ---
option(SKT_ISAL "Use Intel ISA-L for parity where it is installed" ON)
set(SKT_ISAL_FOUND OFF)
if(SKT_ISAL)
    find_path(ISAL_INCLUDE_DIR isa-l/erasure_code.h)
    find_library(ISAL_LIBRARY isal)
    if(ISAL_INCLUDE_DIR AND ISAL_LIBRARY)
        set(SKT_ISAL_FOUND ON)
    else()
        message(STATUS "ISA-L was not found: parity is computed by portable code")
    endif()
endif()
add_library(skt_isal INTERFACE)
if(SKT_ISAL_FOUND)
    target_include_directories(skt_isal SYSTEM INTERFACE "${ISAL_INCLUDE_DIR}")
    target_link_libraries(skt_isal INTERFACE "${ISAL_LIBRARY}")
    target_compile_definitions(skt_isal INTERFACE SKT_HAVE_ISAL)
endif()

# --- libqrencode, optional: `skcptun uri --qr` ---
option(SKT_QRENCODE "Use libqrencode for QR codes where it is installed" ON)
add_library(skt_qrencode INTERFACE)
if(SKT_QRENCODE)
    find_path(QRENCODE_INCLUDE_DIR qrencode.h)
    find_library(QRENCODE_LIBRARY qrencode)
    if(QRENCODE_INCLUDE_DIR AND QRENCODE_LIBRARY)
        target_include_directories(skt_qrencode SYSTEM INTERFACE "${QRENCODE_INCLUDE_DIR}")
        target_link_libraries(skt_qrencode INTERFACE "${QRENCODE_LIBRARY}")
        target_compile_definitions(skt_qrencode INTERFACE SKT_HAVE_QRENCODE)
    else()
        message(STATUS "libqrencode was not found: `skcptun uri` prints no QR codes")
    endif()
endif()

# --- cmocka, for the tests ---
if(PKG_CONFIG_FOUND)
    pkg_check_modules(PC_CMOCKA QUIET cmocka)
endif()
find_path(CMOCKA_INCLUDE_DIR cmocka.h HINTS ${PC_CMOCKA_INCLUDE_DIRS})
find_library(CMOCKA_LIBRARY cmocka HINTS ${PC_CMOCKA_LIBRARY_DIRS})
if(CMOCKA_INCLUDE_DIR AND CMOCKA_LIBRARY)
    set(SKT_CMOCKA_FOUND ON)
    skt_interface(skt_cmocka "${CMOCKA_INCLUDE_DIR}" "${CMOCKA_LIBRARY}")
else()
    set(SKT_CMOCKA_FOUND OFF)
endif()
