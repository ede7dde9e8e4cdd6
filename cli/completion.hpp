// What a word that is being typed may become.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <libsql/connection.hpp>

namespace libsql::cli {

/// Dot commands and their arguments at the start of a line; else keywords, tables, columns and functions. `connection`
/// may be null. Keywords come in the case that the word is written in.
std::vector<std::string> complete_word(Connection* connection, std::string_view line, std::size_t word_start);

}  // namespace libsql::cli
