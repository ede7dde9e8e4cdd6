// For maps with strings as keys, so that they can be searched with a string_view.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace libsql::server {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

}  // namespace libsql::server
