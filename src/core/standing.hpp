// Whether something can still be used, and why not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace libsql::core {

/// Of a session or a connection. Threads: one at a time.
class Standing {
 public:
  bool is_good() const noexcept { return reason_.empty(); }
  /// Empty while it is good.
  const std::string& reason() const noexcept { return reason_; }
  /// Throws Misuse with the reason.
  void require() const {
    if (!reason_.empty()) [[unlikely]]
      fail();
  }
  /// It cannot be used any more. A later reason takes the place of an earlier one.
  void end(std::string reason) noexcept;

 private:
  [[noreturn]] void fail() const;

  std::string reason_;
};

/// What keeps a session from being closed.
class StatementsInUse {
 public:
  void add(std::string_view sql);
  /// Throws Misuse, which names the first of them.
  void require_none() const;

 private:
  std::size_t count_ = 0;
  std::string named_;
};

}  // namespace libsql::core
