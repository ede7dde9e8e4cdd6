# How the project's own code is compiled: cache, warnings, sanitizers, visibility.

find_package(Threads REQUIRED)

# A profile is an input that ccache does not see in every case, so the profile-guided build goes without it.
find_program(LIBSQL_CCACHE ccache)
if(LIBSQL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER AND NOT LIBSQL_PGO)
  # Precompiled headers are cached only if ccache is told to ignore what it cannot see inside them. Paths are looked up
  # relative to the source folder, so that another checkout finds what this one has compiled.
  set(_launcher "${CMAKE_COMMAND}" -E env
    "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" "CCACHE_NOHASHDIR=1"
    "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${LIBSQL_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER ${_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${_launcher})
endif()

if(LIBSQL_SANITIZE)
  add_compile_options(-fsanitize=${LIBSQL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LIBSQL_SANITIZE})
endif()

# Options of our own code only: the engine is compiled as its authors wrote it.
function(libsql_own_code target)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual>
    $<$<BOOL:${LIBSQL_WERROR}>:-Werror>
    # Our functions are not meant to be replaced at run time, so calls among them need no indirection.
    -fno-semantic-interposition)
  set_target_properties(${target} PROPERTIES
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
endfunction()

# The coverage that guides the fuzzers. A precompiled header is only taken by code with the same instrumentation.
function(libsql_fuzz_coverage target)
  if(LIBSQL_BUILD_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# With LIBSQL_PCH, the standard headers come precompiled, once for all targets.
function(libsql_precompile target)
  if(NOT LIBSQL_PCH)
    return()
  endif()
  if(NOT TARGET libsql_standard_pch)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/standard_pch.cpp" CONTENT "")
    add_library(libsql_standard_pch OBJECT "${PROJECT_BINARY_DIR}/standard_pch.cpp")
    libsql_own_code(libsql_standard_pch)
    libsql_fuzz_coverage(libsql_standard_pch)
    target_link_libraries(libsql_standard_pch PRIVATE Threads::Threads)
    target_precompile_headers(libsql_standard_pch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch/standard.hpp")
  endif()
  target_precompile_headers(${target} REUSE_FROM libsql_standard_pch)
endfunction()

# A room of the library (docs/architecture.md): an object library from explicit sources, linked to the rooms below it.
function(libsql_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_library(libsql_${name} OBJECT ${ARG_SOURCES})
  libsql_own_code(libsql_${name})
  target_include_directories(libsql_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include")
  target_compile_definitions(libsql_${name} PRIVATE LIBSQL_BUILDING)
  target_link_libraries(libsql_${name} PRIVATE Threads::Threads ${ARG_USES})
  libsql_precompile(libsql_${name})
  libsql_fuzz_coverage(libsql_${name})
  libsql_profile(libsql_${name} ${ARG_SOURCES})
  set_property(GLOBAL APPEND PROPERTY LIBSQL_ROOMS libsql_${name})
endfunction()
