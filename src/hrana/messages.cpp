#include "hrana/messages.hpp"

#include <algorithm>
#include <array>

namespace libsql::hrana {

namespace {

// In the order of RequestType.
constexpr std::array<std::string_view, std::variant_size_v<Request>> kNames = {
    "close",     "execute",        "batch",       "sequence",    "describe",     "store_sql",
    "close_sql", "get_autocommit", "open_stream", "open_cursor", "close_cursor", "fetch_cursor"};

}  // namespace

std::string_view http_name(RequestType type) noexcept { return kNames[static_cast<std::size_t>(type)]; }

std::string_view websocket_name(RequestType type) noexcept {
  return type == RequestType::Close ? "close_stream" : http_name(type);
}

const StepOutcome* BatchResult::find(std::uint32_t step) const noexcept {
  const auto found = std::lower_bound(steps.begin(), steps.end(), step,
                                      [](const StepOutcome& outcome, std::uint32_t i) { return outcome.step < i; });
  return found != steps.end() && found->step == step ? &*found : nullptr;
}

}  // namespace libsql::hrana
