// The few colours the shell uses.
#pragma once

#include <string_view>

namespace libsql::cli::style {

inline constexpr std::string_view kBold = "\x1B[1m";
inline constexpr std::string_view kDim = "\x1B[2m";
inline constexpr std::string_view kError = "\x1B[1;31m";
inline constexpr std::string_view kPlain = "\x1B[0m";

/// Whether the user wants colours at all: not with NO_COLOR (https://no-color.org) or TERM=dumb.
bool wanted() noexcept;

}  // namespace libsql::cli::style
