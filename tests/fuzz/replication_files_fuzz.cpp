// Files of replicas and primaries that somebody has tampered with, and the texts of the second protocol. The first byte
// says what the rest is.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/decode_error.hpp"
#include "fuzz/require.hpp"
#include "replication/metadata_file.hpp"
#include "replication/snapshot_format.hpp"
#include "replication/uuid.hpp"
#include "replication/v2_messages.hpp"
#include "replication/wallog_format.hpp"

namespace {

using namespace libsql::replication;
using fuzz::require;
using libsql::core::DecodeError;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check_client_wal_index(std::string_view input) {
  const auto decoded = decode_client_wal_index(std::as_bytes(std::span(input)));
  const auto* index = std::get_if<ClientWalIndex>(&decoded);
  if (index != nullptr) require(as_text(encode_client_wal_index(*index)) == input, "an index changes");
}

void check_sync_info(std::string_view input) {
  const auto decoded = decode_sync_info(input);
  if (const auto* info = std::get_if<SyncInfo>(&decoded)) {
    require(decode_sync_info(encode_sync_info(*info)) == decoded, "an info changes");
  }
}

void check_snapshot(std::string_view input) {
  const auto file = std::as_bytes(std::span(input));
  const auto decoded = check_snapshot_file(file);
  const auto* header = std::get_if<SnapshotHeader>(&decoded);
  if (header != nullptr) require(file.size() == kSnapshotHeaderSize + header->frame_count * kFrameSize, "more or less");
  const auto head = decode_snapshot_header(file);
  header = std::get_if<SnapshotHeader>(&head);
  if (header == nullptr) return;
  std::array<std::byte, kSnapshotHeaderSize> out{};
  encode_snapshot_header(*header, out);
  require(input.starts_with(as_text(out)), "a header changes");
  require(parse_snapshot_file_name(snapshot_file_name(*header)).has_value(), "a name that is none");
}

template <class Decode, class Encode>
void check_answer(std::string_view input, Decode decode, Encode encode) {
  try {
    const auto answer = decode(input);
    require(decode(encode(answer)) == answer, "an answer changes");
  } catch (const DecodeError& error) {
    require(error.offset() <= input.size() || error.kind() == DecodeError::Kind::TooLarge, "a fault outside the text");
  }
}

void check_names(std::string_view input) {
  if (const auto route = v2::parse_route(input)) require(v2::path_of(*route) == input, "a path changes");
  if (const auto uuid = parse_uuid(input)) require(parse_uuid(to_string(*uuid)) == uuid, "a UUID changes");
  static_cast<void>(parse_snapshot_file_name(input));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      check_client_wal_index(input);
      break;
    case 1:
      check_sync_info(input);
      break;
    case 2:
      check_snapshot(input);
      break;
    case 3:
      static_cast<void>(check_wallog(std::as_bytes(std::span(input))));
      break;
    case 4:
      check_answer(input, v2::decode_push_answer, v2::encode_sync_answer);
      break;
    case 5:
      check_answer(input, v2::decode_info, v2::encode_info);
      check_answer(input, v2::decode_pull_end, [](std::uint32_t generation) {
        return v2::encode_sync_answer({v2::SyncStatus::CheckpointNeeded, generation, 0, {}});
      });
      break;
    default:
      check_names(input);
  }
  return 0;
}
