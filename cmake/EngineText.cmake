# For scripts that change FILE, an amalgamation of SQLite of which they know one release: reads it into _source, and sets _known
# to whether it is that release; of another one they leave alone what _what says.

file(READ "${FILE}" _source)
if(_source MATCHES "#define SQLITE_VERSION +\"3\\.53\\.")
  set(_known TRUE)
else()
  set(_known FALSE)
  message(STATUS "Engine: ${_what}, which is known how to do for SQLite 3.53 only")
endif()

# replace(WHAT BEFORE AFTER): BEFORE stands in the source once; AFTER takes its place.
function(replace what before after)
  string(FIND "${_source}" "${before}" _at)
  string(FIND "${_source}" "${before}" _last REVERSE)
  if(_at EQUAL -1 OR NOT _at EQUAL _last)
    message(FATAL_ERROR "${FILE}: ${what} looks different from what ${CMAKE_SCRIPT_MODE_FILE} knows. Read it and adapt "
      "the script.")
  endif()
  string(LENGTH "${before}" _size)
  math(EXPR _behind "${_at} + ${_size}")
  string(SUBSTRING "${_source}" 0 ${_at} _head)
  string(SUBSTRING "${_source}" ${_behind} -1 _tail)
  string(CONCAT _source "${_head}" "${after}" "${_tail}")
  set(_source "${_source}" PARENT_SCOPE)
endfunction()

# add(WHAT BEFORE MORE): MORE behind BEFORE.
macro(add what before more)
  replace("${what}" "${before}" "${before}${more}")
endmacro()
