// What a database is called: a file, a URI, or a place in memory.
#pragma once

#include <string_view>

namespace libsql::local {

/// Whether it names a database in memory: ":memory:", or a URI that says the same and asks for nothing else, such as
/// a VFS or the engine's shared cache.
bool names_memory(std::string_view path);

}  // namespace libsql::local
