// Comparing what must stay secret.
#pragma once

#include <string>
#include <string_view>

namespace libsql::server {

/// A text that is compared with what strangers send. The time a comparison takes tells nothing of the text, not even
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
