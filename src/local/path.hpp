// How a database is named: a file, a URI, or in memory.
#pragma once

#include <string_view>

namespace libsql::local {

/// Whether `path` names a database in memory: ":memory:", or a URI that means the same and asks for nothing else, such
/// as a VFS or the engine's shared cache.
bool names_memory(std::string_view path);

}  // namespace libsql::local
