// Extensions that an operator trusts, by the digests of their files.
#pragma once

#include <filesystem>
#include <vector>

namespace libsql::server {

/// The files that `directory`/trusted.lst lists, each line being the SHA-256 in hexadecimal, two blanks and a name, as
/// sha256sum writes them. Throws ConfigError if a line is malformed, a file is missing or has another digest.
std::vector<std::filesystem::path> trusted_extensions(const std::filesystem::path& directory);

}  // namespace libsql::server
