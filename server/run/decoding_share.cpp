#include "server/run/decoding_share.hpp"

#include <string>

#include "server/base/failure.hpp"

namespace libsql::server {

void DecodingShare::grow(std::size_t wanted) {
  if (identity_ == nullptr)
    throw RequestRefused(413, "REQUEST_TOO_LARGE", "A first message has no need of so many parts");
  if (!share_) share_.emplace(budget_, takers_of(*identity_, *name_space_, *options_));
  const Whose whose = share_->take(wanted - share_->held());
  if (whose == Whose::Nobody) return;
  const std::size_t most = budget_.most_of(whose);
  const std::string text = "Too much memory is needed for the parts of requests: " + std::string(to_string(whose)) +
                           " limit is " + std::to_string(most) + " bytes";
  if (wanted > most) throw RequestRefused(413, "REQUEST_TOO_LARGE", text);
  throw RequestRefused(whose == Whose::Server ? 503 : 429, "TOO_MANY_REQUESTS", text);
}

}  // namespace libsql::server
