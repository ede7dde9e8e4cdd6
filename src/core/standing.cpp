#include "core/standing.hpp"

#include <utility>

#include <libsql/error.hpp>

#include "core/errors.hpp"

namespace libsql::core {

void Standing::end(std::string reason) noexcept {
  if (reason.empty()) reason = "given up";  // fits into the string itself: no memory is needed
  reason_ = std::move(reason);
}

void Standing::fail() const {
  detail::ErrorData data;
  data.code = ErrorCode::Misuse;
  data.message = reason_;
  data.session_usable = false;
  throw_error(std::move(data));
}

void StatementsInUse::add(std::string_view sql) {
  constexpr std::size_t kNamed = 5;
  if (count_++ < kNamed) named_.append(named_.empty() ? "'" : ", '").append(sql).append("'");
}

void StatementsInUse::require_none() const {
  if (count_ == 0) return;
  throw_error(ErrorCode::Misuse, "the connection cannot be closed: " + std::to_string(count_) +
                                     (count_ == 1 ? " statement is" : " statements are") + " still in use: " + named_);
}

}  // namespace libsql::core
