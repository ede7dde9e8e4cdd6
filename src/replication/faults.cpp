#include "replication/faults.hpp"

#include <string>
#include <utility>

#include "core/errors.hpp"

namespace libsql::replication {

void throw_fault(BytesFrom from, std::string_view what, std::string_view fault) {
  detail::ErrorData data;
  data.code = from == BytesFrom::Peer ? ErrorCode::Protocol : ErrorCode::Corrupt;
  data.origin = from == BytesFrom::Peer ? ErrorOrigin::Server : ErrorOrigin::Api;
  data.message.append(what).append(": ").append(fault);
  core::throw_error(std::move(data));
}

void throw_fault(BytesFrom from, std::string_view what, const core::DecodeError& error) {
  throw_fault(from, what, std::string_view(error.what()));
}

}  // namespace libsql::replication
