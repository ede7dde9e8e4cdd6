#include "core/session_base.hpp"

#include <algorithm>

namespace libsql::core {

const Mark* SessionBase::find_mark(std::uint64_t id) const noexcept {
  const auto found = std::find_if(marks_.begin(), marks_.end(), [&](const Mark& mark) { return mark.id == id; });
  return found == marks_.end() ? nullptr : &*found;
}

std::uint64_t SessionBase::add_mark(std::string_view name, bool watches) {
  // The number of those around it, not a new one each time: so the texts are found in the cache of statements.
  std::string engine_name = std::string(name) + ":libsql:" + std::to_string(marks_.size());
  marks_.push_back({++last_handle_, std::move(engine_name), watches});
  return last_handle_;
}

}  // namespace libsql::core
