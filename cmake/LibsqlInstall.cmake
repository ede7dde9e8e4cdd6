# install(): the libraries, the headers, the program, the loadable extension, a CMake package and a pkg-config file. All paths
# in them are relative to where they lie, so that the installed tree can be moved.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/libsql")
set(_extension_dir "${CMAKE_INSTALL_LIBDIR}/libsql")

install(TARGETS libsql_static libsql_shared EXPORT libsqlTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/libsql" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/libsql")
if(TARGET libsql_cli)
  install(TARGETS libsql_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
if(TARGET libsql_functions_extension)
  install(TARGETS libsql_functions_extension LIBRARY DESTINATION "${_extension_dir}")
endif()

install(EXPORT libsqlTargets NAMESPACE libsql:: DESTINATION "${_package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/libsqlConfig.cmake.in" "${PROJECT_BINARY_DIR}/libsqlConfig.cmake"
  INSTALL_DESTINATION "${_package_dir}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/libsqlConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/libsqlConfig.cmake" "${PROJECT_BINARY_DIR}/libsqlConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/Findzstd.cmake" DESTINATION "${_package_dir}")

# From the pkg-config file's own directory up to the prefix.
file(RELATIVE_PATH LIBSQL_PC_TO_PREFIX "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" LIBSQL_PC_TO_PREFIX "${LIBSQL_PC_TO_PREFIX}")
set(LIBSQL_PC_REQUIRES "libssl libcrypto libzstd")
if(LIBSQL_ENGINE_IS_SYSTEM)
  string(APPEND LIBSQL_PC_REQUIRES " sqlite3")
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/libsql.pc.in" "${PROJECT_BINARY_DIR}/libsql.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/libsql.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
