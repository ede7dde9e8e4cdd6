// Writing a database page by page, as somebody else's log says: what a replica does with the frames of its primary, and
// a server with those that are pushed to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/connection.hpp"
#include "engine/statement.hpp"
#include "local/page_set.hpp"
#include "local/store.hpp"
#include "local/write_turn.hpp"

namespace libsql::local {

/// Applies pages in transactions of the engine, so locks, caches, encryption, the line of writers and its listeners,
/// and checkpoints are what they are for any writer: readers keep their snapshots and never wait, and their compiled
/// statements notice a new schema. A page that comes several times within a transaction is written once. Each
/// commit is durable, and costs one sync.
///
/// Pages are kept in memory at first, so the write lock is held only while they are written; beyond kHeldBytes they go
/// to the engine, which then holds the lock until the commit.
///
/// Threads: one at a time.
class PageWriter final {
 public:
  static constexpr std::size_t kHeldBytes = std::size_t{8} << 20U;

  /// Opens a connection of its own. The database is in WAL mode. Throws Unsupported if it is not, and what opening
  /// throws.
  explicit PageWriter(std::shared_ptr<Store> store);
  ~PageWriter();
  PageWriter(const PageWriter&) = delete;
  PageWriter& operator=(const PageWriter&) = delete;

  std::uint32_t page_size() const noexcept { return page_size_; }
  /// For how long it waits, and what interrupts it.
  engine::Connection& connection() noexcept { return *connection_; }

  /// Takes the write lock now: for who must look at the database before it writes. put() and commit() do it when they
  /// need it. Throws Busy, Timeout, Interrupted.
  void begin();
  bool has_lock() const noexcept { return !connection_->is_autocommit(); }

  /// The page as it is to be after the next commit. The file keeps its journal mode, whatever page 1 says. Throws
  /// Corrupt for what cannot be a page of this database: number 0, the page of the lock bytes, another size, a page 1
  /// that is not the begin of a database with pages of this size; Unsupported if the cipher of the file keeps bytes of
  /// each page for itself that this database uses. Then nothing has changed.
  void put(std::uint32_t page_no, std::span<const std::byte> page);

  /// Writes what was put since the last commit, as one transaction after which the database has `pages` pages. Throws
  /// Corrupt for a size of 0, or one that leaves pages out that neither were there nor were put; and what the engine
  /// throws. After a failure nothing of the transaction is left.
  void commit(std::uint32_t pages);

  /// Writes what was put so far without showing it to anybody, so that a database which is filled for the first time
  /// needs no log of its own size. Requires: is_empty(), and page 1 was not put yet. What is staged counts as put, also
  /// after a roll_back(); nothing of it is seen before the commit() with page 1, which makes all of it durable. Between
  /// begin_staging() and the last stage(), nothing waits for the disk.
  void begin_staging() { synced_ = false; }
  void stage();
  /// The next commit replaces all of the database: one that leaves out any page throws Corrupt. Until it succeeds, or
  /// roll_back().
  void expect_all_pages() noexcept { replaces_all_ = true; }
  /// Whether the database has nothing in it. Asks the engine.
  bool is_empty();

  /// Drops what was put since the last commit, and the write lock.
  void roll_back() noexcept;

  /// How many pages wait for a commit, and whether some are with the engine already.
  std::size_t held() const noexcept { return numbers_.size(); }
  bool has_spilled() const noexcept { return spilled_ != 0; }

 private:
  void check_first_page(std::span<const std::byte> page) const;
  void require_growth_is_whole(std::uint32_t pages);
  void write(std::uint32_t page_no, std::span<const std::byte> page);
  // `end`: the first page that goes; `known_version`: of the schema that the engine has found
  void write_first_and_end(std::uint32_t end, std::uint32_t known_version);
  void spill();
  std::span<std::byte> slot(std::size_t index) noexcept {
    return std::span(pages_).subspan(index * page_size_, page_size_);
  }
  void forget() noexcept;
  void run_commit();
  void set_synchronous();
  std::uint32_t count_pages();

  std::shared_ptr<Store> store_;
  std::unique_ptr<engine::Connection> connection_;
  std::unique_ptr<WriteTurn> turn_;  // null if nobody else can write to the database
  std::shared_ptr<engine::Statement> begin_, write_, commit_;
  std::uint32_t page_size_ = 0;
  std::uint32_t lock_page_ = 0;
  int reserved_ = 0;  // bytes of each page that the file's cipher needs; 0: none
  // What was put: where a page is in pages_.
  std::unordered_map<std::uint32_t, std::size_t> slots_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::byte> pages_;
  std::vector<std::byte> first_page_;  // which is written last
  bool has_first_page_ = false;
  std::uint32_t spilled_ = 0;       // pages that the engine has already
  std::uint32_t pages_before_ = 0;  // of the database, when the lock was taken
  PageSet grown_;                   // pages behind whole_before_ that the engine has
  std::uint32_t whole_before_ = 0;  // the pages that need not come: pages_before_, or none
  bool staged_ = false;
  bool replaces_all_ = false;
  bool synced_ = true;      // a commit waits for the disk
  bool is_synced_ = false;  // as the engine was told
};

}  // namespace libsql::local
