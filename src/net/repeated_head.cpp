#include "net/repeated_head.hpp"

#include <exception>
#include <utility>

namespace libsql::net {

void RepeatedHead::note(std::string_view text, const RequestHead& head, HttpParser& parser) noexcept {
  constexpr std::size_t kMostBytes = 1024;
  constexpr std::size_t kMostFields = 24;
  if (text.size() > kMostBytes || head.headers.size() > kMostFields) return;
  if (head.framing == Framing::Chunked) return;  // its parser goes on with the body
  try {
    if (last_ == nullptr) last_ = std::make_unique<std::string>();
    if (*last_ != text) {
      last_->assign(text);
      return;
    }
    auto kept = std::make_unique<Kept>();
    kept->text = text;
    kept->head.headers.reserve(head.headers.size());
    if (parser.take_request_head(kept->text, kept->head)) return;
    kept_ = std::move(kept);
  } catch (const std::exception&) {  // no memory: it is parsed each time
  }
}

void RepeatedHead::forget() noexcept {
  kept_.reset();
  last_.reset();
}

}  // namespace libsql::net
