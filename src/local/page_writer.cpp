#include "local/page_writer.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <libsql/error.hpp>
#include <libsql/params.hpp>

#include "core/errors.hpp"

namespace libsql::local {
namespace {

// https://www.sqlite.org/fileformat2.html#the_database_header
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kWriteVersionAt = 18;
constexpr std::size_t kReservedAt = 20;
constexpr std::size_t kSchemaVersionAt = 40;
constexpr std::byte kWalMode{2};
constexpr std::uint32_t kLockBytes = 0x40000000;

[[noreturn]] void throw_bad_page(std::uint32_t page_no, std::string_view why) {
  core::throw_error(ErrorCode::Corrupt, std::string("page ").append(std::to_string(page_no)).append(" ").append(why));
}

std::uint32_t load_be(std::span<const std::byte> page, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8U | std::to_integer<std::uint32_t>(page[i]);
  return value;
}
void store_be(std::span<std::byte> page, std::size_t at, std::uint32_t value) {
  for (std::size_t i = at + 4; i-- > at; value >>= 8U) page[i] = static_cast<std::byte>(value);
}

}  // namespace

PageWriter::PageWriter(std::shared_ptr<Store> store)
    : store_(std::move(store)), connection_(store_->open_connection()) {
  if (connection_->query_text("PRAGMA main.journal_mode") != "wal") {
    core::throw_unsupported("writing pages", "local", "the database is not in WAL mode");
  }
  page_size_ = static_cast<std::uint32_t>(connection_->query_integer("PRAGMA main.page_size"));
  lock_page_ = kLockBytes / page_size_ + 1;
  set_synchronous();
  // A schema that cannot be read must not keep pages from being written that put it right.
  connection_->query_text("PRAGMA writable_schema=ON");
  if (connection_->is_encrypted("main")) reserved_ = connection_->reserved_bytes();
  if (store_->write_line() != nullptr) {
    turn_ = std::make_unique<WriteTurn>(*connection_, store_->write_line(), WriteTurn::Scope::AllWrites);
  }
}

PageWriter::~PageWriter() {
  roll_back();
  begin_.reset();
  write_.reset();
  commit_.reset();
  turn_.reset();
}

void PageWriter::set_synchronous() {
  if (is_synced_ == synced_) return;
  connection_->execute_script(synced_ ? "PRAGMA main.synchronous=FULL" : "PRAGMA main.synchronous=NORMAL");
  is_synced_ = synced_;
}

void PageWriter::begin() {
  if (has_lock()) return;
  set_synchronous();
  using Persistence = engine::Statement::Persistence;
  if (begin_ == nullptr) begin_ = engine::Statement::prepare(*connection_, "BEGIN IMMEDIATE", Persistence::Cached);
  try {
    if (turn_ != nullptr) turn_->take();
    begin_->execute({});
    const std::uint32_t pages = count_pages();
    // Pages that were staged are there only as long as nothing else has been written.
    if (staged_ && pages != pages_before_) staged_ = false;
    if (!staged_) grown_.clear();
    pages_before_ = pages;
    whole_before_ = replaces_all_ ? 0 : pages;
  } catch (...) {
    roll_back();
    throw;
  }
}

std::uint32_t PageWriter::count_pages() {
  return static_cast<std::uint32_t>(connection_->query_integer("PRAGMA main.page_count"));
}

bool PageWriter::is_empty() {
  return count_pages() <= 1 && connection_->query_integer("SELECT count(*) FROM main.sqlite_schema") == 0;
}

void PageWriter::check_first_page(std::span<const std::byte> page) const {
  if (std::memcmp(page.data(), kMagic.data(), kMagic.size()) != 0) {
    throw_bad_page(1, "is not the begin of a database");
  }
  const auto size =
      (std::to_integer<std::uint32_t>(page[kPageSizeAt]) << 8U) | std::to_integer<std::uint32_t>(page[kPageSizeAt + 1]);
  if ((size == 1 ? 65536U : size) != page_size_) throw_bad_page(1, "is of a database with pages of another size");
  if (reserved_ != 0 && std::to_integer<int>(page[kReservedAt]) != reserved_) {
    core::throw_unsupported("this cipher for a copy of that database", "local",
                            "it keeps bytes of each page for itself, which that database uses; aes256cbc does not");
  }
}

void PageWriter::put(std::uint32_t page_no, std::span<const std::byte> page) {
  if (page_no == 0) throw_bad_page(page_no, "does not exist");
  if (page_no == lock_page_) throw_bad_page(page_no, "is that of the lock bytes");
  if (page.size() != page_size_) {
    throw_bad_page(page_no, std::string("has ")
                                .append(std::to_string(page.size()))
                                .append(" bytes, not ")
                                .append(std::to_string(page_size_)));
  }
  if (page_no == 1) {
    check_first_page(page);
    first_page_.assign(page.begin(), page.end());
    // The journal mode of this file is its own affair: connections read it here, and need the log they use.
    first_page_[kWriteVersionAt] = first_page_[kWriteVersionAt + 1] = kWalMode;
    has_first_page_ = true;
    return;
  }
  const auto [entry, is_new] = slots_.try_emplace(page_no, numbers_.size());
  if (is_new) {
    try {
      pages_.resize((numbers_.size() + 1) * page_size_);
      numbers_.push_back(page_no);
    } catch (...) {
      slots_.erase(entry);
      throw;
    }
  }
  std::memcpy(slot(entry->second).data(), page.data(), page.size());
  if (pages_.size() >= kHeldBytes) spill();
}

void PageWriter::write(std::uint32_t page_no, std::span<const std::byte> page) {
  if (write_ == nullptr) {
    write_ = engine::Statement::prepare(*connection_, "INSERT INTO sqlite_dbpage(pgno, data) VALUES (?1, ?2)",
                                        engine::Statement::Persistence::Cached);
  }
  const std::array<ValueRef, 2> arguments{ValueRef(static_cast<std::int64_t>(page_no)),
                                          page.empty() ? ValueRef() : ValueRef(page)};
  write_->execute({arguments, {}});
}

// Between the two, the engine must find no other version of the schema: it would read the schema, with what it knows of
// the old page 1. It is told of the version when both are there.
void PageWriter::write_first_and_end(std::uint32_t end, std::uint32_t known_version) {
  const std::uint32_t version = load_be(first_page_, kSchemaVersionAt);
  store_be(first_page_, kSchemaVersionAt, known_version);
  write(1, first_page_);
  write(end, {});
  if (version == known_version) return;
  connection_->execute_script(
      std::string("PRAGMA main.schema_version=").append(std::to_string(static_cast<std::int32_t>(version))));
}

void PageWriter::spill() {
  begin();
  try {
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const std::uint32_t page_no = numbers_[i];
      write(page_no, slot(i));
      if (page_no > whole_before_) grown_.insert(page_no);
      ++spilled_;
    }
    slots_.clear();
    numbers_.clear();
    pages_.clear();
  } catch (...) {
    roll_back();
    throw;
  }
}

// Pages that nobody wrote would be read as zeros.
void PageWriter::require_growth_is_whole(std::uint32_t pages) {
  if (pages <= whole_before_) return;
  std::uint32_t missing = pages - whole_before_;
  if (lock_page_ > whole_before_ && lock_page_ <= pages) --missing;
  missing -= grown_.count(whole_before_ + 1, pages);
  if (whole_before_ == 0 && has_first_page_) --missing;
  if (missing != 0) {
    core::throw_error(ErrorCode::Corrupt, std::string("a commit leaves out ")
                                              .append(std::to_string(missing))
                                              .append(" pages of the database that it makes larger"));
  }
}

void PageWriter::commit(std::uint32_t pages) {
  try {
    if (pages == 0) core::throw_error(ErrorCode::Corrupt, "a commit leaves no page of the database");
    if (!synced_) {  // the rest as well, and then page 1 alone, for which the disk is waited for
      const bool has_first_page = std::exchange(has_first_page_, false);
      stage();
      has_first_page_ = has_first_page;
      synced_ = true;
    }
    begin();
    // What the transaction itself cut off again.
    for (std::size_t i = 0; i < numbers_.size();) {
      if (numbers_[i] <= pages) {
        ++i;
        continue;
      }
      slots_.erase(numbers_[i]);
      if (i + 1 != numbers_.size()) {
        numbers_[i] = numbers_.back();
        std::memcpy(slot(i).data(), slot(numbers_.size() - 1).data(), page_size_);
        slots_[numbers_[i]] = i;
      }
      numbers_.pop_back();
      pages_.resize(numbers_.size() * page_size_);
    }
    spill();
    require_growth_is_whole(pages);
    // Page 1 comes when all others are there, and the end last, as any later page would have the engine forget it.
    bool changes_schema = false;
    std::uint32_t version = 0;
    if (has_first_page_) {
      version = static_cast<std::uint32_t>(connection_->query_integer("PRAGMA main.schema_version"));
      changes_schema = version != load_be(first_page_, kSchemaVersionAt);
    }
    if (has_first_page_ && pages < pages_before_) {
      write_first_and_end(pages + 1, version);
    } else if (has_first_page_) {
      write(1, first_page_);
    } else if (pages < pages_before_) {
      write(pages + 1, {});
    }
    run_commit();
    // The engine keeps what it has read of a page's form, also where the page is written past its tables.
    if (changes_schema || replaces_all_) connection_->release_memory();
  } catch (...) {
    roll_back();
    throw;
  }
  staged_ = replaces_all_ = false;
  if (turn_ != nullptr) turn_->settle();
  forget();
}

void PageWriter::run_commit() {
  if (commit_ == nullptr) {
    commit_ = engine::Statement::prepare(*connection_, "COMMIT", engine::Statement::Persistence::Cached);
  }
  commit_->execute({});
}

void PageWriter::stage() {
  if (has_first_page_) core::throw_error(ErrorCode::Misuse, "page 1 would show what is staged");
  spill();
  if (spilled_ == 0) return roll_back();
  try {
    run_commit();
  } catch (...) {
    staged_ = false;
    roll_back();
    throw;
  }
  staged_ = true;
  spilled_ = 0;
  if (turn_ != nullptr) turn_->settle();
}

void PageWriter::roll_back() noexcept {
  if (!connection_->is_autocommit()) {
    try {
      const engine::Patience::UndoScope undo(connection_->patience());
      connection_->execute_unheard("ROLLBACK");
    } catch (const std::exception&) {  // the engine rolls back before the next transaction, or with the connection
    }
  }
  if (turn_ != nullptr) turn_->settle();
  replaces_all_ = false;
  synced_ = true;
  forget();
}

void PageWriter::forget() noexcept {
  slots_.clear();
  numbers_.clear();
  pages_.clear();
  has_first_page_ = false;
  spilled_ = 0;
  if (!staged_) grown_.clear();
}

}  // namespace libsql::local
