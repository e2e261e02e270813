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
# What assertions say names files from the project's folder on, wherever that is.
add_compile_options("-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
add_compile_definitions(SKT_VERSION="${PROJECT_VERSION}" SKT_LIBEXECDIR="${CMAKE_INSTALL_FULL_LIBEXECDIR}")

# Position independent executables, so that addresses can be randomised.
option(SKT_PIE "Build position independent executables" ON)
if(SKT_PIE)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    add_compile_options(-fPIE) # CMake makes libraries -fPIC, but ours end up in programs only
endif()

include(CheckCCompilerFlag)
check_c_compiler_flag(-fstack-protector-strong SKT_HAVE_STACK_PROTECTOR)
if(SKT_HAVE_STACK_PROTECTOR)
    add_compile_options(-fstack-protector-strong)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()

# Devices have little flash. Nothing unwinds its own stack, and debuggers read .debug_frame; code that nobody calls is
# left out; what is not in the path of a packet is made small (skt_make_fast names what is); nothing is padded, neither functions
# to 16 bytes nor segments to pages, which x86 alone would do (read-only data lies in the code's segment then).
add_compile_options(-ffunction-sections -fdata-sections)
if(NOT SKT_SANITIZE AND NOT SKT_SANITIZE_THREADS AND NOT SKT_FUZZ)
    add_compile_options(-fno-unwind-tables -fno-asynchronous-unwind-tables)
endif()
set(CMAKE_REQUIRED_FLAGS -Werror) # clang warns of those that it ignores
foreach(what functions jumps labels loops)
    check_c_compiler_flag(-fno-align-${what} SKT_HAVE_NO_ALIGN_${what})
    if(SKT_HAVE_NO_ALIGN_${what})
        add_compile_options(-fno-align-${what})
    endif()
endforeach()
check_c_compiler_flag(-Oz SKT_HAVE_OZ) # gcc from 12 on
unset(CMAKE_REQUIRED_FLAGS)
if(APPLE)
    add_link_options(-Wl,-dead_strip)
else()
    add_link_options(-Wl,--gc-sections)
endif()
include(CheckCSourceCompiles)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "86") # not every linker knows it
    set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,noseparate-code)
    check_c_source_compiles("int main(void) { return 0; }" SKT_HAVE_NOSEPARATE_CODE)
    unset(CMAKE_REQUIRED_LINK_OPTIONS)
    if(SKT_HAVE_NOSEPARATE_CODE)
        add_link_options(-Wl,-z,noseparate-code)
    endif()
endif()

# Relocations take a tenth of the room this way, but the C library must know it: others than glibc fail silently.
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,pack-relative-relocs)
check_c_source_compiles("#include <stdio.h>
#if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 36)
#error too old
#endif
int main(void) { return 0; }" SKT_HAVE_RELR)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(SKT_HAVE_RELR)
    add_link_options(-Wl,-z,pack-relative-relocs)
endif()

# A layer's files are optimised for size ...
function(skt_make_small layer)
    target_compile_options(skt_${layer} PRIVATE
        "$<$<CONFIG:RelWithDebInfo,Release>:$<IF:$<BOOL:${SKT_HAVE_OZ}>,-Oz,-Os>>")
endfunction()

# ... but for those that skt_make_fast(LAYER FILE...) names. A name without a file fails the build, so that one that
# is renamed does not become slow unnoticed.
function(skt_make_fast layer)
    foreach(file IN LISTS ARGN)
        if(NOT EXISTS "${PROJECT_SOURCE_DIR}/src/${layer}/${file}")
            message(FATAL_ERROR "skt_make_fast: there is no src/${layer}/${file}")
        endif()
        set_source_files_properties("${PROJECT_SOURCE_DIR}/src/${layer}/${file}" PROPERTIES COMPILE_OPTIONS
            "$<$<CONFIG:RelWithDebInfo,Release>:-O2>")
    endforeach()
endfunction()

if(SKT_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SKT_FUZZ needs clang: configure with CC=clang")
endif()
if(SKT_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
set(SKT_INSTRUMENTED OFF) # programs are slower and larger, and call what they would not
if(SKT_SANITIZE OR SKT_SANITIZE_THREADS OR SKT_COVERAGE)
    set(SKT_INSTRUMENTED ON)
endif()
if(SKT_COVERAGE)
    add_compile_options(--coverage -O1)
    add_library(skt_coverage_exit STATIC "${PROJECT_SOURCE_DIR}/cmake/coverage_exit.c")
    add_link_options(--coverage -Wl,--wrap=_exit)
    link_libraries(skt_coverage_exit)
endif()
if(SKT_SANITIZE_THREADS)
    if(SKT_SANITIZE OR SKT_FUZZ)
        message(FATAL_ERROR "SKT_SANITIZE_THREADS goes neither with SKT_SANITIZE nor with SKT_FUZZ")
    endif()
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
endif()
if(SKT_SANITIZE OR SKT_FUZZ)
    set(SKT_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_compile_options(${SKT_SANITIZE_FLAGS})
    add_link_options(${SKT_SANITIZE_FLAGS})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT SKT_SANITIZE_THREADS)
    # Needs optimisation, and hides from AddressSanitizer what it would check itself. From ThreadSanitizer it hides calls
    # like ppoll, at which that would run a signal's handler: skt-link did not end by SIGTERM. Some distributions'
    # compilers define it already.
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
