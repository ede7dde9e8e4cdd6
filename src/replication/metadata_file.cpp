#include "replication/metadata_file.hpp"

#include <algorithm>
#include <limits>

#include "core/json_reader.hpp"
#include "replication/bytes.hpp"

namespace libsql::replication {

namespace {

constexpr std::uint64_t kNothingCommitted = std::numeric_limits<std::uint64_t>::max();

constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? 0xedb88320U : 0U);
    table[byte] = rest;
  }
  return table;
}();

constexpr std::array<std::string_view, 4> kMembers = {"hash", "version", "durable_frame_num", "generation"};

std::uint32_t hash_of(std::uint32_t version, const SyncInfo& info) noexcept {
  std::array<std::byte, 12> bytes{};
  store_le(bytes.data(), version);
  store_le(bytes.data() + 4, info.durable_frame_num);
  store_le(bytes.data() + 8, info.generation);
  return crc32(bytes);
}

}  // namespace

std::string_view to_string(MetadataFault fault) noexcept {
  switch (fault) {
    case MetadataFault::Empty:
      return "the file is empty";
    case MetadataFault::Short:
      return "the file is cut off";
    case MetadataFault::Long:
      return "the file is too long";
    case MetadataFault::Padding:
      return "reserved bytes are not zero";
    case MetadataFault::Json:
      return "the file is not the expected JSON";
    case MetadataFault::Hash:
      return "the hash does not match";
    case MetadataFault::Version:
      return "the version of the file is unknown";
    case MetadataFault::Generation:
      return "the generation is 0";
  }
  return "";
}

std::variant<ClientWalIndex, MetadataFault> decode_client_wal_index(std::span<const std::byte> file) noexcept {
  if (file.empty()) return MetadataFault::Empty;
  if (file.size() < kClientWalIndexSize) return MetadataFault::Short;
  if (file.size() > kClientWalIndexSize) return MetadataFault::Long;
  const auto padding = file.subspan(24);
  if (std::any_of(padding.begin(), padding.end(), [](std::byte byte) { return byte != std::byte{0}; })) {
    return MetadataFault::Padding;
  }
  ClientWalIndex index{load_uuid(file.first<16>()), load_le<std::uint64_t>(file.data() + 16)};
  if (index.committed_frame_no == kNothingCommitted) index.committed_frame_no.reset();
  return index;
}

std::array<std::byte, kClientWalIndexSize> encode_client_wal_index(const ClientWalIndex& index) noexcept {
  std::array<std::byte, kClientWalIndexSize> file{};
  store_uuid(index.log_id, std::span(file).first<16>());
  store_le(file.data() + 16, index.committed_frame_no.value_or(kNothingCommitted));
  return file;
}

std::uint32_t crc32(std::span<const std::byte> bytes) noexcept {
  std::uint32_t rest = 0xffffffff;
  for (const std::byte byte : bytes)
    rest = (rest >> 8U) ^ kCrcTable[(rest ^ std::to_integer<std::uint32_t>(byte)) & 255U];
  return ~rest;
}

std::uint32_t hash_of(const SyncInfo& info) noexcept { return hash_of(0, info); }

std::variant<SyncInfo, MetadataFault> decode_sync_info(std::string_view file) {
  if (file.empty()) return MetadataFault::Empty;
  if (file.size() > kMaxInfoSize) return MetadataFault::Long;
  std::array<std::uint32_t, kMembers.size()> values{};
  try {
    core::Arena arena;
    core::JsonReader reader(file, arena);
    core::JsonObject object(reader);
    for (int member = 0; (member = object.next(kMembers)) >= 0;) {
      values[static_cast<std::size_t>(member)] = reader.uint32();
    }
    for (std::size_t i = 0; i < kMembers.size(); ++i) object.require(kMembers, static_cast<int>(i));
    reader.end();
  } catch (const core::DecodeError&) {
    return MetadataFault::Json;
  }
  const auto [hash, version, durable_frame_num, generation] = values;
  const SyncInfo info{durable_frame_num, generation};
  if (hash != hash_of(version, info)) return MetadataFault::Hash;
  if (version != 0) return MetadataFault::Version;
  if (generation == 0) return MetadataFault::Generation;
  return info;
}

std::string encode_sync_info(const SyncInfo& info) {
  return std::string(R"({"hash":)")
      .append(std::to_string(hash_of(info)))
      .append(R"(,"version":0,"durable_frame_num":)")
      .append(std::to_string(info.durable_frame_num))
      .append(R"(,"generation":)")
      .append(std::to_string(info.generation))
      .append("}");
}

}  // namespace libsql::replication
