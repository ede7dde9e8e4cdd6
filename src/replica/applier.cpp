#include "replica/applier.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "engine/wal_log.hpp"
#include "replication/faults.hpp"
#include "replication/frame.hpp"

namespace libsql::replica {
namespace {

using replication::FrameFault;

constexpr std::uint64_t kMostJoined = 4096;      // frames in one local transaction, unless a single one has more
constexpr std::size_t kStagedFrames = 2048;      // pages that are written together while an empty file is filled
constexpr std::uint32_t kMostPages = 1U << 31U;  // of a database; SQLite itself ends at two fewer
constexpr std::string_view kFrames = "the primary's frames";

[[noreturn]] void throw_frame(std::uint64_t frame_no, FrameFault fault) {
  replication::throw_fault(replication::BytesFrom::Peer, kFrames, to_string(replication::FrameError{fault, frame_no}));
}
[[noreturn]] void throw_fault(std::string_view fault) {
  replication::throw_fault(replication::BytesFrom::Peer, kFrames, fault);
}

replication::FrameView view_of(std::span<const std::byte> bytes) {
  const auto view = replication::decode_frame(bytes);
  if (!view) {
    throw_fault(std::string("one has ")
                    .append(std::to_string(bytes.size()))
                    .append(" bytes, not ")
                    .append(std::to_string(replication::kFrameSize)));
  }
  if (view->header.page_no == 0 || view->header.page_no > kMostPages) {
    throw_frame(view->header.frame_no, FrameFault::PageNumber);
  }
  if (view->header.size_after > kMostPages) throw_frame(view->header.frame_no, FrameFault::SizeAfter);
  return *view;
}

// What the writer itself finds wrong with pages is the primary's fault, not that of the file.
template <class Body>
void blaming_the_primary(Body&& body) {
  try {
    body();
  } catch (const Corrupt& error) {
    if (error.origin() != ErrorOrigin::Api) throw;
    throw_fault(error.message());
  }
}

}  // namespace

Applier::Applier(std::shared_ptr<local::Store> store, ReplicaFiles& files) : files_(files), writer_(std::move(store)) {
  if (writer_.page_size() != replication::kPageSize) {
    core::throw_unsupported(
        std::string("a replica with pages of ").append(std::to_string(writer_.page_size())).append(" bytes"), "replica",
        "replication has pages of 4096 bytes");
  }
}

void Applier::set_position(const Position& position) {
  drop();
  position_ = position;
  recorded_ = position.frame_no;
  is_recorded_ = true;
  in_doubt_ = false;
  end_ = log_end();
}

Applier::FrameNo Applier::next() const noexcept {
  if (received_) return *received_ + 1;
  return rebuilding_ || !position_.frame_no ? 0 : *position_.frame_no + 1;
}

void Applier::start_over(const replication::Uuid& log_id, std::optional<FrameNo> until) {
  drop();
  rebuilding_ = true;
  next_log_ = log_id;
  rebuild_until_ = until;
}

void Applier::adopt(const replication::Uuid& log_id) {
  drop();
  rebuilding_ = false;
  if (position_.log_id == log_id && !position_.frame_no && is_recorded_) return;
  is_recorded_ = false;
  const auto redo_until = position_.log_id == log_id ? position_.redo_until : std::nullopt;
  position_ = {log_id, std::nullopt, std::nullopt, redo_until};
  record();
}

void Applier::put(std::uint32_t page_no, std::span<const std::byte> page) {
  if (rebuilding_ && pending_ == 0) writer_.expect_all_pages();
  blaming_the_primary([&] { writer_.put(page_no, page); });
}

void Applier::begin_joined(std::optional<std::uint64_t> previous_checksum) {
  joined_ = true;
  if (!received_ && !rebuilding_) chain_ = position_.checksum;
  if (!previous_checksum || !chain_ || *previous_checksum == *chain_) return;
  if (!received_) throw HistoryDiverged("the primary's next commits do not continue those it had sent");
  throw_frame(next(), FrameFault::Checksum);
}

void Applier::frame(std::span<const std::byte> bytes) {
  const replication::FrameView view = view_of(bytes);
  const replication::FrameHeader& header = view.header;
  const FrameNo expected = next();
  constexpr FrameNo kMostAtOnce = FrameNo{1} << 40U;
  const bool fits =
      joined_ ? header.frame_no >= expected && header.frame_no - expected < kMostAtOnce : header.frame_no == expected;
  if (!fits) throw_frame(expected, FrameFault::FrameNumber);
  if (!received_ && !rebuilding_) chain_ = position_.checksum;
  // Frames that were made by hand have no checksum, and those of joined commits do not continue each other.
  if (!joined_ && header.checksum != 0 && chain_ &&
      replication::chain_checksum(*chain_, view.page) != header.checksum) {
    if (!received_) throw HistoryDiverged("the primary's next frame does not continue those it had sent");
    throw_frame(expected, FrameFault::Checksum);
  }
  put(header.page_no, view.page);
  chain_ = header.checksum != 0 ? std::optional(header.checksum) : std::nullopt;
  received_ = header.frame_no;
  pending_ += header.frame_no - expected + 1;
  at_commit_ = header.is_commit();
  if (!at_commit_) return;
  joined_ = false;
  ready_ = Commit{header.frame_no, header.size_after, chain_};
  if (pending_ >= kMostJoined && may_commit()) commit();
}

bool Applier::may_commit() const noexcept {
  if (!ready_) return false;
  if (position_.redo_until && !rebuilding_ && ready_->frame_no < *position_.redo_until) return false;
  return !rebuilding_ || !rebuild_until_ || ready_->frame_no >= *rebuild_until_;
}

void Applier::settle() {
  if (!at_commit_) throw_fault("they end within a transaction");
  if (may_commit()) commit();
}

void Applier::commit() {
  const Commit ready = *ready_;
  write_seal(ready.frame_no);
  const auto frames = pending_;
  const bool replaced = rebuilding_;
  // A commit that fails may be there all the same: the disk may fail behind it.
  in_doubt_ = true;
  try {
    blaming_the_primary([&] { writer_.commit(ready.pages); });
  } catch (const Busy&) {
    in_doubt_ = false;
    throw;
  } catch (...) {
    if (!rebuilding_) position_.redo_until = std::max(ready.frame_no, position_.redo_until.value_or(0));
    throw;
  }
  is_recorded_ = false;
  position_ = {rebuilding_ ? next_log_ : position_.log_id, ready.frame_no, ready.checksum, std::nullopt};
  rebuilding_ = false;
  rebuild_until_.reset();
  drop();
  applied_ += frames;
  // Readers see it already, whatever happens to the files beside it.
  if (on_commit) on_commit(frames, replaced);
  end_ = log_end();
  in_doubt_ = false;
  record();
}

void Applier::record() {
  if (is_recorded_) return;
  files_.write_metadata({position_.log_id, position_.frame_no});
  recorded_ = position_.frame_no;
  is_recorded_ = true;
  write_seal(std::nullopt);
}

void Applier::begin_snapshot() {
  // Frames that came before it count as well only if they wait for a later state than they make.
  if (pending_ == 0) drop();
  snapshot_ = Snapshot{};
  snapshot_->from = next();
  snapshot_->is_first = pending_ == 0 && !position_.frame_no && writer_.is_empty();
  if (snapshot_->is_first) writer_.begin_staging();
}

void Applier::snapshot_frame(std::span<const std::byte> bytes) {
  const replication::FrameView view = view_of(bytes);
  const replication::FrameHeader& header = view.header;
  if (snapshot_->pages != 0) throw_fault("a snapshot goes on behind its end");
  if (!snapshot_->end) {
    if (header.frame_no < snapshot_->from) throw_fault("a snapshot ends before the frame that was asked for");
    snapshot_->end = header.frame_no;
  }
  if (header.frame_no > *snapshot_->end) throw_frame(header.frame_no, FrameFault::FrameNumber);
  if (!snapshot_->seen.insert(header.page_no)) throw_fault("a snapshot has a page twice");
  if (snapshot_->is_first && header.page_no == 1) {
    snapshot_->first_page.assign(view.page.begin(), view.page.end());
  } else {
    put(header.page_no, view.page);
  }
  ++snapshot_->frames;
  ++pending_;
  snapshot_->pages = header.size_after;
  if (snapshot_->is_first && ++snapshot_->since_stage >= kStagedFrames) {
    snapshot_->since_stage = 0;
    writer_.stage();
  }
}

void Applier::end_snapshot() {
  if (snapshot_->pages == 0) throw_fault("a snapshot has no end");
  if (!snapshot_->first_page.empty()) put(1, snapshot_->first_page);
  received_ = snapshot_->end;
  chain_.reset();
  at_commit_ = true;
  ready_ = Commit{*snapshot_->end, snapshot_->pages, std::nullopt};
  snapshot_.reset();
  rebuild_until_.reset();  // it is a whole state of the primary
  if (may_commit()) commit();
}

void Applier::drop() noexcept {
  writer_.roll_back();
  snapshot_.reset();
  received_.reset();
  chain_.reset();
  ready_.reset();
  pending_ = 0;
  joined_ = false;
  at_commit_ = true;
}

std::optional<engine::LogEnd> Applier::log_end() {
  writer_.connection().query_integer("SELECT count(*) FROM main.sqlite_schema LIMIT 1");  // looks at the log
  const auto end = writer_.connection().log_end();
  return end && end->frame != 0 ? end : std::nullopt;
}

bool Applier::is_untouched() {
  const auto end = log_end();
  if (end == end_) return true;
  if (end && !std::exchange(in_doubt_, false)) return false;
  end_ = end;  // it is our own, or a checkpoint has cut it
  return true;
}

void Applier::write_seal(std::optional<FrameNo> applying_to) {
  Seal seal;
  seal.log_id = position_.log_id;
  seal.frame_no = recorded_;
  seal.applying_to = applying_to;
  // What is applied and not recorded is as good as under way.
  if (!applying_to && !is_recorded_) seal.applying_to = position_.frame_no;
  if (position_.redo_until) seal.applying_to = std::max(applying_to.value_or(0), *position_.redo_until);
  seal.checksum = position_.checksum;
  seal.database = stamp_of(files_.database()).value_or(FileStamp{});
  seal.log = end_;
  if (!end_) {
    seal.is_copied = true;
  } else {
    const WalState state = engine::wal::Log(writer_.connection().handle()).state();
    seal.is_copied = state.backfilled == state.max_frame;
  }
  files_.write_seal(seal);
}

void Applier::seal() { write_seal(std::nullopt); }

}  // namespace libsql::replica
