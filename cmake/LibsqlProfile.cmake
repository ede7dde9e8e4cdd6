# Profile-guided optimisation (preset release-pgo), all inside one build: this build configures itself a second time in
# pgo/ with instrumentation, builds the library and bench/pgo_training.cpp there, runs that, and compiles the engine and the
# rooms with the profile it left. The stamp is a dependency of every object, so a changed source trains again.

set(_pgo_dir "${PROJECT_BINARY_DIR}/pgo")

if(LIBSQL_PGO AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  message(FATAL_ERROR "LIBSQL_PGO is written for GCC; the compiler is ${CMAKE_CXX_COMPILER_ID}")
endif()

if(LIBSQL_PGO STREQUAL "use")
  set(LIBSQL_PROFILE_STAMP "${_pgo_dir}/trained.stamp")
  file(GLOB_RECURSE _trained_sources CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/src/*.cpp" "${PROJECT_SOURCE_DIR}/src/*.hpp" "${PROJECT_SOURCE_DIR}/include/libsql/*.hpp")
  add_custom_command(OUTPUT "${LIBSQL_PROFILE_STAMP}"
    COMMAND ${CMAKE_COMMAND} -S "${PROJECT_SOURCE_DIR}" -B "${_pgo_dir}/build" -G "${CMAKE_GENERATOR}"
      "-DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}" "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}"
      "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}" "-DLIBSQL_SQLITE_DIR=${LIBSQL_SQLITE_DIR}"
      "-DLIBSQL_PGO=generate" "-DLIBSQL_PGO_PROFILE=${_pgo_dir}/profile"
      -DLIBSQL_BUILD_CLI=OFF -DLIBSQL_BUILD_TESTS=OFF -DLIBSQL_BUILD_EXAMPLES=OFF -DLIBSQL_BUILD_BENCH=OFF
      -DLIBSQL_INSTALL=OFF "-DLIBSQL_WERROR=${LIBSQL_WERROR}"
    COMMAND ${CMAKE_COMMAND} --build "${_pgo_dir}/build" --target libsql_pgo_training
    COMMAND ${CMAKE_COMMAND} -E rm -rf "${_pgo_dir}/profile"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${_pgo_dir}/work"
    COMMAND "${_pgo_dir}/build/libsql_pgo_training" "${_pgo_dir}/work"
    COMMAND ${CMAKE_COMMAND} -E touch "${LIBSQL_PROFILE_STAMP}"
    DEPENDS ${_trained_sources} "${PROJECT_SOURCE_DIR}/bench/pgo_training.cpp"
    COMMENT "Training the profile-guided build"
    USES_TERMINAL VERBATIM)
  add_custom_target(libsql_profile_trained DEPENDS "${LIBSQL_PROFILE_STAMP}")
endif()

# The program whose run makes the profile, in the training stage.
function(libsql_training_program)
  add_executable(libsql_pgo_training "${PROJECT_SOURCE_DIR}/bench/pgo_training.cpp")
  libsql_own_code(libsql_pgo_training)
  target_link_libraries(libsql_pgo_training PRIVATE libsql_static)
  # The counters live in the library's objects; the run-time part that writes them comes with this option.
  target_link_options(libsql_pgo_training PRIVATE "-fprofile-generate=${LIBSQL_PGO_PROFILE}")
endfunction()

# Compiles a target of the library for or with the profile. SOURCES are those given to the target.
function(libsql_profile target)
  if(LIBSQL_PGO STREQUAL "generate")
    target_compile_options(${target} PRIVATE
      "-fprofile-generate=${LIBSQL_PGO_PROFILE}" "-fprofile-prefix-path=${PROJECT_BINARY_DIR}"
      -fprofile-update=prefer-atomic)
  elseif(LIBSQL_PGO STREQUAL "use")
    target_compile_options(${target} PRIVATE
      "-fprofile-use=${_pgo_dir}/profile" "-fprofile-prefix-path=${PROJECT_BINARY_DIR}"
      # What the training does not reach is compiled as without a profile instead of for size.
      -fprofile-partial-training
      # Atomic counters of code that ran on several threads may still disagree by a little.
      -fprofile-correction -Wno-missing-profile)
    set_property(SOURCE ${ARGN} APPEND PROPERTY OBJECT_DEPENDS "${LIBSQL_PROFILE_STAMP}")
    add_dependencies(${target} libsql_profile_trained)
  endif()
endfunction()
