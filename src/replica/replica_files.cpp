#include "replica/replica_files.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <system_error>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "replication/bytes.hpp"
#include "replication/crc64.hpp"

namespace libsql::replica {
namespace {

namespace fs = std::filesystem;
using replication::load_le;
using replication::store_le;

// Magic (8), log id (16), frame, frame under way, checksum, size and time of the database (8 each), flags, frame, salts
// and checksums of SQLite's log (4 each), and the checksum of all that (8). Little-endian.
constexpr std::string_view kMagic = "LSQLrpl1";
constexpr std::size_t kSealSize = 8 + 16 + 5 * 8 + 6 * 4 + 8;
constexpr std::uint64_t kNone = ~std::uint64_t{0};
enum SealFlags : std::uint32_t { kHasChecksum = 1, kHasLog = 2, kIsCopied = 4 };

[[noreturn]] void throw_io(const char* what, const fs::path& file, int error) {
  detail::ErrorData data;
  data.code = error == ENOSPC || error == EDQUOT ? ErrorCode::Full : ErrorCode::Io;
  data.message = std::string(what).append(": ").append(std::generic_category().message(error));
  data.place = std::string(": ").append(file.string());
  data.message.append(data.place);
  core::throw_error(std::move(data));
}

bool read_at(int descriptor, std::span<std::byte> out, std::size_t& got) noexcept {
  got = 0;
  while (got < out.size()) {
    const ssize_t part = ::pread(descriptor, out.data() + got, out.size() - got, static_cast<off_t>(got));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return false;
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  return true;
}

bool write_at(int descriptor, std::span<const std::byte> bytes) noexcept {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t part = ::pwrite(descriptor, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return false;
    done += static_cast<std::size_t>(part);
  }
  return true;
}

std::uint64_t number_of(const std::optional<std::uint64_t>& number) noexcept { return number.value_or(kNone); }
std::optional<std::uint64_t> optional_of(std::uint64_t number) noexcept {
  return number == kNone ? std::nullopt : std::optional(number);
}

fs::path aside(const fs::path& file) { return file.string() + "-damaged"; }

}  // namespace

std::optional<FileStamp> stamp_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_io("cannot look at a file of the replica", file, errno);
  }
  return FileStamp{static_cast<std::uint64_t>(status.st_size),
                   static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec};
}

ReplicaFiles::ReplicaFiles(fs::path database)
    : database_(std::move(database)), metadata_(beside("-client_wal_index")), seal_(beside("-replica")) {}

ReplicaFiles::~ReplicaFiles() { release(); }

fs::path ReplicaFiles::beside(const char* suffix) const { return database_.string() + suffix; }

bool ReplicaFiles::lock() {
  if (is_locked()) return true;
  for (;;) {
    const int descriptor = ::open(metadata_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) throw_io("cannot open the metadata of the replica", metadata_, errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(descriptor);
      if (error == EWOULDBLOCK) return false;
      throw_io("cannot lock the metadata of the replica", metadata_, error);
    }
    // The file may have been removed between the two calls.
    struct stat mine {};
    struct stat named {};
    if (::fstat(descriptor, &mine) == 0 && ::stat(metadata_.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
        mine.st_dev == named.st_dev) {
      descriptor_ = descriptor;
      return true;
    }
    ::close(descriptor);
  }
}

void ReplicaFiles::release() noexcept {
  if (seal_descriptor_ >= 0) ::close(seal_descriptor_);
  if (descriptor_ >= 0) ::close(descriptor_);
  seal_descriptor_ = descriptor_ = -1;
}

ReplicaFiles::Metadata ReplicaFiles::read_metadata() const {
  const int descriptor = is_locked() ? descriptor_ : ::open(metadata_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) return Missing{};
    throw_io("cannot open the metadata of the replica", metadata_, errno);
  }
  std::array<std::byte, replication::kClientWalIndexSize + 1> bytes{};
  std::size_t size = 0;
  const bool good = read_at(descriptor, bytes, size);
  const int error = errno;
  if (descriptor != descriptor_) ::close(descriptor);
  if (!good) throw_io("cannot read the metadata of the replica", metadata_, error);
  const auto decoded = replication::decode_client_wal_index(std::span(bytes).first(size));
  if (const auto* const index = std::get_if<replication::ClientWalIndex>(&decoded)) return *index;
  return std::get<replication::MetadataFault>(decoded);
}

void ReplicaFiles::write_metadata(const replication::ClientWalIndex& index) {
  const auto bytes = replication::encode_client_wal_index(index);
  if (!write_at(descriptor_, bytes)) throw_io("cannot write the metadata of the replica", metadata_, errno);
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes.size())) != 0 || ::fdatasync(descriptor_) != 0) {
    throw_io("cannot write the metadata of the replica", metadata_, errno);
  }
}

bool ReplicaFiles::has_seal() const noexcept { return ::access(seal_.c_str(), F_OK) == 0; }

std::optional<Seal> ReplicaFiles::read_seal() const noexcept {
  const int descriptor = ::open(seal_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::nullopt;
  std::array<std::byte, kSealSize + 1> bytes{};
  std::size_t size = 0;
  const bool good = read_at(descriptor, bytes, size);
  ::close(descriptor);
  if (!good || size != kSealSize || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  const auto checked = std::span(bytes).first(kSealSize - 8);
  if (load_le<std::uint64_t>(bytes.data() + checked.size()) != replication::crc64(0, checked)) return std::nullopt;
  const std::byte* at = bytes.data() + kMagic.size();
  Seal seal;
  std::memcpy(seal.log_id.bytes.data(), at, seal.log_id.bytes.size());
  at += seal.log_id.bytes.size();
  const auto long_number = [&] {
    at += 8;
    return load_le<std::uint64_t>(at - 8);
  };
  const auto number = [&] {
    at += 4;
    return load_le<std::uint32_t>(at - 4);
  };
  seal.frame_no = optional_of(long_number());
  seal.applying_to = optional_of(long_number());
  const std::uint64_t checksum = long_number();
  seal.database.size = long_number();
  seal.database.modified_ns = static_cast<std::int64_t>(long_number());
  const std::uint32_t flags = number();
  engine::LogEnd log;
  log.frame = number();
  for (std::uint32_t& salt : log.salt) salt = number();
  for (std::uint32_t& sum : log.checksum) sum = number();
  if ((flags & kHasChecksum) != 0) seal.checksum = checksum;
  if ((flags & kHasLog) != 0) seal.log = log;
  seal.is_copied = (flags & kIsCopied) != 0;
  return seal;
}

void ReplicaFiles::write_seal(const Seal& seal) {
  std::array<std::byte, kSealSize> bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  std::byte* at = bytes.data() + kMagic.size();
  std::memcpy(at, seal.log_id.bytes.data(), seal.log_id.bytes.size());
  at += seal.log_id.bytes.size();
  const auto put_long = [&](std::uint64_t value) {
    store_le(at, value);
    at += 8;
  };
  const auto put = [&](std::uint32_t value) {
    store_le(at, value);
    at += 4;
  };
  put_long(number_of(seal.frame_no));
  put_long(number_of(seal.applying_to));
  put_long(seal.checksum.value_or(0));
  put_long(seal.database.size);
  put_long(static_cast<std::uint64_t>(seal.database.modified_ns));
  put((seal.checksum ? kHasChecksum : 0U) | (seal.log ? kHasLog : 0U) | (seal.is_copied ? kIsCopied : 0U));
  const engine::LogEnd log = seal.log.value_or(engine::LogEnd{});
  put(log.frame);
  for (const std::uint32_t salt : log.salt) put(salt);
  for (const std::uint32_t sum : log.checksum) put(sum);
  store_le(at, replication::crc64(0, std::span(bytes).first(kSealSize - 8)));
  if (seal_descriptor_ < 0) {
    seal_descriptor_ = ::open(seal_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (seal_descriptor_ < 0) throw_io("cannot open the seal of the replica", seal_, errno);
  }
  if (!write_at(seal_descriptor_, bytes) || ::ftruncate(seal_descriptor_, kSealSize) != 0) {
    throw_io("cannot write the seal of the replica", seal_, errno);
  }
}

void ReplicaFiles::remove() {
  for (const fs::path& file : {seal_, metadata_}) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) throw_io("cannot remove a file of the replica", file, errno);
  }
  release();
}

std::optional<fs::path> ReplicaFiles::put_aside() {
  const bool has_database = stamp_of(database_).has_value();
  // The log first: without its log a database is old, with the log of another it is damaged.
  for (const char* const suffix : {"-wal", ""}) {
    const fs::path from = beside(suffix);
    const fs::path to = aside(database_).string() + suffix;
    if (::rename(from.c_str(), to.c_str()) == 0) continue;
    if (errno != ENOENT) throw_io("cannot put a damaged replica aside", from, errno);
    if (has_database) ::unlink(to.c_str());
  }
  ::unlink(beside("-shm").c_str());
  if (seal_descriptor_ >= 0) ::close(seal_descriptor_);
  seal_descriptor_ = -1;
  ::unlink(seal_.c_str());
  if (is_locked() && ::ftruncate(descriptor_, 0) != 0) {
    throw_io("cannot write the metadata of the replica", metadata_, errno);
  }
  return has_database ? std::optional(aside(database_)) : std::nullopt;
}

fs::path ReplicaFiles::copy_aside() const {
  const fs::path to = aside(database_);
  std::error_code error;
  for (const char* const suffix : {"", "-wal"}) {
    const fs::path from = beside(suffix);
    const fs::path copy = to.string() + suffix;
    fs::remove(copy, error);
    if (!fs::exists(from, error)) continue;
    fs::copy_file(from, copy, fs::copy_options::overwrite_existing, error);
    if (error) throw_io("cannot keep a copy of the replica", from, error.value());
  }
  return to;
}

}  // namespace libsql::replica
