// Messages that hold one request or response of many types, each type in a field of its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "hrana/proto_fields.hpp"
#include "hrana/proto_reader.hpp"

namespace libsql::hrana::proto {

struct TypedMessage {
  RequestType type;
  std::string_view bytes;  // valid as long as the arena
};

/// What `message` holds, where `fields` are the numbers of the types. Over a WebSocket the number of the request
/// stands beside it. Fails with `unknown` if there is nothing of a type that is known.
TypedMessage read_envelope(Context& context, std::string_view message, const TypeFields& fields, const char* unknown,
                           std::int32_t* request_id = nullptr, std::optional<std::uint32_t>* busy_timeout = nullptr);

}  // namespace libsql::hrana::proto
