# SPDX-License-Identifier: MIT
# Language, warnings, hardening, sanitizers.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, RelWithDebInfo, Release or MinSizeRel" FORCE)
endif()
# Assertions stay on in the default build: a tunnel that has lost its own invariants had better stop.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
if(SKT_WERROR)
    add_compile_options(-Werror)
endif()
add_compile_definitions(SKT_VERSION="${PROJECT_VERSION}")

# Position independent executables, so that addresses can be randomised.
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

include(CheckCCompilerFlag)
check_c_compiler_flag(-fstack-protector-strong SKT_HAVE_STACK_PROTECTOR)
if(SKT_HAVE_STACK_PROTECTOR)
    add_compile_options(-fstack-protector-strong)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()

if(SKT_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SKT_FUZZ needs clang: configure with CC=clang")
endif()
if(SKT_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SKT_SANITIZE OR SKT_FUZZ)
    set(SKT_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_compile_options(${SKT_SANITIZE_FLAGS})
    add_link_options(${SKT_SANITIZE_FLAGS})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # Needs optimisation, and hides from AddressSanitizer what it would check itself. Some distributions'
    # compilers define it already.
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
