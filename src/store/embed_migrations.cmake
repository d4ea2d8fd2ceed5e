# carillon_embed_migrations(<room> <function> [<folder>])
#
# Compiles src/<room>/migrations/[<folder>/]NNNN_name.sql into the room's library as
#   const std::vector<carillon::store::Migration>& carillon::store::<function>();
# in the order of their numbers, which must be dense from 1.

function(carillon_embed_migrations room function)
    carillon_room_target(target ${room})
    file(GLOB files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${room}/migrations/${ARGV2}/*.sql")
    list(SORT files)
    set(expected 0)
    set(entries "")
    foreach(file ${files})
        get_filename_component(base "${file}" NAME_WE)
        if(NOT base MATCHES "^0*([1-9][0-9]*)_([a-z0-9_]+)$")
            message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
        endif()
        set(number ${CMAKE_MATCH_1})
        set(name ${CMAKE_MATCH_2})
        math(EXPR expected "${expected} + 1")
        if(NOT number EQUAL expected)
            message(FATAL_ERROR "${file}: the next migration has the number ${expected}")
        endif()
        file(READ "${file}" sql)
        string(APPEND entries "        {${number}, \"${name}\", R\"sql(\n${sql})sql\"},\n")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    endforeach()
    string(REPLACE "/" "_" flat "${room}/${ARGV2}")
    set(generated "${CMAKE_BINARY_DIR}/generated/${flat}_migrations.cpp")
    file(CONFIGURE OUTPUT "${generated}" @ONLY CONTENT "// Generated from src/@room@/migrations/.
#include <vector>

#include \"store/migration.hpp\"

namespace carillon::store {

const std::vector<Migration>& @function@();

const std::vector<Migration>& @function@() {
    static const std::vector<Migration> kMigrations{
@entries@    };
    return kMigrations;
}

}  // namespace carillon::store
")
    target_sources(${target} PRIVATE "${generated}")
endfunction()
