// Log files of hostile bytes: the scan must stay inside them, and agree with the engine about which frames count.
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/wal_format.hpp"
#include "engine/wal_index.hpp"
#include "sqlite3.h"
#include "support/temporary_directory.hpp"

namespace {

namespace wal = libsql::engine::wal;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// A database of one page in WAL mode, made once, with the log to be filled in beside it.
class Target {
 public:
  Target() {
    sqlite3* db = nullptr;
    require(sqlite3_open(path().c_str(), &db) == SQLITE_OK, "cannot open the database");
    sqlite3_exec(db, "PRAGMA page_size=512; PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    sqlite3_close(db);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  // What the engine's recovery finds in such a log.
  std::optional<wal::IndexHeader> recover(std::span<const std::byte> log) const {
    std::filesystem::remove(path() + "-shm");
    {
      std::ofstream out(path() + "-wal", std::ios::binary | std::ios::trunc);
      out.write(reinterpret_cast<const char*>(log.data()), static_cast<std::streamsize>(log.size()));
    }
    sqlite3* db = nullptr;
    require(sqlite3_open(path().c_str(), &db) == SQLITE_OK, "cannot open the database");
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", nullptr, nullptr, nullptr);
    std::optional<wal::IndexHeader> header;
    sqlite3_file* file = nullptr;
    sqlite3_file* journal = nullptr;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal);
    if (file != nullptr && journal != nullptr && journal->pMethods != nullptr) {
      header = wal::Index(file).read_header();
    }
    sqlite3_close(db);
    return header;
  }

 private:
  std::string path() const { return directory_.file("fuzz.db"); }
  libsql::test::TemporaryDirectory directory_;
};

void check(std::span<const std::byte> log) {
  static const Target target;
  const auto extent = wal::scan(log);
  const auto recovered = target.recover(log);
  if (!recovered) return;
  require(recovered->max_frame == (extent ? extent->committed_frames : 0), "the engine counts other frames");
  if (!extent || extent->committed_frames == 0) return;
  require(recovered->database_pages == extent->database_pages, "the engine sees another size");
  require(recovered->frame_checksum == extent->committed_checksum, "the engine continues from another checksum");
}

// A log whose header and frames are right but for what the input says: three bytes a frame (page, commit size, damage).
std::vector<std::byte> build(std::span<const std::uint8_t> input) {
  wal::Header header;
  header.page_size = 512;
  header.big_endian = !input.empty() && (input[0] & 1U) != 0;
  header.salt1 = input.size() > 1 ? input[1] : 0;
  std::vector<std::byte> log(wal::kHeaderSize);
  wal::write_header(header, std::span<std::byte, wal::kHeaderSize>(log.data(), wal::kHeaderSize));
  wal::Checksum running = header.checksum;
  for (std::size_t at = 2; at + 3 <= input.size() && at < 96; at += 3) {
    std::array<std::byte, wal::kFrameHeaderSize> start{};
    std::vector<std::byte> body(512, static_cast<std::byte>(input[at]));
    wal::write_frame_header(header, input[at], input[at + 1], body, running, start);
    log.insert(log.end(), start.begin(), start.end());
    log.insert(log.end(), body.begin(), body.end());
    if (input[at + 2] >= 0xf0) log[log.size() - 1 - input[at + 2]] ^= std::byte{0x40};
    if (input[at + 2] == 0xef) log.resize(log.size() - 100);
  }
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 65536) return 0;
  const std::span<const std::uint8_t> input(data + 1, size - 1);
  if ((data[0] & 1U) != 0) {
    check(build(input));
  } else {
    check(std::as_bytes(input));
  }
  static_cast<void>(wal::parse_frame_header(std::as_bytes(input)));
  return 0;
}
