#include "hrana/proto_envelope.hpp"

#include "hrana/extensions.hpp"

namespace libsql::hrana::proto {

TypedMessage read_envelope(Context& context, std::string_view message, const TypeFields& fields, const char* unknown,
                           std::int32_t* request_id, std::optional<std::uint32_t>* busy_timeout) {
  OneOf body(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1 && request_id != nullptr) {
      *request_id = reader.int32();
    } else if (field == kBusyTimeoutField && busy_timeout != nullptr) {
      *busy_timeout = reader.uint32();
    } else if (type_of_field(fields, field)) {
      body.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  if (body.field() == 0) context.fail(DecodeError::Kind::UnknownType, unknown);
  return {*type_of_field(fields, body.field()), body.bytes()};
}

}  // namespace libsql::hrana::proto
