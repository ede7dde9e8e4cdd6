// Bodies of gRPC-web from hostile peers: read the same however they are split, and what is read can be written again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/require.hpp"
#include "replication/grpc_web.hpp"

namespace {

namespace grpc = libsql::replication::grpc;
using fuzz::require;
using libsql::core::DecodeError;

constexpr std::uint32_t kMaxMessage = 1U << 16U;

struct Read {
  std::vector<std::string> messages;
  std::optional<grpc::Status> status;
  std::optional<DecodeError::Kind> fault;

  bool operator==(const Read&) const = default;
};

Read read(std::string_view body, grpc::Form form, std::size_t size, bool compressed) {
  Read result;
  grpc::ReaderLimits limits{kMaxMessage, 1024};
  if (compressed) limits.max_decompressed = 1U << 18U;
  grpc::MessageReader reader(form, limits);
  try {
    for (std::size_t at = 0; at < body.size(); at += size) {
      reader.feed(body.substr(at, size));
      while (const auto message = reader.next()) result.messages.emplace_back(*message);
      while (reader.next()) require(false, "a message after there was none");
    }
    reader.finish();
  } catch (const DecodeError& error) {
    require(error.offset() <= body.size(), "the fault lies outside the body");
    result.fault = error.kind();
  }
  result.status = reader.status();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const grpc::Form form = (data[0] & 1U) != 0 ? grpc::Form::Text : grpc::Form::Binary;
  const bool compressed = (data[0] & 2U) != 0;
  const std::size_t piece = data[1] + std::size_t{1};
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Read whole = read(body, form, std::max<std::size_t>(body.size(), 1), compressed);
  const Read split = read(body, form, piece, compressed);
  // A fault may be noticed before or after messages that came in the same piece; and of two faults in text, that of the
  // base64 is noticed first if it comes in the same piece. What is compressed may be wrong behind where it is too long.
  require(whole.fault.has_value() == split.fault.has_value(), "split elsewhere it reads differently");
  require(form == grpc::Form::Text || compressed || whole.fault == split.fault, "split elsewhere it fails differently");
  std::string storage;
  static_cast<void>(grpc::read_unary_request(body, form, kMaxMessage, storage));
  const std::string text = grpc::decode_message(body);
  require(grpc::decode_message(grpc::encode_message(text)) == text, "a message of a status changes");
  if (whole.fault) return 0;
  require(whole == split, "split elsewhere it reads differently");
  for (const grpc::Form to : {grpc::Form::Binary, grpc::Form::Text}) {
    std::string again;
    for (const std::string& message : whole.messages) {
      if (compressed) {
        grpc::append_compressed_message(message, to, again);
      } else {
        grpc::append_message(message, to, again);
      }
    }
    if (whole.status && whole.status->message.size() < 300) grpc::append_trailers(*whole.status, to, again);
    const Read back = read(again, to, piece, compressed);
    require(!back.fault && back.messages == whole.messages, "it changes when it is read and written");
  }
  return 0;
}
