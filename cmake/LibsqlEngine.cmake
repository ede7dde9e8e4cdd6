# The engine: a SQLite amalgamation compiled into the library, or the system's libsqlite3.
# Taken in this order: -DLIBSQL_SQLITE_DIR, the npm package that package-lock.json pins, the system library.
# Defines the target libsql_sqlite3 that the rooms `engine` and `functions` link.

set(_npm_engine "${PROJECT_SOURCE_DIR}/node_modules/better-sqlite3-multiple-ciphers/deps/sqlite3")
if(LIBSQL_SQLITE_DIR)
  if(NOT EXISTS "${LIBSQL_SQLITE_DIR}/sqlite3.c" OR NOT EXISTS "${LIBSQL_SQLITE_DIR}/sqlite3.h")
    message(FATAL_ERROR "LIBSQL_SQLITE_DIR=${LIBSQL_SQLITE_DIR} holds no sqlite3.c and sqlite3.h")
  endif()
  set(LIBSQL_ENGINE_DIR "${LIBSQL_SQLITE_DIR}")
elseif(EXISTS "${_npm_engine}/sqlite3.c")
  set(LIBSQL_ENGINE_DIR "${_npm_engine}")
else()
  set(LIBSQL_ENGINE_DIR "")
endif()

if(LIBSQL_ENGINE_DIR)
  message(STATUS "Engine: amalgamation in ${LIBSQL_ENGINE_DIR}")
  set(LIBSQL_ENGINE_IS_SYSTEM OFF)
  # A copy in which the I/O layer of SQLite3 Multiple Ciphers passes on all errors, and functions of SQLite end with their
  # call, and which has RANDOM ROWID; other amalgamations stay as they are.
  set(_engine_copy "${PROJECT_BINARY_DIR}/engine")
  file(MAKE_DIRECTORY "${_engine_copy}")
  add_custom_command(OUTPUT "${_engine_copy}/sqlite3.c"
    COMMAND ${CMAKE_COMMAND} "-DINPUT=${LIBSQL_ENGINE_DIR}/sqlite3.c" "-DOUTPUT=${_engine_copy}/sqlite3.c"
      -P "${PROJECT_SOURCE_DIR}/cmake/MendEngine.cmake"
    COMMAND ${CMAKE_COMMAND} "-DFILE=${_engine_copy}/sqlite3.c"
      -P "${PROJECT_SOURCE_DIR}/cmake/InterruptibleEngine.cmake"
    COMMAND ${CMAKE_COMMAND} "-DFILE=${_engine_copy}/sqlite3.c"
      -P "${PROJECT_SOURCE_DIR}/cmake/LibsqlLanguageEngine.cmake"
    COMMAND ${CMAKE_COMMAND} "-DFILE=${_engine_copy}/sqlite3.c"
      -P "${PROJECT_SOURCE_DIR}/cmake/AuthorizedEngine.cmake"
    COMMAND ${CMAKE_COMMAND} "-DFILE=${_engine_copy}/sqlite3.c"
      -P "${PROJECT_SOURCE_DIR}/cmake/WatchedLogEngine.cmake"
    COMMAND ${CMAKE_COMMAND} "-DFILE=${_engine_copy}/sqlite3.c"
      -P "${PROJECT_SOURCE_DIR}/cmake/UnreadLogEngine.cmake"
    DEPENDS "${LIBSQL_ENGINE_DIR}/sqlite3.c" "${PROJECT_SOURCE_DIR}/cmake/MendEngine.cmake"
      "${PROJECT_SOURCE_DIR}/cmake/InterruptibleEngine.cmake" "${PROJECT_SOURCE_DIR}/cmake/LibsqlLanguageEngine.cmake"
      "${PROJECT_SOURCE_DIR}/cmake/AuthorizedEngine.cmake" "${PROJECT_SOURCE_DIR}/cmake/WatchedLogEngine.cmake"
      "${PROJECT_SOURCE_DIR}/cmake/UnreadLogEngine.cmake" "${PROJECT_SOURCE_DIR}/cmake/EngineText.cmake"
    COMMENT "Mending the engine" VERBATIM)
  set(_engine_source "${PROJECT_SOURCE_DIR}/src/engine/amalgamation.c")  # includes that copy
  add_library(libsql_sqlite3 OBJECT "${_engine_source}")
  set_property(SOURCE "${_engine_source}" APPEND PROPERTY OBJECT_DEPENDS "${_engine_copy}/sqlite3.c")
  target_include_directories(libsql_sqlite3 BEFORE PRIVATE "${_engine_copy}")
  target_include_directories(libsql_sqlite3 SYSTEM PUBLIC "${LIBSQL_ENGINE_DIR}")
  target_include_directories(libsql_sqlite3 PRIVATE "${PROJECT_SOURCE_DIR}/src")
  set_target_properties(libsql_sqlite3 PROPERTIES C_VISIBILITY_PRESET hidden)
  target_compile_options(libsql_sqlite3 PRIVATE -w)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i[3-6]86")
    # The ciphers choose AES-NI at run time, but the compiler must be allowed to emit it.
    target_compile_options(libsql_sqlite3 PRIVATE -maes -mssse3)
  endif()
  target_compile_definitions(libsql_sqlite3 PRIVATE
    # One connection is used by one thread at a time (the rule of every public header), so no mutex per connection.
    SQLITE_THREADSAFE=2
    SQLITE_DEFAULT_MEMSTATUS=0
    SQLITE_DQS=0
    SQLITE_LIKE_DOESNT_MATCH_BLOBS
    SQLITE_MAX_EXPR_DEPTH=1000
    SQLITE_DEFAULT_WAL_SYNCHRONOUS=1
    SQLITE_USE_URI=1
    SQLITE_SOUNDEX
    SQLITE_ENABLE_MATH_FUNCTIONS
    SQLITE_ENABLE_FTS5
    SQLITE_ENABLE_FTS4
    SQLITE_ENABLE_RTREE
    SQLITE_ENABLE_GEOPOLY
    SQLITE_ENABLE_STAT4
    SQLITE_ENABLE_NORMALIZE
    SQLITE_ENABLE_UPDATE_DELETE_LIMIT
    SQLITE_ENABLE_DBSTAT_VTAB
    SQLITE_ENABLE_STMT_SCANSTATUS
    HAVE_USLEEP=1
    HAVE_MALLOC_USABLE_SIZE=1)
  # These change what sqlite3.h declares, so those who include it see them too.
  target_compile_definitions(libsql_sqlite3 PUBLIC
    SQLITE_ENABLE_COLUMN_METADATA
    SQLITE_ENABLE_SESSION
    SQLITE_ENABLE_PREUPDATE_HOOK
    SQLITE_ENABLE_DBPAGE_VTAB
    SQLITE_ENABLE_STMTVTAB
    SQLITE_ENABLE_SNAPSHOT
    SQLITE_ENABLE_UNLOCK_NOTIFY)
  if(LIBSQL_BUILD_FUZZ)  # The fuzzers look for faults in our decoders; an engine at full speed shows them more inputs.
    target_compile_options(libsql_sqlite3 PRIVATE -fno-sanitize=all)
  elseif(LIBSQL_SANITIZE MATCHES "undefined")  # Its authors look after that; here it only doubles the time to compile it.
    target_compile_options(libsql_sqlite3 PRIVATE -fno-sanitize=undefined)
  endif()
  libsql_profile(libsql_sqlite3 "${_engine_source}")
  target_link_libraries(libsql_sqlite3 PUBLIC Threads::Threads ${CMAKE_DL_LIBS} m)
else()
  find_package(SQLite3 3.35 REQUIRED)
  message(STATUS "Engine: the system's SQLite ${SQLite3_VERSION} (what it lacks is reported as Unsupported)")
  set(LIBSQL_ENGINE_IS_SYSTEM ON)
  add_library(libsql_sqlite3 INTERFACE)
  target_link_libraries(libsql_sqlite3 INTERFACE SQLite::SQLite3 Threads::Threads ${CMAKE_DL_LIBS})
  target_compile_definitions(libsql_sqlite3 INTERFACE LIBSQL_SYSTEM_SQLITE)
endif()
