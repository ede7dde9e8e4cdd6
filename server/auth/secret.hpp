// Comparison of secrets.
#pragma once

#include <string>
#include <string_view>

namespace libsql::server {

/// A secret that is compared with what clients send. The duration of a comparison reveals nothing about it, not even
/// its length.
class Secret final {
 public:
  Secret() = default;
  explicit Secret(std::string_view text);

  bool is_set() const noexcept { return !digest_.empty(); }
  bool equals(std::string_view text) const;

 private:
  std::string digest_;
};

}  // namespace libsql::server
