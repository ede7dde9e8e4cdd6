// Files of replicas and primaries: metadata, snapshots, sqld's log.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "replication/metadata_file.hpp"
#include "replication/snapshot_format.hpp"
#include "replication/uuid.hpp"
#include "replication/wallog_format.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication {
namespace {

using test::as_bytes;

constexpr std::string_view kLogId = "a0c99ab3-f0cd-7d71-14f2-673ef39f4f5c";

template <class Fault, class Result>
Fault fault_of(const Result& result) {
  const auto* fault = std::get_if<Fault>(&result);
  if (fault == nullptr) throw std::runtime_error("it was accepted");
  return *fault;
}

TEST(ReplicationUuid, IsReadAndWrittenAsText) {
  const auto uuid = parse_uuid("67E55044-10b1-426f-9247-bb680e5fe0c8");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(to_string(*uuid), "67e55044-10b1-426f-9247-bb680e5fe0c8");
  EXPECT_EQ(parse_uuid("67e5504410b1426f9247bb680e5fe0c8"), uuid);
  for (const char* text : {"", "67e55044-10b1-426f-9247-bb680e5fe0c", "67e55044-10b1-426f-9247-bb680e5fe0c80",
                           "67e55044x10b1-426f-9247-bb680e5fe0c8", "67e55044-10b1-426f-9247-bb680e5fe0cg",
                           "67e5504-410b1-426f-9247-bb680e5fe0c8", "{67e55044-10b1-426f-9247-bb680e5fe0c}"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
}

TEST(ReplicationUuid, IsANumberInFiles) {
  const std::string one = test::bytes("01 00*15");
  EXPECT_EQ(to_string(load_uuid(as_bytes(one).first<16>())), "00000000-0000-0000-0000-000000000001");
  std::array<std::byte, 16> number{};
  store_uuid(*parse_uuid("00000000-0000-0000-0000-000000000001"), number);
  EXPECT_EQ(test::as_text(number), one);
}

// ---- DATABASE-client_wal_index

const std::string& recorded_index() {
  static const std::string file = test::bytes("717dcdf0b39ac9a05c4f9ff33e67f214 0e00000000000000 00*8");
  return file;
}

TEST(ReplicationMetadata, TheIndexOfAReplicaIsThatOfPublishedClients) {
  const ClientWalIndex expected{*parse_uuid("14f2673e-f39f-4f5c-a0c9-9ab3f0cd7d71"), 14};
  EXPECT_EQ(std::get<ClientWalIndex>(decode_client_wal_index(as_bytes(recorded_index()))), expected);
  EXPECT_EQ(test::hex(test::as_text(encode_client_wal_index(expected))), test::hex(recorded_index()));
}

TEST(ReplicationMetadata, NothingCommittedIsAllOnes) {
  const ClientWalIndex none{*parse_uuid(kLogId), std::nullopt};
  const auto file = encode_client_wal_index(none);
  EXPECT_EQ(test::hex(test::as_text(file)).substr(32), "ffffffffffffffff0000000000000000");
  EXPECT_EQ(std::get<ClientWalIndex>(decode_client_wal_index(file)), none);
  const ClientWalIndex zero{*parse_uuid(kLogId), 0};
  EXPECT_EQ(std::get<ClientWalIndex>(decode_client_wal_index(encode_client_wal_index(zero))), zero);
}

TEST(ReplicationMetadata, AnIndexOfAnotherFormIsRefusedByName) {
  const auto fault = [](const std::string& file) {
    return fault_of<MetadataFault>(decode_client_wal_index(as_bytes(file)));
  };
  EXPECT_EQ(fault(""), MetadataFault::Empty);
  for (std::size_t length = 1; length < 32; ++length) {
    EXPECT_EQ(fault(recorded_index().substr(0, length)), MetadataFault::Short);
  }
  EXPECT_EQ(fault(recorded_index() + "x"), MetadataFault::Long);
  for (std::size_t i = 24; i < 32; ++i) {
    std::string file = recorded_index();
    file[i] = 1;
    EXPECT_EQ(fault(file), MetadataFault::Padding);
  }
  EXPECT_EQ(to_string(MetadataFault::Short), "the file is cut off");
}

// ---- DATABASE-info

TEST(ReplicationMetadata, TheInfoOfAReplicaIsThatOfPublishedClients) {
  struct Known {
    SyncInfo info;
    std::uint32_t hash;
  };
  for (const auto& [info, hash] : {Known{{0, 1}, 3278479626}, Known{{2, 1}, 2169284215}, Known{{3, 1}, 1306961641},
                                   Known{{5, 1}, 2341056366}, Known{{0, 2}, 3520859876}}) {
    EXPECT_EQ(hash_of(info), hash);
    EXPECT_EQ(std::get<SyncInfo>(decode_sync_info(encode_sync_info(info))), info);
  }
  EXPECT_EQ(encode_sync_info({0, 1}), R"({"hash":3278479626,"version":0,"durable_frame_num":0,"generation":1})");
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
}

TEST(ReplicationMetadata, AnInfoInAnotherOrderOrWithMoreInItIsTheSame) {
  EXPECT_EQ(std::get<SyncInfo>(decode_sync_info("{ \"generation\": 1, \"more\": {\"a\": [null]}, \"version\": 0,\n "
                                                "\"durable_frame_num\": 2, \"hash\": 2169284215 }\n")),
            (SyncInfo{2, 1}));
}

TEST(ReplicationMetadata, AnInfoOfAnotherFormIsRefusedByName) {
  const auto fault = [](std::string_view file) { return fault_of<MetadataFault>(decode_sync_info(file)); };
  EXPECT_EQ(fault(""), MetadataFault::Empty);
  EXPECT_EQ(fault(std::string(kMaxInfoSize + 1, ' ')), MetadataFault::Long);
  const std::string good = encode_sync_info({2, 1});
  for (std::size_t length = 1; length < good.size(); ++length) {
    EXPECT_EQ(fault(good.substr(0, length)), MetadataFault::Json) << length;
  }
  for (const char* file : {"null", "[]", "{}", R"({"hash":1,"version":0,"durable_frame_num":0})",
                           R"({"hash":-1,"version":0,"durable_frame_num":0,"generation":1})",
                           R"({"hash":4294967296,"version":0,"durable_frame_num":0,"generation":1})",
                           R"({"hash":"3278479626","version":0,"durable_frame_num":0,"generation":1})",
                           R"({"hash":3278479626,"version":0,"durable_frame_num":0.0,"generation":1})",
                           R"({"hash":3278479626,"version":0,"durable_frame_num":0,"generation":1,"generation":1})",
                           R"({"hash":3278479626,"version":0,"durable_frame_num":0,"generation":1}x)"}) {
    EXPECT_EQ(fault(file), MetadataFault::Json) << file;
  }
  EXPECT_EQ(fault(R"({"hash":1,"version":0,"durable_frame_num":0,"generation":1})"), MetadataFault::Hash);
  EXPECT_EQ(fault(R"({"hash":3278479626,"version":0,"durable_frame_num":1,"generation":1})"), MetadataFault::Hash);
  EXPECT_EQ(fault(encode_sync_info({7, 0})), MetadataFault::Generation);
  const std::string numbers = test::bytes("01000000 00000000 01000000");
  const std::string hash = std::to_string(crc32(as_bytes(numbers)));
  EXPECT_EQ(fault(R"({"hash":)" + hash + R"(,"version":1,"durable_frame_num":0,"generation":1})"),
            MetadataFault::Version);
}

// ---- Snapshots

std::string snapshot_frame(std::uint64_t frame_no, std::uint32_t page_no, std::uint32_t size_after = 0) {
  std::string bytes(kFrameSize, 'p');
  encode_frame_header({frame_no, 0, page_no, size_after},
                      std::as_writable_bytes(std::span(bytes)).first<kFrameHeaderSize>());
  return bytes;
}

std::string snapshot_of(const SnapshotHeader& header, const std::vector<std::string>& frames) {
  std::string file(kSnapshotHeaderSize, '\0');
  encode_snapshot_header(header, std::as_writable_bytes(std::span(file)).first<kSnapshotHeaderSize>());
  for (const std::string& frame : frames) file += frame;
  return file;
}

TEST(ReplicationSnapshot, ARecordedFileIsRead) {
  const std::string file = test::file_of("snapshot.txt");
  const SnapshotHeader expected{*parse_uuid("fb570ae7-d7df-4bb2-80cf-d1016883785e"), 0, 5, 2, 2};
  EXPECT_EQ(std::get<SnapshotHeader>(check_snapshot_file(as_bytes(file))), expected);
  EXPECT_EQ(test::hex(snapshot_of(expected, {})), test::hex(file.substr(0, kSnapshotHeaderSize)));
  EXPECT_EQ(snapshot_file_name(expected), "fb570ae7-d7df-4bb2-80cf-d1016883785e-0-5.snap");
  const auto name = parse_snapshot_file_name(snapshot_file_name(expected));
  ASSERT_TRUE(name);
  EXPECT_EQ(name->log_id, expected.log_id);
  EXPECT_EQ(name->end_frame_no, 5U);
}

TEST(ReplicationSnapshot, OtherNamesAreNoneOfASnapshot) {
  for (const char* name :
       {"", "x", "fb570ae7-d7df-4bb2-80cf-d1016883785e-0-5", "fb570ae7-d7df-4bb2-80cf-d1016883785e.snap",
        "fb570ae7-d7df-4bb2-80cf-d1016883785e-.snap", "fb570ae7-d7df-4bb2-80cf-d1016883785e-5.snap",
        "fb570ae7-d7df-4bb2-80cf-d1016883785e-5-4.snap", "fb570ae7-d7df-4bb2-80cf-d1016883785e-0--5.snap",
        "fb570ae7-d7df-4bb2-80cf-d1016883785e-00-5.snap", "fb570ae7-d7df-4bb2-80cf-d1016883785e-0-5.snap.tmp",
        "fb570ae7-d7df-4bb2-80cf-d1016883785e-0-18446744073709551616.snap",
        "gb570ae7-d7df-4bb2-80cf-d1016883785e-0-5.snap"}) {
    EXPECT_FALSE(parse_snapshot_file_name(name)) << name;
  }
}

TEST(ReplicationSnapshot, AFileOfAnotherFormIsRefusedByName) {
  const SnapshotHeader header{*parse_uuid(kLogId), 10, 20, 3, 5};
  const std::vector<std::string> frames = {snapshot_frame(20, 1), snapshot_frame(15, 2), snapshot_frame(10, 3)};
  const auto fault = [](const std::string& file) {
    return fault_of<SnapshotFault>(check_snapshot_file(as_bytes(file)));
  };
  const std::string good = snapshot_of(header, frames);
  ASSERT_TRUE(std::holds_alternative<SnapshotHeader>(check_snapshot_file(as_bytes(good))));

  for (const std::size_t length : {0U, 47U, 48U, 49U, 48U + 4119U, 48U + 4120U, 48U + 3U * 4120U - 1U}) {
    EXPECT_EQ(fault(good.substr(0, length)), SnapshotFault::Short) << length;
  }
  EXPECT_EQ(fault(good + "x"), SnapshotFault::Long);
  EXPECT_EQ(fault(good + snapshot_frame(10, 4)), SnapshotFault::Frame) << "not below the one before";
  SnapshotHeader other = header;
  other.frame_count = 2;
  EXPECT_EQ(fault(snapshot_of(other, frames)), SnapshotFault::Long);
  other.frame_count = 0;
  EXPECT_EQ(fault(snapshot_of(other, {})), SnapshotFault::Range);
  other.frame_count = 12;
  EXPECT_EQ(fault(snapshot_of(other, frames)), SnapshotFault::Range) << "more than the stretch has";
  other = header;
  other.end_frame_no = 9;
  EXPECT_EQ(fault(snapshot_of(other, frames)), SnapshotFault::Range);
  other = header;
  other.size_after = 0;
  EXPECT_EQ(fault(snapshot_of(other, frames)), SnapshotFault::SizeAfter);
  std::string padding = good;
  padding[47] = 1;
  EXPECT_EQ(fault(padding), SnapshotFault::Padding);

  const auto with = [&](const std::string& frame) { return snapshot_of(header, {frames[0], frame, frames[2]}); };
  EXPECT_EQ(fault(with(snapshot_frame(20, 2))), SnapshotFault::Frame) << "the same number";
  EXPECT_EQ(fault(with(snapshot_frame(21, 2))), SnapshotFault::Frame) << "ascending";
  EXPECT_EQ(fault(with(snapshot_frame(15, 0))), SnapshotFault::Frame) << "page 0";
  EXPECT_EQ(fault(with(snapshot_frame(15, 2, 5))), SnapshotFault::Frame) << "the size is in the header";
  EXPECT_EQ(fault(with(snapshot_frame(15, 1))), SnapshotFault::Frame) << "an older image of page 1";
  EXPECT_EQ(fault(snapshot_of(header, {snapshot_frame(21, 1), frames[1], frames[2]})), SnapshotFault::Frame);
  EXPECT_EQ(fault(snapshot_of(header, {frames[0], frames[1], snapshot_frame(9, 3)})), SnapshotFault::Frame);
}

TEST(ReplicationSnapshot, AStreamEndsWithTheFrameThatHasTheSize) {
  const auto view = [](std::uint64_t frame_no, std::uint32_t page_no, std::uint32_t size_after) {
    static const std::array<std::byte, kPageSize> kPage{};
    return FrameView{{frame_no, 0, page_no, size_after}, kPage};
  };
  SnapshotCheck whole(4);
  EXPECT_FALSE(whole.add(view(9, 1, 0)));
  EXPECT_FALSE(whole.add(view(4, 2, 7)));
  EXPECT_FALSE(whole.finish());
  EXPECT_EQ(whole.end_frame_no(), 9U);
  EXPECT_EQ(whole.size_after(), 7U);

  EXPECT_EQ(whole.add(view(3, 3, 0)), (FrameError{FrameFault::SizeAfter, 3})) << "after the last one";
  SnapshotCheck cut(0);
  EXPECT_EQ(cut.finish(), SnapshotFault::Short);
  EXPECT_FALSE(cut.add(view(9, 1, 0)));
  EXPECT_EQ(cut.finish(), SnapshotFault::SizeAfter);
  SnapshotCheck late(5);
  EXPECT_EQ(late.add(view(4, 1, 1)), (FrameError{FrameFault::FrameNumber, 4})) << "not asked for";
  SnapshotCheck twice(0);
  EXPECT_FALSE(twice.add(view(9, 1, 0)));
  EXPECT_FALSE(twice.add(view(8, 1, 1)));
  EXPECT_EQ(twice.finish(), SnapshotFault::Frame);
}

// ---- sqld's log

TEST(ReplicationWallog, ARecordedLogIsRead) {
  const std::string file = test::file_of("wallog.txt");
  const auto header = std::get<WallogHeader>(check_wallog(as_bytes(file)));
  EXPECT_EQ(to_string(header.log_id), "14f2673e-f39f-4f5c-a0c9-9ab3f0cd7d71");
  EXPECT_EQ(header.start_frame_no, 0U);
  EXPECT_EQ(header.frame_count, 5U);
  EXPECT_EQ(header.start_checksum, 0U);
  EXPECT_EQ(header.sqld_version, (std::array<std::uint16_t, 4>{0, 0, 24, 33}));
}

TEST(ReplicationWallog, FramesThatAreNotCommittedDoNotCount) {
  const std::string file = test::file_of("wallog.txt");
  EXPECT_TRUE(std::holds_alternative<WallogHeader>(check_wallog(as_bytes(file + "torn"))));
  EXPECT_TRUE(std::holds_alternative<WallogHeader>(check_wallog(as_bytes(file + std::string(kFrameSize, 'x')))));
}

TEST(ReplicationWallog, AnEmptyLogContinuesTheOneBefore) {
  const std::string file = test::bytes(
      "53514c4457414c00 245bebece4d7fe94 5e78836801d1cf80b24bdfd7e70a57fb 0600000000000000 0000000000000000"
      "02000000 00100000 0000000018002100");
  const auto header = std::get<WallogHeader>(check_wallog(as_bytes(file)));
  EXPECT_EQ(header.start_frame_no, 6U);
  EXPECT_EQ(header.start_checksum, 0x94fed7e4eceb5b24U);
}

TEST(ReplicationWallog, ALogOfAnotherFormIsRefusedByName) {
  const std::string good = test::file_of("wallog.txt");
  const auto fault = [](const std::string& file) { return fault_of<WallogFault>(check_wallog(as_bytes(file))); };
  const auto with = [&](std::size_t at, char byte) {
    std::string file = good;
    file[at] = byte;
    return file;
  };
  for (const std::size_t length : {0U, 63U, 64U, 64U + 5U * 4120U - 1U}) {
    EXPECT_EQ(fault(good.substr(0, length)), WallogFault::Short) << length;
  }
  EXPECT_EQ(fault(with(0, 'x')), WallogFault::Magic);
  EXPECT_EQ(fault(with(48, 3)), WallogFault::Version);
  EXPECT_EQ(fault(with(53, 0x20)), WallogFault::PageSize);
  EXPECT_EQ(fault(with(47, '\x7f')), WallogFault::Range);
  EXPECT_EQ(fault(with(40, 6)), WallogFault::Short) << "a frame that is not there";
  EXPECT_EQ(fault(with(32, 1)), WallogFault::Frame) << "another first number";
  EXPECT_EQ(fault(with(8, 1)), WallogFault::Frame) << "another first checksum";
  EXPECT_EQ(fault(with(good.size() - 1, 1)), WallogFault::Frame);
  EXPECT_EQ(fault(with(40, 1)), WallogFault::Frame) << "it would end within a transaction";
}

}  // namespace
}  // namespace libsql::replication
