// Reads a dump that is to be loaded.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace libsql::server {

/// Reads the dump at `url` piece by piece. file: URLs can only name files in `directory`; if that is empty, none. http:
/// and https: are fetched. Throws AdminError.
void read_dump(const std::string& url, const std::filesystem::path& directory,
               const std::function<void(std::string_view)>& on_piece);

/// `directory`/`name` as an absolute path. Throws AdminError if it leads out of the directory, through `..` or a
/// symbolic link.
std::filesystem::path path_within(const std::filesystem::path& directory, const std::filesystem::path& name);

}  // namespace libsql::server
