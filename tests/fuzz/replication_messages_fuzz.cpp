// Messages of hostile replicas and primaries: whatever is accepted can be written, is accepted again, and is the same
// then. The first byte says which message the rest is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/decoded.hpp"
#include "fuzz/require.hpp"
#include "replication/proxy_messages.hpp"
#include "replication/wal_log_messages.hpp"

namespace {

using namespace libsql::replication;
using fuzz::require;
using libsql::core::DecodeError;
using libsql::core::Source;

template <class Decode>
void check(std::string_view input, Decode decode) {
  std::string first;
  try {
    const auto message = decode(Source::borrowed(input));
    encode(*message, first);
  } catch (const DecodeError& error) {
    require(error.offset() <= input.size(), "the fault lies outside the message");
    return;
  }
  const auto again = decode(Source::borrowed(first));
  std::string second;
  encode(*again, second);
  require(first == second, "a message changes when it is read and written");
}

// The frames of a batch, written again; and whether it is one.
std::pair<std::string, bool> frames_of(std::string_view input, std::size_t piece) {
  std::string out;
  FramesReader reader;
  try {
    for (std::size_t at = 0; at < input.size(); at += piece) {
      reader.feed(input.substr(at, piece));
      while (const auto frame = reader.next()) {
        const std::size_t before = out.size();
        append_to_frames(*frame, out);
        require(out.size() - before == size_in_frames(*frame), "a frame is of another size than it is said to be");
      }
    }
    reader.finish();
  } catch (const DecodeError&) {
    return {out, false};
  }
  return {out, true};
}

void check_frames(std::string_view input) {
  const auto whole = frames_of(input, std::max<std::size_t>(input.size(), 1));
  for (const std::size_t piece : {1, 2, 7})
    require(frames_of(input, piece) == whole, "split elsewhere it reads differently");
  if (!whole.second) return;
  require(frames_of(whole.first, 3) == whole, "a batch changes when it is read and written");
}

void check_frame(std::string_view input) {
  try {
    const FrameMessage frame = decode_frame_message(input);
    std::string out;
    encode(frame, out);
    require(decode_frame_message(out) == frame, "a frame changes when it is read and written");
  } catch (const DecodeError& error) {
    require(error.offset() <= input.size(), "the fault lies outside the message");
  }
}

void check_bincode(std::string_view input) {
  const auto value = proxy::decode_bincode(input);
  if (!value) return;
  std::string out;
  proxy::append_bincode(*value, out);
  require(input.starts_with(out), "a value changes when it is read and written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 14) {
    case 0:
      check(input, decode_hello_request);
      break;
    case 1:
      check(input, decode_hello_response);
      break;
    case 2:
      check(input, decode_log_offset);
      break;
    case 3:
      check_frame(input);
      break;
    case 4:
      check_frames(input);
      break;
    case 5:
      check(input, proxy::decode_program_req);
      break;
    case 6:
      check(input, proxy::decode_execute_results);
      break;
    case 7:
      check(input, proxy::decode_describe_request);
      break;
    case 8:
      check(input, proxy::decode_describe_result);
      break;
    case 9:
      check(input, proxy::decode_disconnect_message);
      break;
    case 10:
      check(input, proxy::decode_ack);
      break;
    case 11:
      check(input, proxy::decode_exec_req);
      break;
    case 12:
      check(input, proxy::decode_exec_resp);
      break;
    default:
      check_bincode(input);
  }
  return 0;
}
