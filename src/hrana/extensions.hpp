// What our client and server tell each other beside the protocol's messages, in headers that other peers pass over.
#pragma once

#include <string_view>

namespace libsql::hrana {

/// Of the answer to a pipeline: the server holds nothing for the baton in it, so a client may forget that.
inline constexpr std::string_view kStreamHeader = "libsql-stream";
inline constexpr std::string_view kStatelessStream = "stateless";

}  // namespace libsql::hrana
