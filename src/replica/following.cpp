#include "replica/following.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <fstream>
#include <string_view>
#include <utility>

#include <libsql/error.hpp>

#include "core/backoff.hpp"
#include "core/clock.hpp"
#include "core/errors.hpp"
#include "net/error.hpp"
#include "remote/failures.hpp"
#include "remote/wire.hpp"
#include "replication/faults.hpp"
#include "replication/frame.hpp"
#include "replication/snapshot_format.hpp"

namespace libsql::replica {
namespace {

using replication::ClientWalIndex;
using replication::MetadataFault;

constexpr std::size_t kRememberedRepairs = 16;
constexpr std::uintmax_t kOnePage = replication::kPageSize;
constexpr unsigned kRetriesByHand = 3;

[[noreturn]] void throw_waited(const net::NetError& error, const net::Wait& wait) {
  remote::Call call;
  call.wait = wait;
  call.repeatable = true;
  remote::throw_network(error, call, remote::Standing::Alone);
}

void require_time(const net::Wait& wait) {
  if (wait.interrupt != nullptr && wait.interrupt->triggered()) {
    core::throw_error(ErrorCode::Interrupted, "the sync was interrupted");
  }
  if (wait.deadline.passed()) core::throw_error(ErrorCode::Timeout, "the deadline passed during the sync");
}

void pause(std::chrono::nanoseconds time, const net::Wait& wait) {
  try {
    net::sleep_for(time, wait);
  } catch (const net::NetError& error) {
    throw_waited(error, wait);
  }
}

std::uintmax_t size_of(const std::filesystem::path& file) {
  const auto stamp = stamp_of(file);
  return stamp ? stamp->size : 0;
}

}  // namespace

// ---- Opening --------------------------------------------------------------------------------------------------------

Following::Following(FollowerOptions options, std::unique_ptr<Primary> primary)
    : options_(std::move(options)), files_(options_.local.path), primary_(std::move(primary)) {
  if (primary_ != nullptr) {
    primary_->on_joined = [this](std::optional<std::uint64_t> previous) { applier_->begin_joined(previous); };
  }
  open();
}

Following::~Following() {
  const bool sealed = files_.is_locked() && applier_ != nullptr;
  try {
    // So that closing the last connection changes nothing any more.
    if (sealed) {
      applier_->drop();
      store_->checkpoints().checkpoint(local::Checkpoints::Extent::Cut);
    }
  } catch (const std::exception&) {  // the log stays, and is sealed as it is
  }
  try {
    if (sealed && applier_->is_untouched()) applier_->seal();
  } catch (const std::exception&) {  // the seal does not match then, and the next opening looks closer
  }
  applier_.reset();
  store_.reset();
}

void Following::note_repair(Repair repair) {
  const std::lock_guard lock(health_mutex_);
  if (health_.repairs.size() >= kRememberedRepairs) health_.repairs.erase(health_.repairs.begin());
  health_.repairs.push_back(repair);
  unreported_.push_back(std::move(repair));
}

void Following::put_aside(Repair::Kind kind, std::string what) {
  applier_.reset();
  store_.reset();
  const auto kept = files_.put_aside();
  note_repair({kind, std::move(what), kept.value_or(std::filesystem::path())});
}

// A database that never was a replica is somebody's data, which must not be put aside for another's.
void Following::require_replica(bool has_database) const {
  if (!has_database || files_.has_seal()) return;
  core::throw_error(ErrorCode::Misuse, "the file '" + options_.local.path +
                                           "' is a database, but no replica: it has no metadata beside it");
}

bool Following::judge_before_opening() {
  const bool has_database = size_of(files_.database()) > 0;
  // A file of one page may be one that was just made when the process ended.
  const bool has_content = size_of(files_.database()) > kOnePage || size_of(files_.database().string() + "-wal") > 0;
  const bool is_new = std::holds_alternative<ReplicaFiles::Missing>(files_.read_metadata());
  if (is_new) require_replica(has_content);
  if (!files_.lock()) return false;  // another process follows it
  const auto metadata = files_.read_metadata();
  const auto* const index = std::get_if<ClientWalIndex>(&metadata);
  if (!has_database) {
    if (index != nullptr && index->committed_frame_no) {
      put_aside(Repair::Kind::DatabaseMissing, "the database file was missing");
    }
    return true;
  }
  if (index != nullptr || !has_content) return true;
  if (is_new) {
    put_aside(Repair::Kind::MetadataMissing, "the metadata was missing");
  } else {
    put_aside(Repair::Kind::MetadataDamaged,
              "the metadata was damaged: " + std::string(to_string(std::get<MetadataFault>(metadata))));
  }
  return true;
}

// The bytes of the header that libSQL's cipher leaves as they are say whether a database is behind them: a wrong key,
// or none, is no damage.
bool Following::seems_encrypted() const {
  if (options_.local.encryption && options_.local.encryption->cipher != "aes256cbc") return true;
  std::array<char, 24> head{};
  std::ifstream file(files_.database(), std::ios::binary);
  file.read(head.data(), head.size());
  if (!file || std::memcmp(head.data(), "SQLite format 3", 16) == 0) return false;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(head[i]); };
  return at(16) * 256 + at(17) == static_cast<int>(replication::kPageSize) && at(18) <= 2 && at(19) <= 2 &&
         at(21) == 64 && at(22) == 32 && at(23) == 32;
}

void Following::open_store() {
  store_ = local::Store::open(options_.local);
  if (store_->is_memory()) core::throw_error(ErrorCode::Configuration, "a replica needs a file");
  applier_ = std::make_unique<Applier>(store_, files_);
  applier_->on_commit = [this](std::uint64_t frames, bool rebuilt) { committed(frames, rebuilt); };
}

Applier::Position Following::position_of(const ClientWalIndex& index) const {
  Applier::Position position;
  position.log_id = index.log_id;
  position.frame_no = index.committed_frame_no;
  const auto seal = files_.read_seal();
  if (!seal || seal->log_id != index.log_id || seal->frame_no != index.committed_frame_no) return position;
  position.checksum = seal->checksum;
  if (seal->applying_to && (!index.committed_frame_no || *seal->applying_to > *index.committed_frame_no)) {
    position.redo_until = seal->applying_to;
  }
  return position;
}

// The end of a last connection, which copies the log and removes it, must not come before the log was looked at.
struct Following::Found {
  std::optional<FileStamp> database;
  std::int64_t pages = 0;  // that the database has; some may be in the log alone
  std::optional<engine::LogEnd> log;
};

std::unique_ptr<engine::Connection> Following::look(Found& found) {
  found.database = stamp_of(files_.database());
  if (!found.database || found.database->size == 0) return nullptr;
  using namespace engine::open_flags;
  auto connection = engine::Connection::open(
      {options_.local.path, kReadWrite | kNoMutex | kExtendedCodes, options_.local.vfs, nullptr});
  connection->patience().set_busy_timeout(options_.local.busy_timeout);
  if (const auto& encryption = options_.local.encryption) {
    connection->set_key(encryption->cipher, encryption->parameters, encryption->key);
  }
  connection->query_integer("SELECT count(*) FROM main.sqlite_schema");
  found.pages = connection->query_integer("PRAGMA main.page_count");
  found.log = connection->log_end();
  if (found.log && found.log->frame == 0) found.log.reset();
  return connection;
}

void Following::open() {
  const bool is_ours = judge_before_opening();
  Found found;
  std::unique_ptr<engine::Connection> witness;
  try {
    witness = look(found);
    open_store();
  } catch (const NotADatabase& error) {
    if (!is_ours || seems_encrypted()) throw;
    witness.reset();
    put_aside(Repair::Kind::DatabaseDamaged, error.message());
    open_store();
  } catch (const Corrupt& error) {
    if (!is_ours) throw;
    witness.reset();
    put_aside(Repair::Kind::DatabaseDamaged, error.message());
    open_store();
  }
  witness.reset();
  if (is_ours) judge_seal(found);
  const auto metadata = files_.read_metadata();
  const auto* const index = std::get_if<ClientWalIndex>(&metadata);
  applier_->set_position(position_of(index != nullptr ? *index : ClientWalIndex{}));
  const auto frame_no = applier_->position().frame_no;
  applied_ = frame_no.value_or(kNothing);
  health_.applied = frame_no;
  health_.state = frame_no ? Health::State::Following : Health::State::Empty;
}

void Following::judge_seal(const Found& found) {
  const auto metadata = files_.read_metadata();
  const auto* const index = std::get_if<ClientWalIndex>(&metadata);
  const auto reopen = [&](Repair::Kind kind, const char* what) {
    put_aside(kind, what);
    open_store();
  };
  if (index == nullptr || !index->committed_frame_no) {
    if (applier_->writer().is_empty()) return;
    // A first commit may be there whose metadata is not.
    const auto seal = files_.read_seal();
    if (seal && seal->applying_to) return;
    if (!seal && index != nullptr) return;  // of another client of libSQL's: it comes again from the first frame on
    return reopen(Repair::Kind::ForeignWrite, "the database had content that did not come from the primary");
  }
  if (applier_->writer().is_empty()) {
    return reopen(Repair::Kind::DatabaseDamaged, "the database was empty, though its metadata says it was synced");
  }
  const auto seal = files_.read_seal();
  if (!seal || seal->log_id != index->log_id) return;
  if (seal->frame_no != index->committed_frame_no) {
    // The metadata is written before the seal, and another client of libSQL's writes no seal; but both write the
    // database.
    const bool is_as_sealed = found.log ? found.log == seal->log : found.database == seal->database;
    const bool is_under_way = seal->applying_to && *index->committed_frame_no <= *seal->applying_to &&
                              (!seal->frame_no || *index->committed_frame_no > *seal->frame_no);
    if (is_as_sealed && !is_under_way) {
      const char* const what = "the metadata named another frame than the one that was applied last";
      if (!seal->frame_no) return reopen(Repair::Kind::MetadataDamaged, what);
      files_.write_metadata({seal->log_id, seal->frame_no});
      note_repair({Repair::Kind::MetadataDamaged, what, {}});
    }
    return;
  }
  if (seal->applying_to) return;
  if (found.log && found.log == seal->log) {
    // A checkpoint of somebody's may have cut the file, but not to less than the pages that there are.
    const bool was_cut = found.database && found.database->size < seal->database.size &&
                         found.database->size < static_cast<std::uint64_t>(found.pages) * replication::kPageSize;
    if (was_cut) reopen(Repair::Kind::DatabaseDamaged, "the end of the database file was missing");
    return;
  }
  if (!found.log && found.database == seal->database) {
    if (seal->is_copied) return;
    return reopen(Repair::Kind::DatabaseDamaged, "the write-ahead log was gone before it was copied");
  }
  reopen(Repair::Kind::ForeignWrite, "somebody else wrote to the database");
}

// ---- One at a time --------------------------------------------------------------------------------------------------

class Following::Turn {
 public:
  Turn(Following& following, const net::Wait& wait) : following_(following) {
    std::unique_lock lock(following_.turn_mutex_);
    while (following_.in_turn_) {
      require_time(wait);
      // An interrupt has no way to wake this.
      following_.turn_free_.wait_for(
          lock, std::min<std::chrono::nanoseconds>(wait.deadline.left(), std::chrono::milliseconds(20)));
    }
    following_.in_turn_ = true;
  }
  ~Turn() {
    {
      const std::lock_guard lock(following_.turn_mutex_);
      following_.in_turn_ = false;
    }
    following_.turn_free_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Following& following_;
};

void Following::require_lock() {
  {
    const std::lock_guard lock(health_mutex_);
    if (health_.state == Health::State::Frozen) {
      core::throw_error(ErrorCode::Misuse, "the replica was frozen: it is a plain database now");
    }
  }
  if (files_.is_locked()) return;
  if (!files_.lock()) core::throw_error(ErrorCode::Busy, "another process follows the primary with this file");
  // It may have gone on since this one looked.
  const auto metadata = files_.read_metadata();
  const auto* const index = std::get_if<ClientWalIndex>(&metadata);
  applier_->set_position(position_of(index != nullptr ? *index : ClientWalIndex{}));
}

void Following::committed(std::uint64_t frames, bool rebuilt) {
  const std::optional<FrameNo> frame_no = applier_->position().frame_no;
  applied_.store(frame_no.value_or(kNothing), std::memory_order_release);
  {
    const std::lock_guard lock(health_mutex_);
    health_.applied = frame_no;
  }
  std::vector<std::shared_ptr<const Listener>> listeners;
  {
    const std::lock_guard lock(listeners_mutex_);
    std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
    for (const auto& listener : listeners_) {
      if (auto alive = listener.lock()) listeners.push_back(std::move(alive));
    }
  }
  for (const auto& listener : listeners) (*listener)({frame_no, frames, rebuilt});
}

void Following::wait_for_locks(const net::Wait& wait) {
  require_time(wait);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::min<std::chrono::nanoseconds>(wait.deadline.left(), std::chrono::hours(24)));
  applier_->writer().connection().patience().set_busy_timeout(std::min(options_.local.busy_timeout, left));
}

void Following::start_over(Repair::Kind kind, std::string what, const replication::Uuid& log_id,
                           std::optional<FrameNo> until) {
  applier_->drop();
  if (applier_->writer().is_empty()) return applier_->start_over(log_id, until);  // nothing is lost
  Repair repair{kind, std::move(what), {}};
  applier_->writer().begin();  // nobody writes while it is copied
  try {
    repair.kept_at = files_.copy_aside();
  } catch (...) {
    applier_->drop();
    throw;
  }
  note_repair(std::move(repair));
  applier_->start_over(log_id, until);
}

template <class Work>
SyncReport Following::run(const net::Wait& wait, Work&& work) {
  const Turn turn(*this, wait);
  require_lock();
  const std::uint64_t applied_before = applier_->frames_applied();
  SyncReport report;
  try {
    wait_for_locks(wait);
    applier_->record();
    work(report);
  } catch (...) {
    applier_->drop();
    greeted_ = false;
    const std::lock_guard lock(health_mutex_);
    ++health_.failures;
    health_.state = Health::State::Failing;
    try {
      throw;
    } catch (const std::exception& error) {
      health_.last_error = error.what();
    }
    throw;
  }
  report.frame_no = applier_->position().frame_no;
  report.frames_applied = applier_->frames_applied() - applied_before;
  report.repairs = std::exchange(unreported_, {});
  const std::lock_guard lock(health_mutex_);
  ++health_.syncs;
  health_.state = report.frame_no ? Health::State::Following : Health::State::Empty;
  health_.last_error.clear();
  health_.last_success = core::WallClock::now();
  return report;
}

// ---- Syncing --------------------------------------------------------------------------------------------------------

class Following::Round {
 public:
  Round(Following& following, const SyncRequest& request, SyncReport& report)
      : following_(following),
        applier_(*following.applier_),
        primary_(*following.primary_),
        request_(request),
        report_(report),
        received_before_(primary_.bytes_received()),
        retries_(following.options_.primary ? following.options_.primary->retries : kRetriesByHand) {}

  void run() {
    if (is_satisfied()) return;
    if (!applier_.is_starting_over() && !applier_.is_untouched()) {
      foreign_ = true;
      following_.greeted_ = false;
    }
    for (;;) {
      require_time(request_.wait);
      try {
        if (!following_.greeted_) greet();
        if (step()) break;
      } catch (const HistoryDiverged& error) {
        applier_.drop();
        following_.greeted_ = false;
        // A damaged frame looks the same, but comes right when it is asked for again.
        if (++diverged_ > 1) diverged_reason_ = error.what();
        if (diverged_ > 3) core::throw_error(ErrorCode::Protocol, error.what());
      } catch (const Error& error) {
        applier_.drop();
        note_bytes();
        const bool is_over = error.code() == ErrorCode::Timeout || error.code() == ErrorCode::Interrupted;
        if (!error.retryable() || is_over || retries_ == 0) throw;
        --retries_;
        pause(backoff_.next(), request_.wait);
      }
    }
    note_bytes();
    progress();
  }

 private:
  bool is_satisfied() const {
    return request_.until && applier_.position().frame_no && *applier_.position().frame_no >= *request_.until &&
           !applier_.is_starting_over();
  }

  void note_bytes() { report_.bytes_received = primary_.bytes_received() - received_before_; }

  void progress() {
    if (!request_.progress) return;
    note_bytes();
    request_.progress({applier_.position().frame_no, last_, frames_, report_.bytes_received});
  }

  void greet() {
    if (++greetings_ > 5) core::throw_error(ErrorCode::Protocol, "the primary ends each session that it begins");
    const Primary::Greeting greeting = primary_.hello(request_.wait);
    last_ = greeting.last_frame;
    has_last_ = true;
    judge(greeting);
    following_.greeted_ = true;
    {
      const std::lock_guard lock(following_.health_mutex_);
      following_.health_.primary_frame_no = last_;
    }
  }

  // Whether what is here is what the primary goes on from.
  void judge(const Primary::Greeting& greeting) {
    if (applier_.is_starting_over()) {
      if (last_) return applier_.start_over(greeting.log_id, last_);
      throw_empty();
    }
    const Applier::Position& position = applier_.position();
    const bool is_other = position.log_id != replication::Uuid{} && position.log_id != greeting.log_id;
    const auto reached = std::max(position.frame_no, position.redo_until);
    const bool went_back = reached && (!last_ || *last_ < *reached);
    const bool by_hand = position.frame_no && position.log_id == replication::Uuid{};
    if (!foreign_ && !is_other && !went_back && !by_hand && diverged_reason_.empty()) {
      if (!position.frame_no) applier_.adopt(greeting.log_id);
      return;
    }
    if (!last_) {
      if (!applier_.writer().is_empty()) throw_empty();
      return applier_.adopt(greeting.log_id);
    }
    auto kind = Repair::Kind::HistoryDiverged;
    std::string what = std::exchange(diverged_reason_, {});
    if (std::exchange(foreign_, false)) {
      kind = Repair::Kind::ForeignWrite;
      what = "somebody else wrote to the database";
    } else if (is_other || by_hand) {
      kind = Repair::Kind::OtherLog;
      what = "the primary has another log than before";
    } else if (went_back) {
      kind = Repair::Kind::PrimaryWentBack;
      what = "the primary's log ends before the frame that it had sent last";
    }
    following_.start_over(kind, std::move(what), greeting.log_id, last_);
  }

  [[noreturn]] static void throw_empty() {
    core::throw_error(ErrorCode::Conflict, "the primary is empty and this replica is not, so nothing is taken from it");
  }

  // False: there may be more.
  bool step() {
    if (has_last_ && !last_ && !applier_.is_starting_over()) return true;  // it is empty
    if (has_last_ && last_ && !applier_.is_starting_over() && applier_.position().frame_no &&
        *applier_.position().frame_no >= *last_) {
      return true;
    }
    const FrameNo from = applier_.next();
    std::uint64_t frames = 0;
    const auto outcome = primary_.frames(
        from,
        [&](std::span<const std::byte> frame) {
          applier_.frame(frame);
          ++frames;
          if ((++frames_ & 1023U) == 0) progress();
        },
        request_.wait);
    if (outcome == Primary::Outcome::NoHello) return renew();
    if (outcome == Primary::Outcome::NeedSnapshot) return take_snapshot();
    following_.wait_for_locks(request_.wait);
    applier_.settle();
    if (frames != 0) {
      undelivered_ = 0;
      progress();
      return is_satisfied();
    }
    return nothing_came();
  }

  bool renew() {
    applier_.drop();
    following_.greeted_ = false;
    return false;
  }

  // Whether the sync is at its end.
  bool nothing_came() {
    if (!applier_.is_starting_over() && (!has_last_ || !last_ || applier_.next() > *last_)) return true;
    // It said that there is more.
    if (++undelivered_ > 3) core::throw_error(ErrorCode::Protocol, "the primary does not send the frames that it has");
    pause(backoff_.next(), request_.wait);
    following_.greeted_ = false;
    return false;
  }

  bool take_snapshot() {
    applier_.begin_snapshot();
    const FrameNo from = applier_.next();
    report_.took_snapshot = true;
    const auto outcome = primary_.snapshot(
        from,
        [&](std::span<const std::byte> frame) {
          applier_.snapshot_frame(frame);
          if ((++frames_ & 1023U) == 0) progress();
        },
        request_.wait);
    if (outcome != Primary::Outcome::Done) {
      if (++undelivered_ > 3) core::throw_error(ErrorCode::Protocol, "the primary sends no snapshot");
      return renew();
    }
    following_.wait_for_locks(request_.wait);
    applier_.end_snapshot();
    progress();
    return is_satisfied();
  }

  Following& following_;
  Applier& applier_;
  Primary& primary_;
  const SyncRequest& request_;
  SyncReport& report_;
  const std::uint64_t received_before_;
  unsigned retries_;
  core::Backoff backoff_{std::chrono::milliseconds(20), std::chrono::seconds(1)};
  std::optional<FrameNo> last_;  // of the primary
  bool has_last_ = false;        // it was asked in this round
  bool foreign_ = false;
  unsigned greetings_ = 0;
  unsigned undelivered_ = 0;
  unsigned diverged_ = 0;
  std::string diverged_reason_;
  std::uint64_t frames_ = 0;
};

SyncReport Following::sync(const SyncRequest& request) {
  if (primary_ == nullptr) {
    core::throw_error(ErrorCode::Misuse, "this replica has no primary: its frames are handed over by apply()");
  }
  return run(request.wait, [&](SyncReport& report) { Round(*this, request, report).run(); });
}

// ---- By hand --------------------------------------------------------------------------------------------------------

SyncReport Following::apply(std::span<const std::byte> frames) {
  if (primary_ != nullptr) core::throw_error(ErrorCode::Misuse, "this replica gets its frames from its primary");
  if (frames.size() % replication::kFrameSize != 0) {
    core::throw_error(ErrorCode::Misuse, "frames have 4120 bytes each");
  }
  return run({}, [&](SyncReport&) {
    // Up to the last end of a transaction.
    std::size_t whole = 0;
    for (std::size_t at = 0; at < frames.size(); at += replication::kFrameSize) {
      const auto view = *replication::decode_frame(frames.subspan(at, replication::kFrameSize));
      if (view.header.is_commit()) whole = at + replication::kFrameSize;
    }
    if (whole == 0) return;
    const auto number_at = [&](std::size_t at) {
      return replication::decode_frame(frames.subspan(at, replication::kFrameSize))->header.frame_no;
    };
    if (!applier_->is_starting_over() && !applier_->is_untouched()) {
      if (number_at(0) != 0) {
        core::throw_error(ErrorCode::Corrupt, "somebody else wrote to the replica: it needs all frames from 0 on");
      }
      start_over(Repair::Kind::ForeignWrite, "somebody else wrote to the database", {},
                 number_at(whole - replication::kFrameSize));
    }
    try {
      for (std::size_t at = 0; at < whole; at += replication::kFrameSize) {
        const auto frame = frames.subspan(at, replication::kFrameSize);
        if (number_at(at) < applier_->next()) continue;  // it is here
        applier_->frame(frame);
      }
    } catch (const HistoryDiverged& error) {
      replication::throw_fault(replication::BytesFrom::Peer, "the frames", std::string_view(error.what()));
    }
    applier_->settle();
  });
}

SyncReport Following::apply_snapshot(std::span<const std::byte> file) {
  if (primary_ != nullptr) core::throw_error(ErrorCode::Misuse, "this replica gets its frames from its primary");
  return run({}, [&](SyncReport& report) {
    const auto checked = replication::check_snapshot_file(file);
    if (const auto* const fault = std::get_if<replication::SnapshotFault>(&checked)) {
      replication::throw_fault(replication::BytesFrom::Peer, "the snapshot", to_string(*fault));
    }
    const auto& header = std::get<replication::SnapshotHeader>(checked);
    if (header.end_frame_no < applier_->next()) return;
    if (header.start_frame_no > applier_->next()) {
      core::throw_error(ErrorCode::Protocol, "the snapshot begins behind the frame that is needed next");
    }
    applier_->begin_snapshot();
    std::size_t at = replication::kSnapshotHeaderSize;
    std::array<std::byte, replication::kFrameSize> last{};
    for (std::uint64_t i = 0; i < header.frame_count; ++i, at += replication::kFrameSize) {
      const auto frame = file.subspan(at, replication::kFrameSize);
      if (i + 1 < header.frame_count) {
        applier_->snapshot_frame(frame);
        continue;
      }
      // In a stream the last frame has the size, in a file the header has it.
      std::copy(frame.begin(), frame.end(), last.begin());
      auto changed = replication::decode_frame(frame)->header;
      changed.size_after = header.size_after;
      replication::encode_frame_header(changed, std::span(last).first<replication::kFrameHeaderSize>());
      applier_->snapshot_frame(last);
    }
    applier_->end_snapshot();
    report.took_snapshot = true;
  });
}

// ---- The rest -------------------------------------------------------------------------------------------------------

std::optional<FrameNo> Following::applied() const noexcept {
  const std::uint64_t frame_no = applied_.load(std::memory_order_acquire);
  return frame_no == kNothing ? std::nullopt : std::optional(frame_no);
}

Health Following::health() const {
  const std::lock_guard lock(health_mutex_);
  return health_;
}

std::shared_ptr<const void> Following::on_applied(Listener listener) {
  auto handle = std::make_shared<const Listener>(std::move(listener));
  const std::lock_guard lock(listeners_mutex_);
  listeners_.push_back(handle);
  return handle;
}

void Following::freeze() {
  const Turn turn(*this, {net::Deadline::after(options_.local.busy_timeout), nullptr});
  require_lock();
  applier_->drop();
  files_.remove();
  const std::lock_guard lock(health_mutex_);
  health_.state = Health::State::Frozen;
}

}  // namespace libsql::replica
