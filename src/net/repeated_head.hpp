// The head that a client sends with each of its requests.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_parser.hpp"

namespace libsql::net {

/// Most clients send the same head over and over on a connection, so what it parses to is kept, for as long as the
/// bytes stay the same. Only heads of the same connection are compared: how long that takes tells nobody anything of
/// another one's credentials. Holds at most some 3 KiB. Threads: one at a time.
class RepeatedHead {
 public:
  /// The head that `data` begins with, of size() bytes; null if that is not the one that is kept. The views live until
  /// note() or forget().
  const RequestHead* match(std::string_view data) noexcept {
    return kept_ != nullptr && data.starts_with(kept_->text) ? &kept_->head : nullptr;
  }
  std::size_t size() const noexcept { return kept_->text.size(); }

  /// This head had to be parsed. It is kept when it is also the last one that had to be: one that differs now and then
  /// does not take the place of the usual one. Uses `parser`, of which nothing is asked any more then.
  void note(std::string_view text, const RequestHead& head, HttpParser& parser) noexcept;
  void forget() noexcept;

 private:
  struct Kept {
    std::string text;
    RequestHead head;  // of that text
  };
  std::unique_ptr<Kept> kept_;
  std::unique_ptr<std::string> last_;  // that was noted
};

}  // namespace libsql::net
