# SPDX-License-Identifier: MIT

set(SKT_LAYERS "") # the libraries made so far, the highest layer first

# skt_add_layer(NAME [dependency...]): static library skt_NAME of src/NAME/**/*.c, linked with all layers above it.
# Files named *_linux.c and *_darwin.c are taken on that system only.
macro(skt_add_layer name)
    file(GLOB_RECURSE layer_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.c")
    if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
        list(FILTER layer_sources EXCLUDE REGEX "_linux\\.c$")
    endif()
    if(NOT APPLE)
        list(FILTER layer_sources EXCLUDE REGEX "_darwin\\.c$")
    endif()
    if(layer_sources)
        add_library(skt_${name} STATIC ${layer_sources})
        target_include_directories(skt_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
        target_link_libraries(skt_${name} PUBLIC ${SKT_LAYERS} ${ARGN} Threads::Threads)
        skt_make_small(${name})
        list(INSERT SKT_LAYERS 0 skt_${name})
    endif()
endmacro()

# Embeds src/modes/*.lua into a layer's library; code includes "modes/embedded.h", which is generated too.
function(skt_embed_modes layer)
    file(GLOB modes CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/modes/*.lua")
    if(NOT TARGET skt_${layer})
        return()
    endif()
    set(out "${PROJECT_BINARY_DIR}/generated/modes")
    set(script "${PROJECT_SOURCE_DIR}/cmake/EmbedModes.cmake")
    string(REPLACE ";" "|" modes_arg "${modes}")
    add_custom_command(
        OUTPUT "${out}/embedded.c" "${out}/embedded.h"
        COMMAND "${CMAKE_COMMAND}" "-DMODES=${modes_arg}" "-DOUT=${out}" -P "${script}"
        DEPENDS ${modes} "${script}"
        COMMENT "Embedding the modes' scripts"
        VERBATIM)
    target_sources(skt_${layer} PRIVATE "${out}/embedded.c" "${out}/embedded.h")
    target_include_directories(skt_${layer} PUBLIC "${PROJECT_BINARY_DIR}/generated")
endfunction()

# The status page, in cli/.
function(skt_embed_page)
    set(out "${PROJECT_BINARY_DIR}/generated/cli")
    set(page "${PROJECT_SOURCE_DIR}/src/cli/page.html")
    set(script "${PROJECT_SOURCE_DIR}/cmake/EmbedPage.cmake")
    file(MAKE_DIRECTORY "${out}")
    add_custom_command(
        OUTPUT "${out}/page.c"
        COMMAND "${CMAKE_COMMAND}" "-DPAGE=${page}" "-DOUT=${out}/page.c" -P "${script}"
        DEPENDS "${page}" "${script}"
        COMMENT "Embedding the status page"
        VERBATIM)
    target_sources(skt_cli PRIVATE "${out}/page.c")
endfunction()

# Programs for tests and measurements; never installed.
function(skt_add_lab)
    file(GLOB link_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lab/link*.c")
    list(FILTER link_sources EXCLUDE REGEX "/link\\.c$")
    if(link_sources AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
        # Apart from the program, for tests/lab.
        add_library(skt_lab STATIC ${link_sources})
        target_include_directories(skt_lab PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
        target_link_libraries(skt_lab PUBLIC skt_base m Threads::Threads)
        add_executable(skt-link lab/link.c)
        target_link_libraries(skt-link PRIVATE skt_lab)
    endif()
    file(GLOB load_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/lab/load*.c")
    if(load_sources AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
        add_executable(skt-load ${load_sources})
        target_link_libraries(skt-load PRIVATE Threads::Threads)
    endif()
    if(EXISTS "${PROJECT_SOURCE_DIR}/tools/kcp_echo.c")
        add_executable(kcp_echo tools/kcp_echo.c)
        target_link_libraries(kcp_echo PRIVATE skt_proto)
    endif()
endfunction()
