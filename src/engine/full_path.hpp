// The name of a database file that means the same file whatever the working directory is.
#pragma once

#include <string>

namespace libsql::engine {

/// `path` as the VFS completes it: absolute, with symbolic links followed where the VFS does that. `path` is what
/// sqlite3_open_v2() takes, a `file:` URI if `is_uri`; one that names no file (in memory, temporary) stays as it is,
/// and so does one that cannot be completed: opening it says why. `vfs`: empty is the default, and the URI may name
/// another.
std::string full_path(const std::string& path, const std::string& vfs, bool is_uri);

}  // namespace libsql::engine
