// Frames of a primary on their way into the local file: what is checked, and when it is committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "local/page_set.hpp"
#include "local/page_writer.hpp"
#include "local/store.hpp"
#include "replica/replica_files.hpp"
#include "replication/uuid.hpp"

namespace libsql::replica {

/// The frame after the last one applied does not continue it.
struct HistoryDiverged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Commits whole transactions of the primary, several of them at once. Pages become durable first, and then the
/// metadata that says so: whenever the process ends, what is there is applied again at most, and never less than the
/// file is known to have. Threads: one at a time.
class Applier final {
 public:
  using FrameNo = std::uint64_t;

  Applier(std::shared_ptr<local::Store> store, ReplicaFiles& files);

  /// What is applied: how far, and of which log.
  struct Position {
    replication::Uuid log_id;
    std::optional<FrameNo> frame_no;
    std::optional<std::uint64_t> checksum;  // of that frame, if it is known
    /// The file may have more, up to here; no state before it is shown.
    std::optional<FrameNo> redo_until;
  };
  void set_position(const Position& position);
  const Position& position() const noexcept { return position_; }
  /// The frame to ask for.
  FrameNo next() const noexcept;

  /// From now on frames come of that log, from 0 on, and replace all there is. By frames alone nothing is shown before
  /// `until`.
  void start_over(const replication::Uuid& log_id, std::optional<FrameNo> until);
  bool is_starting_over() const noexcept { return rebuilding_; }
  /// An empty file belongs to that log.
  void adopt(const replication::Uuid& log_id);

  /// The next frames up to the end of a transaction stand for all commits up to there: between their numbers there are
  /// gaps. They continue a frame of that checksum, if it is known. Throws HistoryDiverged; then drop() has to follow.
  void begin_joined(std::optional<std::uint64_t> previous_checksum);
  /// The next frame of the log. Throws Protocol for one that is not, HistoryDiverged, and what the engine throws; then
  /// drop() has to follow.
  void frame(std::span<const std::byte> bytes);
  /// No more frames come for now: commits what may be shown. Throws Protocol within a transaction.
  void settle();

  void begin_snapshot();
  void snapshot_frame(std::span<const std::byte> bytes);
  /// Throws Protocol if it is not whole.
  void end_snapshot();

  /// Drops what is not committed.
  void drop() noexcept;

  /// Whether nobody else has written to the file since the last commit, as far as can be seen.
  bool is_untouched();
  /// Writes down what is applied, if that failed when it was.
  void record();
  /// The seal of the file as it is.
  void seal();

  local::PageWriter& writer() noexcept { return writer_; }
  std::uint64_t frames_applied() const noexcept { return applied_; }
  /// Called after each commit: with how many frames it had, and whether it replaced all there was.
  std::function<void(std::uint64_t, bool)> on_commit;

 private:
  struct Commit {
    FrameNo frame_no = 0;
    std::uint32_t pages = 0;
    std::optional<std::uint64_t> checksum;
  };
  void put(std::uint32_t page_no, std::span<const std::byte> page);
  bool may_commit() const noexcept;
  void commit();
  std::optional<engine::LogEnd> log_end();
  void write_seal(std::optional<FrameNo> applying_to);

  ReplicaFiles& files_;
  local::PageWriter writer_;
  Position position_;
  std::optional<FrameNo> recorded_;  // what the metadata says
  bool is_recorded_ = true;          // and whether that is the position
  std::optional<engine::LogEnd> end_;
  bool in_doubt_ = false;  // whether the last commit is there
  std::uint64_t applied_ = 0;

  bool rebuilding_ = false;
  replication::Uuid next_log_;
  std::optional<FrameNo> rebuild_until_;

  // What came since the last commit.
  std::optional<FrameNo> received_;
  std::optional<std::uint64_t> chain_;
  bool joined_ = false;
  std::optional<Commit> ready_;  // the last transaction that is complete
  std::uint64_t pending_ = 0;    // frames
  bool at_commit_ = true;

  struct Snapshot {
    FrameNo from = 0;
    std::optional<FrameNo> end;
    std::uint32_t pages = 0;
    std::uint64_t frames = 0;
    std::size_t since_stage = 0;
    bool is_first = false;  // the file is empty, so it is filled in stages
    local::PageSet seen;
    std::vector<std::byte> first_page;
  };
  std::optional<Snapshot> snapshot_;
};

}  // namespace libsql::replica
