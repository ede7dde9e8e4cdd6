#include "engine/wal_index.hpp"

#include <sqlite3.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <string>

#include "core/errors.hpp"

namespace libsql::engine::wal {
namespace {

constexpr std::uint32_t kIndexVersion = 3007000;
constexpr std::uint32_t kRegionSize = 32768;
constexpr std::uint32_t kPagesPerTable = 4096;
constexpr std::uint32_t kSlotsPerTable = 2 * kPagesPerTable;
constexpr std::uint32_t kIndexHeaderSize = 136;  // two headers and the checkpoint information
constexpr std::uint32_t kPagesInFirstTable = kPagesPerTable - kIndexHeaderSize / 4;
constexpr std::uint32_t kHashFactor = 383;

constexpr std::size_t kHeaderWords = 12;
constexpr std::size_t kBackfilledWord = 24;
constexpr std::size_t kReadMarksWord = 25;
constexpr std::size_t kReadMarks = 5;
constexpr std::uint32_t kReadMarkUnused = 0xffffffff;
constexpr std::size_t kAttemptedWord = 32;

// Other threads and processes read this memory while it is written: every access is atomic, word by word.
std::uint32_t load(volatile std::uint32_t* word) noexcept {
  return std::atomic_ref<std::uint32_t>(*const_cast<std::uint32_t*>(word)).load(std::memory_order_relaxed);
}
void store(volatile std::uint32_t* word, std::uint32_t value) noexcept {
  std::atomic_ref<std::uint32_t>(*const_cast<std::uint32_t*>(word)).store(value, std::memory_order_relaxed);
}
std::uint16_t load_slot(volatile std::uint16_t* slot) noexcept {
  return std::atomic_ref<std::uint16_t>(*const_cast<std::uint16_t*>(slot)).load(std::memory_order_acquire);
}
void store_slot(volatile std::uint16_t* slot, std::uint16_t value) noexcept {
  std::atomic_ref<std::uint16_t>(*const_cast<std::uint16_t*>(slot)).store(value, std::memory_order_release);
}

std::uint32_t table_of(std::uint32_t frame) noexcept {
  return frame <= kPagesInFirstTable ? 0 : 1 + (frame - kPagesInFirstTable - 1) / kPagesPerTable;
}

std::uint32_t first_slot_of(std::uint32_t page) noexcept { return (page * kHashFactor) % kSlotsPerTable; }
std::uint32_t slot_after(std::uint32_t slot) noexcept { return (slot + 1) % kSlotsPerTable; }

// The checksum of an index header is the log's, over native words, without its own last two.
Checksum checksum_of(const std::uint32_t (&words)[kHeaderWords]) noexcept {
  Checksum sum;
  sum.add(std::as_bytes(std::span(words)).first((kHeaderWords - 2) * 4), std::endian::native == std::endian::big);
  return sum;
}

std::uint32_t salt_from_word(std::uint32_t word) noexcept {  // the bytes are those of the log's header
  std::byte bytes[4];
  std::memcpy(bytes, &word, 4);
  return load_be32(bytes);
}
std::uint32_t word_from_salt(std::uint32_t salt) noexcept {
  std::byte bytes[4];
  store_be32(bytes, salt);
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, 4);
  return word;
}

[[noreturn]] void throw_corrupt_index() {
  core::throw_error(ErrorCode::Corrupt, "the wal-index (-shm) is damaged: a hash table is full");
}

}  // namespace

/// One region: page numbers of consecutive frames, and the hash table over them.
struct Index::Table {
  volatile std::uint32_t* pages = nullptr;  // pages[i] is the page of frame zero + 1 + i
  volatile std::uint16_t* slots = nullptr;  // 0, or the number of an entry of pages, from 1
  std::uint32_t zero = 0;
  std::uint32_t size = 0;
};

volatile std::uint32_t* Index::region(std::uint32_t number, bool extend) {
  if (number < regions_.size() && regions_[number] != nullptr) return regions_[number];
  void volatile* memory = nullptr;
  if (file_->pMethods->iVersion < 2 || file_->pMethods->xShmMap == nullptr) {
    core::throw_unsupported("WAL API", "local", "the VFS of this database has no shared memory");
  }
  const int rc =
      file_->pMethods->xShmMap(file_, static_cast<int>(number), static_cast<int>(kRegionSize), extend ? 1 : 0, &memory);
  if (rc != SQLITE_OK && !(rc == SQLITE_READONLY && memory != nullptr && !extend)) {
    detail::ErrorData data;
    data.code = core::error_code_of(rc);
    data.sqlite_code = rc;
    data.retryable = core::is_retryable(rc);
    data.origin = ErrorOrigin::Engine;
    data.message = std::string("cannot map the wal-index (-shm): ") + sqlite3_errstr(rc);
    core::throw_error(std::move(data));
  }
  if (memory == nullptr) return nullptr;
  if (number >= regions_.size()) regions_.resize(number + 1);
  regions_[number] = static_cast<volatile std::uint32_t*>(memory);
  return regions_[number];
}

Index::Table Index::table(std::uint32_t number, bool extend) {
  volatile std::uint32_t* words = region(number, extend);
  if (words == nullptr) return {};
  Table table;
  table.slots = reinterpret_cast<volatile std::uint16_t*>(words + kPagesPerTable);
  if (number == 0) {
    table.pages = words + kIndexHeaderSize / 4;
    table.size = kPagesInFirstTable;
  } else {
    table.pages = words;
    table.size = kPagesPerTable;
    table.zero = kPagesInFirstTable + (number - 1) * kPagesPerTable;
  }
  return table;
}

void Index::barrier() noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (file_->pMethods->xShmBarrier != nullptr) file_->pMethods->xShmBarrier(file_);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::optional<IndexHeader> Index::read_header() {
  volatile std::uint32_t* words = region(0, false);
  if (words == nullptr) return std::nullopt;
  // A writer replaces the second copy first, so this order sees two equal copies only if both are whole.
  std::uint32_t first[kHeaderWords];
  std::uint32_t second[kHeaderWords];
  for (std::size_t i = 0; i < kHeaderWords; ++i) first[i] = load(words + i);
  barrier();
  for (std::size_t i = 0; i < kHeaderWords; ++i) second[i] = load(words + kHeaderWords + i);
  if (std::memcmp(first, second, sizeof first) != 0 || first[0] != kIndexVersion) return std::nullopt;
  if (checksum_of(first) != Checksum{first[10], first[11]}) return std::nullopt;
  std::uint8_t flags[4];
  std::memcpy(flags, &first[3], 4);
  if (flags[0] == 0) return std::nullopt;
  std::uint16_t size = 0;
  std::memcpy(&size, flags + 2, 2);
  IndexHeader header;
  header.change = first[2];
  header.big_endian = flags[1] != 0;
  header.page_size = (size & 0xfe00U) + ((size & 0x0001U) << 16);
  header.max_frame = first[4];
  header.database_pages = first[5];
  header.frame_checksum = {first[6], first[7]};
  header.salt1 = salt_from_word(first[8]);
  header.salt2 = salt_from_word(first[9]);
  return header;
}

std::uint32_t Index::backfilled() {
  volatile std::uint32_t* words = region(0, false);
  return words == nullptr ? 0 : load(words + kBackfilledWord);
}

std::uint32_t Index::backfill_attempted() {
  volatile std::uint32_t* words = region(0, false);
  return words == nullptr ? 0 : load(words + kAttemptedWord);
}

bool Index::has_read_mark(int place) { return load(region(0, false) + kReadMarksWord + place) != kReadMarkUnused; }

void Index::clear_read_mark(int place) { store(region(0, false) + kReadMarksWord + place, kReadMarkUnused); }

std::uint32_t Index::page_of(std::uint32_t frame) {
  const Table in = table(table_of(frame), false);
  return in.pages == nullptr ? 0 : load(in.pages + (frame - in.zero - 1));
}

std::uint32_t Index::find(std::uint32_t page, std::uint32_t last) {
  if (last == 0) return 0;
  for (std::uint32_t number = table_of(last) + 1; number-- > 0;) {
    const Table in = table(number, false);
    if (in.pages == nullptr) continue;
    std::uint32_t found = 0;
    std::uint32_t probes = 0;
    for (std::uint32_t slot = first_slot_of(page);; slot = slot_after(slot)) {
      const std::uint32_t entry = load_slot(in.slots + slot);
      if (entry == 0) break;
      // A writer may be adding entries for frames after `last`; those, and whatever a dead one left, do not count.
      const std::uint32_t frame = in.zero + entry;
      if (entry <= in.size && frame <= last && frame > found && load(in.pages + entry - 1) == page) found = frame;
      if (++probes > kSlotsPerTable) throw_corrupt_index();
    }
    if (found != 0) return found;
  }
  return 0;
}

void Index::drop_after(std::uint32_t max_frame) {
  if (max_frame == 0) return;  // append() clears a table before its first entry
  const Table in = table(table_of(max_frame), true);
  const std::uint32_t used = max_frame - in.zero;
  for (std::uint32_t slot = 0; slot < kSlotsPerTable; ++slot) {
    if (load_slot(in.slots + slot) > used) store_slot(in.slots + slot, 0);
  }
  for (std::uint32_t entry = used; entry < in.size; ++entry) store(in.pages + entry, 0);
}

void Index::append(std::uint32_t frame, std::uint32_t page) {
  const Table in = table(table_of(frame), true);
  if (in.pages == nullptr) throw_corrupt_index();
  const std::uint32_t entry = frame - in.zero;
  if (entry == 1) {
    for (std::uint32_t i = 0; i < in.size; ++i) store(in.pages + i, 0);
    for (std::uint32_t slot = 0; slot < kSlotsPerTable; ++slot) store_slot(in.slots + slot, 0);
  } else if (load(in.pages + entry - 1) != 0) {
    drop_after(frame - 1);
  }
  std::uint32_t slot = first_slot_of(page);
  for (std::uint32_t probes = 0; load_slot(in.slots + slot) != 0; slot = slot_after(slot)) {
    if (++probes > entry) throw_corrupt_index();
  }
  store(in.pages + entry - 1, page);
  store_slot(in.slots + slot, static_cast<std::uint16_t>(entry));
}

void Index::publish(const IndexHeader& header) {
  volatile std::uint32_t* words = region(0, true);
  if (words == nullptr) throw_corrupt_index();
  const std::uint8_t initialised = 1;
  const std::uint8_t big_endian = header.big_endian ? 1 : 0;
  const auto size = static_cast<std::uint16_t>((header.page_size & 0xff00U) | (header.page_size >> 16));
  std::uint8_t flags[4] = {initialised, big_endian, 0, 0};
  std::memcpy(flags + 2, &size, 2);
  std::uint32_t next[kHeaderWords] = {};
  next[0] = kIndexVersion;
  next[2] = header.change;
  std::memcpy(&next[3], flags, 4);
  next[4] = header.max_frame;
  next[5] = header.database_pages;
  next[6] = header.frame_checksum.first;
  next[7] = header.frame_checksum.second;
  next[8] = word_from_salt(header.salt1);
  next[9] = word_from_salt(header.salt2);
  const Checksum sum = checksum_of(next);
  next[10] = sum.first;
  next[11] = sum.second;
  barrier();  // the frames' entries come before the header that lets readers use them
  for (std::size_t i = 0; i < kHeaderWords; ++i) store(words + kHeaderWords + i, next[i]);
  barrier();
  for (std::size_t i = 0; i < kHeaderWords; ++i) store(words + i, next[i]);
  barrier();
}

void Index::restart(const IndexHeader& header) {
  publish(header);
  volatile std::uint32_t* words = region(0, true);
  store(words + kBackfilledWord, 0);
  store(words + kAttemptedWord, 0);
  store(words + kReadMarksWord + 1, 0);
  for (std::size_t mark = 2; mark < kReadMarks; ++mark) store(words + kReadMarksWord + mark, kReadMarkUnused);
  barrier();
}

}  // namespace libsql::engine::wal
