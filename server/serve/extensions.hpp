// Extensions that the operator trusts, identified by the digests of their files.
#pragma once

#include <filesystem>
#include <vector>

namespace libsql::server {

/// The files listed in `directory`/trusted.lst. As written by sha256sum, each line has a SHA-256 in hexadecimal, two
/// blanks and a name. Throws ConfigError if a line is malformed, or a file is missing or has another digest.
std::vector<std::filesystem::path> trusted_extensions(const std::filesystem::path& directory);

}  // namespace libsql::server
