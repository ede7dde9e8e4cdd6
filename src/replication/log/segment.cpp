#include "replication/log/segment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "core/errors.hpp"
#include "replication/bytes.hpp"
#include "replication/frame.hpp"

namespace libsql::replication {
namespace {

constexpr std::array<char, 8> kMagic = {'L', 'S', 'Q', 'L', 'S', 'E', 'G', '1'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kRecordMagic = 0x4345524c;  // "LREC"
constexpr std::size_t kWaitingBytes = 256 * 1024;
constexpr std::uint32_t kMostFrames = 1U << 28U;  // more than a database has pages of 4096 bytes in a TiB

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  core::throw_error(error == ENOSPC || error == EDQUOT ? ErrorCode::Full : ErrorCode::Io,
                    std::string("cannot ").append(what).append(" '").append(path.string()).append("': ") +
                        std::generic_category().message(error));
}

void write_all(int descriptor, std::span<const std::byte> bytes, std::uint64_t offset,
               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail(path, "write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

// How many bytes there were.
std::size_t read_some(int descriptor, std::span<std::byte> out, std::uint64_t offset,
                      const std::filesystem::path& path) {
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t done = ::pread(descriptor, out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail(path, "read");
    }
    if (done == 0) break;
    got += static_cast<std::size_t>(done);
  }
  return got;
}

std::uint64_t checksum_of(std::span<const std::byte> bytes) noexcept { return chain_checksum(0, bytes); }

void store_copied(const CopiedTo& copied, std::byte* out) noexcept {
  store_le(out, copied.frame);
  store_le(out + 4, copied.salts.first);
  store_le(out + 8, copied.salts.second);
  store_le(out + 12, copied.checksum.first);
  store_le(out + 16, copied.checksum.second);
}

CopiedTo load_copied(const std::byte* bytes) noexcept {
  const auto word = [&](std::size_t i) { return load_le<std::uint32_t>(bytes + 4 * i); };
  return {word(0), {word(1), word(2)}, {word(3), word(4)}};
}

// Where the header has what the key is made of, and what tells whether it is the right one; zeroes without a key.
constexpr std::size_t kNonceAt = 88;
constexpr std::size_t kCheckAt = 104;
constexpr std::size_t kChecksumAt = 120;

void encode_header(const Segment::Header& header, std::span<std::byte, Segment::kHeaderSize> out) noexcept {
  std::ranges::fill(out, std::byte{0});
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  store_le(&out[8], kVersion);
  store_le(&out[12], header.page_size);
  std::ranges::copy(header.log_id.bytes, out.subspan<16, 16>().begin());
  store_le(&out[32], header.incarnation);
  store_le(&out[40], header.first_frame);
  store_le(&out[48], header.checksum);
  store_le(&out[56], static_cast<std::uint64_t>(header.created_ms));
  store_copied(header.copied_to, &out[64]);
  store_le(&out[84], header.database_pages);
}

std::optional<Segment::Header> decode_header(std::span<const std::byte, Segment::kHeaderSize> bytes) noexcept {
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  if (load_le<std::uint32_t>(&bytes[8]) != kVersion) return std::nullopt;
  if (load_le<std::uint64_t>(&bytes[kChecksumAt]) != checksum_of(bytes.first(kChecksumAt))) return std::nullopt;
  Segment::Header header;
  header.page_size = load_le<std::uint32_t>(&bytes[12]);
  std::ranges::copy(bytes.subspan<16, 16>(), header.log_id.bytes.begin());
  header.incarnation = load_le<std::uint64_t>(&bytes[32]);
  header.first_frame = load_le<std::uint64_t>(&bytes[40]);
  header.checksum = load_le<std::uint64_t>(&bytes[48]);
  header.created_ms = static_cast<std::int64_t>(load_le<std::uint64_t>(&bytes[56]));
  header.copied_to = load_copied(&bytes[64]);
  header.database_pages = load_le<std::uint32_t>(&bytes[84]);
  if (!engine::wal::is_page_size(header.page_size)) return std::nullopt;
  return header;
}

// A name is durable once its folder is.
void sync_folder(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail(folder, "open");
  const int failed = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (failed != 0) fail(folder, "sync");
}

}  // namespace

Segment::Segment(std::filesystem::path path, int descriptor, const Header& header)
    : path_(std::move(path)),
      descriptor_(descriptor),
      header_(header),
      checksum_(header.checksum),
      next_frame_(header.first_frame),
      end_frame_(header.first_frame) {}

Segment::~Segment() { ::close(descriptor_); }

std::shared_ptr<Segment> Segment::create(const std::filesystem::path& file, const Header& header, Key key) {
  std::filesystem::path making = file;
  making += ".new";
  const int descriptor = ::open(making.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) fail(making, "create");
  std::shared_ptr<Segment> segment(new Segment(file, descriptor, header));
  std::array<std::byte, kHeaderSize> bytes{};
  encode_header(header, bytes);
  if (!key.empty()) {
    const SegmentCipher::Nonce nonce = SegmentCipher::random_nonce();
    segment->cipher_.emplace(key, nonce);
    std::ranges::copy(nonce, &bytes[kNonceAt]);
    std::ranges::copy(segment->cipher_->check(), &bytes[kCheckAt]);
  }
  store_le(&bytes[kChecksumAt], checksum_of(std::span(bytes).first(kChecksumAt)));
  write_all(descriptor, bytes, 0, making);
  if (::fdatasync(descriptor) != 0) fail(making, "sync");
  if (::rename(making.c_str(), file.c_str()) != 0) fail(file, "create");
  sync_folder(file);
  return segment;
}

std::shared_ptr<Segment> Segment::open(const std::filesystem::path& file, bool newest, Key key) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) fail(file, "open");
  std::shared_ptr<Segment> segment(new Segment(file, descriptor, {}));
  std::array<std::byte, kHeaderSize> bytes{};
  if (read_some(descriptor, bytes, 0, file) != bytes.size()) return nullptr;
  const std::optional<Header> header = decode_header(bytes);
  if (!header) return nullptr;
  SegmentCipher::Check check{};
  if (!key.empty()) {
    SegmentCipher::Nonce nonce;
    std::copy_n(&bytes[kNonceAt], nonce.size(), nonce.begin());
    check = segment->cipher_.emplace(key, nonce).check();
  }
  if (!std::equal(check.begin(), check.end(), &bytes[kCheckAt])) return nullptr;
  segment->header_ = *header;
  segment->checksum_ = header->checksum;
  segment->next_frame_ = segment->end_frame_ = header->first_frame;
  if (!segment->scan(newest)) return nullptr;
  return segment;
}

// Whether all of the file is in order, or its end was cut off.
bool Segment::scan(bool newest) {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail(path_, "look at");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::vector<std::byte> bytes;
  while (end_ < size) {
    std::optional<Record> record = read_record(end_, size, bytes);
    if (record) record->checksum_before = checksum_;
    // Pages of older files were durable before there was a newer one; they are compared when they are read.
    if (!record || record->first_frame != next_frame_ || (newest && !holds_pages(*record))) break;
    written_ =
        record->offset + kRecordSize + std::uint64_t{record->frames} * (kTableEntry + std::uint64_t{header_.page_size});
    checksum_ = record->checksum;
    next_frame_ += record->frames;
    publish(*record);
    end_ = written_;
  }
  if (written_ == size) return true;
  if (!newest) return false;
  if (::ftruncate(descriptor_, static_cast<off_t>(written_)) != 0) fail(path_, "truncate");
  durable_ = false;
  spoilt_ = true;
  return true;
}

// What is at that place, if it is a record with its table; `bytes` are its own.
std::optional<Segment::Record> Segment::read_record(std::uint64_t offset, std::uint64_t limit,
                                                    std::vector<std::byte>& bytes) const {
  bytes.resize(kRecordSize);
  if (limit - offset < kRecordSize || read(bytes, offset) != kRecordSize) return std::nullopt;
  const auto word = [&](std::size_t at) { return load_le<std::uint32_t>(&bytes[at]); };
  const auto number = [&](std::size_t at) { return load_le<std::uint64_t>(&bytes[at]); };
  if (word(0) != kRecordMagic) return std::nullopt;
  Record record;
  record.kind = static_cast<Record::Kind>(word(4));
  record.frames = word(8);
  record.size_after = word(12);
  record.first_frame = number(16);
  record.committed_ms = static_cast<std::int64_t>(number(24));
  record.copied_to = load_copied(&bytes[32]);
  record.next = {word(52), word(56)};
  record.checksum = number(64);
  record.offset = offset;
  if (record.frames > kMostFrames ||
      limit - offset < kRecordSize + record.frames * (kTableEntry + std::uint64_t{header_.page_size})) {
    return std::nullopt;
  }
  const std::size_t table = record.frames * kTableEntry;
  bytes.resize(kRecordSize + table);
  const std::span<std::byte> rest = std::span(bytes).subspan(kRecordSize);
  if (read(rest, offset + kRecordSize) != table) return std::nullopt;
  const std::uint64_t checksum = chain_checksum(checksum_of(std::span(bytes).first(72)), rest);
  if (load_le<std::uint64_t>(&bytes[72]) != checksum) return std::nullopt;
  const bool is_commit = record.kind == Record::Kind::Commit && record.frames != 0;
  const bool is_restart = record.kind == Record::Kind::Restart && record.frames == 0;
  if (!is_commit && !is_restart) return std::nullopt;
  return record;
}

bool Segment::holds_pages(const Record& record) const {
  if (record.frames == 0) return true;
  const std::vector<Entry> entries = table(record);
  constexpr std::uint32_t kAtOnce = 64;
  std::vector<std::byte> pages(std::size_t{std::min(kAtOnce, record.frames)} * header_.page_size);
  try {
    for (std::uint32_t at = 0; at < record.frames; at += kAtOnce) {
      const std::uint32_t count = std::min(kAtOnce, record.frames - at);
      read_pages(record, entries, at, std::span(pages).first(std::size_t{count} * header_.page_size));
    }
  } catch (const Corrupt&) {
    return false;
  }
  return true;
}

void Segment::encode_head(const Record& record, std::span<const Entry> table, std::byte* out) const noexcept {
  std::memset(out, 0, kRecordSize);
  store_le(out, kRecordMagic);
  store_le(out + 4, static_cast<std::uint32_t>(record.kind));
  store_le(out + 8, record.frames);
  store_le(out + 12, record.size_after);
  store_le(out + 16, record.first_frame);
  store_le(out + 24, static_cast<std::uint64_t>(record.committed_ms));
  store_copied(record.copied_to, out + 32);
  store_le(out + 52, record.next.first);
  store_le(out + 56, record.next.second);
  store_le(out + 64, record.checksum);
  std::byte* at = out + kRecordSize;
  for (const Entry& entry : table) {
    store_le(at, entry.page_no);
    store_le(at + 4, std::uint32_t{0});
    store_le(at + 8, entry.checksum);
    at += kTableEntry;
  }
  store_le(out + 72, chain_checksum(checksum_of({out, 72}), {out + kRecordSize, table.size() * kTableEntry}));
}

void Segment::add_commit(const Record& given, CommitPages& pages) {
  Record record = given;
  record.kind = Record::Kind::Commit;
  record.first_frame = next_frame_;
  record.checksum_before = checksum_;
  const std::size_t head = kRecordSize + record.frames * kTableEntry;
  const std::size_t size = head + std::size_t{record.frames} * header_.page_size;
  if (waiting_.size() + size > kWaitingBytes) flush();
  if (size > kWaitingBytes) return stream_commit(record, pages);

  const std::size_t begin = waiting_.size();
  record.offset = written_ + begin;
  waiting_.resize(begin + size);
  try {
    const std::span<std::byte> images = std::span(waiting_).subspan(begin + head);
    pages.read(0, images);
    entries_.clear();
    std::uint64_t checksum = checksum_;
    for (std::uint32_t i = 0; i < record.frames; ++i) {
      checksum = chain_checksum(checksum, images.subspan(std::size_t{i} * header_.page_size, header_.page_size));
      entries_.push_back({pages.page_no(i), checksum});
    }
    record.checksum = checksum;
    encode_head(record, entries_, &waiting_[begin]);
    waiting_records_.push_back(record);
  } catch (...) {
    waiting_.resize(begin);
    throw;
  }
  checksum_ = record.checksum;
  next_frame_ += record.frames;
}

// Pages first, so that a record that is cut off is none.
void Segment::stream_commit(Record& record, CommitPages& pages) {
  constexpr std::uint32_t kAtOnce = 64;
  const std::size_t head = kRecordSize + record.frames * kTableEntry;
  record.offset = written_;
  std::vector<std::byte> part(std::size_t{kAtOnce} * header_.page_size);
  entries_.clear();
  entries_.reserve(record.frames);
  std::uint64_t checksum = checksum_;
  durable_ = false;
  spoilt_ = true;  // unless all of it is written
  for (std::uint32_t at = 0; at < record.frames; at += kAtOnce) {
    const std::uint32_t count = std::min(kAtOnce, record.frames - at);
    const std::span<std::byte> images = std::span(part).first(std::size_t{count} * header_.page_size);
    pages.read(at, images);
    for (std::uint32_t i = 0; i < count; ++i) {
      checksum = chain_checksum(checksum, images.subspan(std::size_t{i} * header_.page_size, header_.page_size));
      entries_.push_back({pages.page_no(at + i), checksum});
    }
    write(images, written_ + head + std::uint64_t{at} * header_.page_size);
  }
  record.checksum = checksum;
  std::vector<std::byte> bytes(head);
  encode_head(record, entries_, bytes.data());
  write(bytes, written_);
  spoilt_ = false;
  written_ += head + std::uint64_t{record.frames} * header_.page_size;
  checksum_ = checksum;
  next_frame_ += record.frames;
  const std::lock_guard lock(mutex_);
  publish(record);
  end_ = written_;
}

void Segment::add_restart(const CopiedTo& copied_to, Salts next) {
  if (waiting_.size() + kRecordSize > kWaitingBytes) flush();
  Record record;
  record.kind = Record::Kind::Restart;
  record.first_frame = next_frame_;
  record.copied_to = copied_to;
  record.next = next;
  record.checksum = record.checksum_before = checksum_;
  record.offset = written_ + waiting_.size();
  waiting_.resize(waiting_.size() + kRecordSize);
  encode_head(record, {}, &waiting_[waiting_.size() - kRecordSize]);
  waiting_records_.push_back(record);
}

void Segment::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  if (!cipher_) {
    write_all(descriptor_, bytes, offset, path_);
    return;
  }
  encrypted_.assign(bytes.begin(), bytes.end());
  cipher_->apply(encrypted_, offset);
  write_all(descriptor_, encrypted_, offset, path_);
}

std::size_t Segment::read(std::span<std::byte> out, std::uint64_t offset) const {
  const std::size_t size = read_some(descriptor_, out, offset, path_);
  if (cipher_) cipher_->apply(out.first(size), offset);
  return size;
}

void Segment::flush() {
  if (waiting_.empty()) return;
  durable_ = false;
  write(waiting_, written_);
  written_ += waiting_.size();
  waiting_.clear();
  const std::lock_guard lock(mutex_);
  for (const Record& record : waiting_records_) publish(record);
  waiting_records_.clear();
  end_ = written_;
}

void Segment::sync() {
  if (durable_) return;
  if (::fdatasync(descriptor_) != 0) fail(path_, "sync");
  durable_ = true;
}

void Segment::publish(const Record& record) {
  if (record.frames != 0) commits_.push_back({record.first_frame, record.offset, record.checksum_before});
  end_frame_ = record.first_frame + record.frames;
  last_ = record;
}

std::uint64_t Segment::size() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

FrameNo Segment::end_frame() const {
  const std::lock_guard lock(mutex_);
  return end_frame_;
}

std::int64_t Segment::newest_ms() const {
  const std::lock_guard lock(mutex_);
  return last_ && last_->committed_ms != 0 ? last_->committed_ms : header_.created_ms;
}

std::optional<Segment::Record> Segment::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::optional<Segment::Record> Segment::find(FrameNo frame) const {
  Commit commit{};
  std::uint64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    if (frame < header_.first_frame || frame >= end_frame_) return std::nullopt;
    const auto after = std::ranges::upper_bound(commits_, frame, {}, &Commit::first_frame);
    commit = *std::prev(after);
    end = end_;
  }
  std::vector<std::byte> bytes;
  std::optional<Record> record = read_record(commit.offset, end, bytes);
  if (!record) core::throw_error(ErrorCode::Corrupt, "the replication log '" + path_.string() + "' is damaged");
  record->checksum_before = commit.checksum_before;
  return record;
}

std::vector<Segment::Entry> Segment::table(const Record& record) const {
  std::vector<std::byte> bytes(record.frames * kTableEntry);
  if (read(bytes, record.offset + kRecordSize) != bytes.size()) {
    core::throw_error(ErrorCode::Corrupt, "the replication log '" + path_.string() + "' ends within a commit");
  }
  std::vector<Entry> entries(record.frames);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i] = {load_le<std::uint32_t>(&bytes[i * kTableEntry]), load_le<std::uint64_t>(&bytes[i * kTableEntry + 8])};
  }
  return entries;
}

void Segment::read_pages(const Record& record, std::span<const Entry> table, std::uint32_t first,
                         std::span<std::byte> out) const {
  const std::uint64_t offset =
      record.offset + kRecordSize + record.frames * kTableEntry + std::uint64_t{first} * header_.page_size;
  const bool whole = read(out, offset) == out.size();
  std::uint64_t checksum = first == 0 ? record.checksum_before : table[first - 1].checksum;
  for (std::size_t i = 0; whole && i * header_.page_size < out.size(); ++i) {
    if (chain_checksum(checksum, out.subspan(i * header_.page_size, header_.page_size)) != table[first + i].checksum) {
      core::throw_error(ErrorCode::Corrupt, "frame " + std::to_string(record.first_frame + first + i) +
                                                " of the replication log '" + path_.string() + "' is damaged");
    }
    checksum = table[first + i].checksum;
  }
  if (!whole)
    core::throw_error(ErrorCode::Corrupt, "the replication log '" + path_.string() + "' ends within a commit");
}

}  // namespace libsql::replication
