// Where a dump to load comes from.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace libsql::server {

/// Reads what `url` names, piece by piece. file: URLs lead to files in `directory` only, an empty one allows none;
/// http: and https: are fetched. Throws AdminError.
void read_dump(const std::string& url, const std::filesystem::path& directory,
               const std::function<void(std::string_view)>& on_piece);

/// `directory`/`name` as an absolute path, if that is what it is: no way leads out of the directory, by `..` or by a
/// symbolic link. Throws AdminError.
std::filesystem::path path_within(const std::filesystem::path& directory, const std::filesystem::path& name);

}  // namespace libsql::server
