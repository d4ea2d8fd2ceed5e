# carillon_room(NAME <path> LAYER <n> [DEPS room...] [LIBS target...] [TESTING] [TEST_DEPS room...] [TEST_LIBS target...])
#
# One call per room. Makes the static library carillon_<name> from src/<path>/*.cpp, its tests from *_test.cpp and its
# benchmarks from *_bench.cpp (the suffix of a file is its kind). Tests that want a PostgreSQL server, *_pgtest.cpp, are
# an executable of their own, <name>_pgtests, and one entry of ctest: it starts a server for all of them. Those that want
# NATS, *_natstest.cpp, are <name>_natstests; each starts a nats-server of its own.
#
# The layering is enforced here, twice: a dependency on the same or a higher layer is refused at configure time, and each
# room has an include root of its own, holding links to that room's headers only, so that including a room that is not
# linked fails to compile. A sub-room (store/sqlite) is a room of its own.
#
# TESTING marks a room of test support: only TEST_DEPS of other rooms may name it.

function(carillon_room_target out path)
    string(REPLACE "/" "_" flat "${path}")
    set(${out} "carillon_${flat}" PARENT_SCOPE)
endfunction()

function(carillon_room)
    cmake_parse_arguments(ROOM "TESTING" "NAME;LAYER" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
    if(ROOM_TESTING AND NOT CARILLON_BUILD_TESTS)
        return()
    endif()
    carillon_room_target(target ${ROOM_NAME})
    string(REPLACE "/" "_" flat "${ROOM_NAME}")
    set(dir "${CMAKE_SOURCE_DIR}/src/${ROOM_NAME}")

    file(GLOB sources CONFIGURE_DEPENDS "${dir}/*.cpp")
    set(tests ${sources})
    set(benches ${sources})
    set(pgtests ${sources})
    list(FILTER sources EXCLUDE REGEX "(_(test|pgtest|natstest|bench|fuzz)|/main)\\.cpp$")
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
    list(FILTER pgtests INCLUDE REGEX "_pgtest\\.cpp$")

    # The include root of this room: links to its own headers, nothing else.
    file(GLOB headers CONFIGURE_DEPENDS "${dir}/*.hpp")
    set(root "${CMAKE_BINARY_DIR}/roots/${flat}")
    file(MAKE_DIRECTORY "${root}/${ROOM_NAME}")
    foreach(header ${headers})
        get_filename_component(name "${header}" NAME)
        file(CREATE_LINK "${header}" "${root}/${ROOM_NAME}/${name}" SYMBOLIC)
    endforeach()

    if(sources)
        add_library(${target} STATIC ${sources})
        set(scope PUBLIC)
        target_link_libraries(${target} PRIVATE carillon_warnings)
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(${target} ${scope} "${root}")
    target_link_libraries(${target} ${scope} carillon_options ${ROOM_LIBS})
    set_property(TARGET ${target} PROPERTY CARILLON_LAYER ${ROOM_LAYER})
    set_property(TARGET ${target} PROPERTY CARILLON_TESTING ${ROOM_TESTING})

    foreach(dep ${ROOM_DEPS})
        carillon_room_target(dep_target ${dep})
        if(NOT TARGET ${dep_target})
            message(FATAL_ERROR "room ${ROOM_NAME}: depends on ${dep}, which is not a room declared before it")
        endif()
        get_property(dep_layer TARGET ${dep_target} PROPERTY CARILLON_LAYER)
        get_property(dep_testing TARGET ${dep_target} PROPERTY CARILLON_TESTING)
        # An adapter sits in its port's room, one level deeper, and is the one exception to "lower layers only".
        string(FIND "${ROOM_NAME}" "${dep}/" parent)
        if(dep_layer GREATER_EQUAL ROOM_LAYER AND NOT parent EQUAL 0)
            message(FATAL_ERROR
                "room ${ROOM_NAME} (layer ${ROOM_LAYER}) must not depend on ${dep} (layer ${dep_layer}): lower layers only")
        endif()
        if(dep_testing AND NOT ROOM_TESTING)
            message(FATAL_ERROR "room ${ROOM_NAME}: ${dep} is test support; name it in TEST_DEPS")
        endif()
        target_link_libraries(${target} ${scope} ${dep_target})
    endforeach()

    set(test_targets "")
    foreach(dep ${ROOM_TEST_DEPS})
        carillon_room_target(dep_target ${dep})
        list(APPEND test_targets ${dep_target})
    endforeach()
    if(tests AND CARILLON_BUILD_TESTS)
        add_executable(${flat}_tests ${tests})
        target_link_libraries(${flat}_tests PRIVATE carillon_warnings ${target} ${test_targets} ${ROOM_TEST_LIBS}
            GTest::gmock GTest::gtest_main)
        gtest_discover_tests(${flat}_tests TEST_PREFIX "${ROOM_NAME}/" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
    endif()
    file(GLOB natstests CONFIGURE_DEPENDS "${dir}/*_natstest.cpp")
    if(natstests AND CARILLON_BUILD_TESTS)
        add_executable(${flat}_natstests ${natstests})
        target_link_libraries(${flat}_natstests PRIVATE carillon_warnings ${target} ${test_targets} ${ROOM_TEST_LIBS}
            GTest::gmock GTest::gtest_main)
        gtest_discover_tests(${flat}_natstests TEST_PREFIX "${ROOM_NAME}/" DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
    endif()
    if(pgtests AND CARILLON_BUILD_TESTS)
        add_executable(${flat}_pgtests ${pgtests})
        target_link_libraries(${flat}_pgtests PRIVATE carillon_warnings ${target} ${test_targets} ${ROOM_TEST_LIBS}
            carillon_store_postgres_testing GTest::gmock GTest::gtest)
        add_test(NAME "${ROOM_NAME}/pgtests" COMMAND ${flat}_pgtests)
        # The longest by far: first, so that the others run beside it.
        set_tests_properties("${ROOM_NAME}/pgtests" PROPERTIES TIMEOUT 1200 COST 1000)
    endif()
    if(benches AND CARILLON_BUILD_BENCH)
        add_executable(${flat}_bench EXCLUDE_FROM_ALL ${benches})
        target_link_libraries(${flat}_bench PRIVATE carillon_warnings ${target} ${test_targets} benchmark::benchmark_main)
        add_dependencies(benches ${flat}_bench)
    endif()
endfunction()
