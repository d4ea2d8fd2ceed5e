# carillon_embed(TARGET <target> NAME <name> DIR <folder> [DEPENDS <target or file>...])
#
# Compiles all files below a folder into a target, and beside each the same content gzipped (cmake/gzip_files.mjs, by
# node), where that is smaller. The target then has
# "embedded/<name>_files.hpp" with
#
#     namespace carillon::embedded { const std::vector<http::EmbeddedFile>& <name>_files(); }
#
# The folder is read when the project is built, so it may itself be made by the build: DEPENDS names what makes it. A
# folder of the source tree is watched without being named. The bytes come in through the assembler's .incbin;
# the entity tag is the SHA-256 of the content, so a changed file changes the generated source, and nothing else does.
#
# The same file is the script of the build step: cmake -DNAME=… -DDIR=… -DGZIPPED=… -DOUT=… -P EmbedFiles.cmake

function(carillon_embed)
    cmake_parse_arguments(EMBED "" "TARGET;NAME;DIR" "DEPENDS" ${ARGN})
    get_filename_component(dir "${EMBED_DIR}" ABSOLUTE)
    set(root "${CMAKE_BINARY_DIR}/embedded_roots/${EMBED_TARGET}")
    set(source "${root}/embedded/${EMBED_NAME}_files.cpp")
    set(stamp "${root}/embedded/${EMBED_NAME}_files.stamp")
    set(gzipped "${root}/gzipped/${EMBED_NAME}")
    # A folder that the build makes changes under our feet: there, DEPENDS alone tells when to embed it anew.
    set(watched "")
    cmake_path(IS_PREFIX CMAKE_BINARY_DIR "${dir}" built)
    if(NOT built)
        file(GLOB_RECURSE watched CONFIGURE_DEPENDS "${dir}/*")
    endif()
    file(MAKE_DIRECTORY "${root}/embedded")
    file(CONFIGURE OUTPUT "${root}/embedded/${EMBED_NAME}_files.hpp" @ONLY CONTENT [[
#pragma once

#include <vector>

#include "http/static_files.hpp"

namespace carillon::embedded {
const std::vector<http::EmbeddedFile>& @EMBED_NAME@_files();
}
]])
    # The stamp tells that the step ran; the source is only touched when it differs, which spares a compilation.
    add_custom_command(
        OUTPUT "${stamp}"
        BYPRODUCTS "${source}"
        COMMAND node "${CMAKE_SOURCE_DIR}/cmake/gzip_files.mjs" "${dir}" "${gzipped}"
        COMMAND "${CMAKE_COMMAND}" "-DNAME=${EMBED_NAME}" "-DDIR=${dir}" "-DGZIPPED=${gzipped}" "-DOUT=${source}"
                -P "${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake"
        COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
        DEPENDS ${watched} ${EMBED_DEPENDS} "${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake"
                "${CMAKE_SOURCE_DIR}/cmake/gzip_files.mjs"
        COMMENT "Embedding ${dir}"
        VERBATIM)
    set_source_files_properties("${source}" PROPERTIES GENERATED TRUE OBJECT_DEPENDS "${stamp}")
    target_sources(${EMBED_TARGET} PRIVATE "${source}" "${stamp}")
    target_include_directories(${EMBED_TARGET} PRIVATE "${root}")
endfunction()

# Appends the declaration of one file's bytes to `bytes` of the caller.
macro(carillon_append_bytes symbol path)
    # A byte after the content, so that the symbols of an empty file have a place.
    string(APPEND bytes
        "__asm__(\".pushsection .rodata\\n\"\n"
        "        \"${symbol}: .incbin \\\"${path}\\\"\\n\"\n"
        "        \"${symbol}_end: .byte 0\\n\"\n"
        "        \".popsection\\n\"\n"
        "        \".globl ${symbol}\\n.globl ${symbol}_end\\n\");\n"
        "extern \"C\" const char ${symbol}[];\n"
        "extern \"C\" const char ${symbol}_end[];\n\n")
endmacro()

function(carillon_write_embedded)
    file(GLOB_RECURSE files RELATIVE "${DIR}" "${DIR}/*")
    list(SORT files)
    if(NOT files)
        message(FATAL_ERROR "nothing to embed in ${DIR}")
    endif()
    set(bytes "")
    set(rows "")
    set(index 0)
    foreach(file ${files})
        file(SHA256 "${DIR}/${file}" hash)
        string(SUBSTRING "${hash}" 0 32 tag)
        set(symbol "carillon_embedded_${NAME}_${index}")
        carillon_append_bytes(${symbol} "${DIR}/${file}")
        set(gzipped "{}")
        if(EXISTS "${GZIPPED}/${file}.gz")
            # The compressor is part of the tag: another one may give other bytes of the same content.
            file(SHA256 "${GZIPPED}/${file}.gz" gzip_hash)
            string(SUBSTRING "${gzip_hash}" 0 32 gzip_tag)
            carillon_append_bytes(${symbol}_gzip "${GZIPPED}/${file}.gz")
            set(gzipped "{bytes(${symbol}_gzip, ${symbol}_gzip_end), \"\\\"${gzip_tag}\\\"\"}")
        endif()
        string(APPEND rows
            "        {\"/${file}\", carillon::http::content_type_of(\"/${file}\"), "
            "{bytes(${symbol}, ${symbol}_end), \"\\\"${tag}\\\"\"}, ${gzipped}},\n")
        math(EXPR index "${index} + 1")
    endforeach()
    set(text "// Made by cmake/EmbedFiles.cmake.\n#include \"embedded/${NAME}_files.hpp\"\n\n${bytes}")
    string(APPEND text
        "namespace {\n\n"
        "std::string_view bytes(const char* begin, const char* end) {\n"
        "    return {begin, static_cast<std::size_t>(end - begin)};\n}\n\n"
        "}  // namespace\n\n"
        "const std::vector<carillon::http::EmbeddedFile>& carillon::embedded::${NAME}_files() {\n"
        "    static const std::vector<carillon::http::EmbeddedFile> files{\n${rows}    };\n"
        "    return files;\n}\n")
    set(old "")
    if(EXISTS "${OUT}")
        file(READ "${OUT}" old)
    endif()
    if(NOT old STREQUAL text)
        file(WRITE "${OUT}" "${text}")
    endif()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    carillon_write_embedded()
endif()
