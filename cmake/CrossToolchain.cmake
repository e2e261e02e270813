# SPDX-License-Identifier: MIT
# For tools/cross-build.sh, which sets in the environment SKT_CROSS_TARGET (as mips-linux-musl, aarch64-macos),
# SKT_CROSS_PREFIX, the folder with bin/cc, include/ and lib/ of that target, and SKT_CROSS_EMULATOR, which runs its
# programs (may be empty).

string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR "$ENV{SKT_CROSS_TARGET}")
if("$ENV{SKT_CROSS_TARGET}" MATCHES "-macos$")
    set(CMAKE_SYSTEM_NAME Darwin)
    set(CMAKE_OSX_SYSROOT "")
    set(CMAKE_INSTALL_NAME_TOOL true)
else()
    set(CMAKE_SYSTEM_NAME Linux)
endif()
if(NOT "$ENV{SKT_CROSS_EMULATOR}" STREQUAL "")
    set(CMAKE_CROSSCOMPILING_EMULATOR "$ENV{SKT_CROSS_EMULATOR}")
endif()
set(CMAKE_C_COMPILER "$ENV{SKT_CROSS_PREFIX}/bin/cc")
set(CMAKE_AR "$ENV{SKT_CROSS_PREFIX}/bin/ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "$ENV{SKT_CROSS_PREFIX}/bin/ranlib" CACHE FILEPATH "")

# Libraries and headers of the target only; programs of this machine.
set(CMAKE_FIND_ROOT_PATH "$ENV{SKT_CROSS_PREFIX}")
set(CMAKE_PREFIX_PATH "$ENV{SKT_CROSS_PREFIX}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} "$ENV{SKT_CROSS_PREFIX}/lib/pkgconfig")
set(ENV{PKG_CONFIG_PATH} "")
