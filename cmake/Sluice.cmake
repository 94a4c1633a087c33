# Build helpers: one folder is one library, one file in tests/unit is one test program.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

option(SLUICE_WERROR "Warnings are errors" OFF)
set(SLUICE_SANITIZE "" CACHE STRING "address,undefined or thread; empty for none")

add_library(sluice_options INTERFACE)
target_include_directories(sluice_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
target_compile_definitions(sluice_options INTERFACE _GNU_SOURCE SLUICE_VERSION="${PROJECT_VERSION}")
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Wshadow -Wno-unused-parameter
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes -Wstrict-prototypes>
  $<$<COMPILE_LANGUAGE:C>:-include${CMAKE_SOURCE_DIR}/core/banned.h>
  $<$<BOOL:${SLUICE_WERROR}>:-Werror>
  -fno-omit-frame-pointer)
# Input never reaches an assert, so asserts stay in release builds: they are our own bugs.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
endif()

# Relative relocations in a bitmap: the dynamic linker reads a twentieth of the pages (docs/performance.md, "Idle").
include(CheckLinkerFlag)
check_linker_flag(C -Wl,-z,pack-relative-relocs SLUICE_PACKED_RELOCATIONS)
if(SLUICE_PACKED_RELOCATIONS)
  add_link_options(-Wl,-z,pack-relative-relocs)
endif()
add_link_options(-Wl,--gc-sections)

# sluice_library(NAME [FROM room...] [LINK lib...]): all *.c and *.cc of the folder, or of these rooms of it, as a static library
# sluice_NAME.
function(sluice_library name)
  cmake_parse_arguments(ARG "" "" "FROM;LINK" ${ARGN})
  if(NOT ARG_FROM)
    set(ARG_FROM .)
  endif()
  set(sources "")
  foreach(room ${ARG_FROM})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.c ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.cc)
    list(APPEND sources ${found})
  endforeach()
  add_library(sluice_${name} STATIC ${sources})
  target_link_libraries(sluice_${name} PUBLIC sluice_options Threads::Threads ${ARG_LINK})
endfunction()

# sluice_unit_tests(LINK lib...): every test_*.c of the folder becomes a cmocka program and a ctest of that name.
function(sluice_unit_tests)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.c)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} cmocka)
    add_test(NAME unit/${name} COMMAND ${name})
    set_tests_properties(unit/${name} PROPERTIES LABELS unit TIMEOUT 120)
  endforeach()
endfunction()

# sluice_archive(VARIABLE name): the library as an archive where the system has one, otherwise the shared one. For libraries that most servers
# never call into: a shared one costs every process its relocations and tables (docs/performance.md, "Idle"), an archive only the pages that are touched.
function(sluice_archive variable name)
  find_library(${variable} NAMES lib${name}.a ${name} REQUIRED)
endfunction()
