#include "server/replication/frame_bodies.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <unordered_map>
#include <utility>

#include "core/clock.hpp"
#include "engine/connection.hpp"
#include "engine/wal_log.hpp"
#include "local/store.hpp"
#include "replication/bytes.hpp"
#include "replication/extensions.hpp"
#include "replication/frame.hpp"
#include "replication/wal_log_messages.hpp"

namespace libsql::server {
namespace {

using replication::FrameNo;
using replication::LoggedFrame;
using Reading = replication::Log::Reading;

constexpr std::uint32_t kBatchFrames = 1024;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20U;
constexpr std::size_t kPiece = std::size_t{256} << 10U;
// What is looked through for one message of joined commits.
constexpr std::uint64_t kJoinedFrames = 16384;
// There may be very many streams, and each holds such a commit in memory when it happens. A replica that lacks
// nothing else gets it quickly in a snapshot, which has only the pages that changed.
constexpr std::uint64_t kMostStreamedCommit = 1ULL << 20U;
constexpr std::uint32_t kLockBytePage = 0x40000000 / replication::kPageSize + 1;  // which no frame ever holds

[[noreturn]] void need_snapshot() { throw CallFailed(grpc::Code::FailedPrecondition, "NEED_SNAPSHOT"); }
[[noreturn]] void no_hello() { throw CallFailed(grpc::Code::FailedPrecondition, "NO_HELLO"); }

// The bytes of one frame, and the message about it.
class FrameBytes {
 public:
  FrameBytes(const replication::FrameHeader& header, std::span<const std::byte> page) {
    replication::encode_frame_header(header, std::span(bytes_).first<replication::kFrameHeaderSize>());
    std::memcpy(&bytes_[replication::kFrameHeaderSize], page.data(), replication::kPageSize);
  }
  explicit FrameBytes(const LoggedFrame& frame)
      : FrameBytes({frame.number, frame.checksum, frame.page_no, frame.size_after}, frame.page) {
    if (frame.size_after != 0) timestamp_ = frame.committed_ms;
  }
  void set_timestamp(std::int64_t ms) noexcept { timestamp_ = ms; }

  replication::FrameMessage message() const noexcept {
    return {{reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}, timestamp_, {}};
  }

 private:
  std::array<std::byte, replication::kFrameSize> bytes_;
  std::optional<std::int64_t> timestamp_;
};

// Of commits one after the other, the newest image of each page.
class JoinedCommits {
 public:
  void add(const LoggedFrame& frame) {
    Image& image = commit_.emplace_back();
    image.number = frame.number;
    image.page_no = frame.page_no;
    image.checksum = frame.checksum;
    std::memcpy(image.page.data(), frame.page.data(), replication::kPageSize);
  }
  /// What was added since the last one is a commit.
  void commit(std::uint32_t size_after, std::int64_t committed_ms) {
    for (Image& image : commit_) images_[image.page_no] = image;
    last_ = commit_.back().number;
    commit_.clear();
    if (size_after < size_after_) {
      std::erase_if(images_, [&](const auto& entry) { return entry.first > size_after; });
    }
    size_after_ = size_after;
    committed_ms_ = committed_ms;
  }
  bool empty() const noexcept { return images_.empty(); }
  std::size_t pages() const noexcept { return images_.size(); }
  std::size_t pages_of_commit() const noexcept { return commit_.size(); }
  FrameNo last() const noexcept { return last_; }

  /// As a message Frames, without what is no complete commit.
  void append_to(std::string& out) const {
    std::vector<const Image*> in_order;
    in_order.reserve(images_.size());
    for (const auto& entry : images_) in_order.push_back(&entry.second);
    std::ranges::sort(in_order, {}, [](const Image* image) { return image->number; });
    for (const Image* const image : in_order) {
      const bool ends = image == in_order.back();
      FrameBytes frame({image->number, image->checksum, image->page_no, ends ? size_after_ : 0}, image->page);
      if (ends) frame.set_timestamp(committed_ms_);
      replication::append_to_frames(frame.message(), out);
    }
  }

 private:
  struct Image {
    FrameNo number;
    std::uint64_t checksum;
    std::uint32_t page_no;
    std::array<std::byte, replication::kPageSize> page;
  };
  std::unordered_map<std::uint32_t, Image> images_;  // by their pages
  std::vector<Image> commit_;
  FrameNo last_ = 0;
  std::uint32_t size_after_ = 0;
  std::int64_t committed_ms_ = 0;
};

void require_page_size(std::size_t bytes) {
  if (bytes != replication::kPageSize) {
    throw CallFailed(grpc::Code::Unimplemented,
                     "only databases with pages of 4096 bytes can be replicated, and this one has pages of " +
                         std::to_string(bytes));
  }
}

}  // namespace

std::string replica_of(const net::Exchange& exchange, const Context& context) {
  constexpr std::size_t kLongest = 64;
  std::string who;
  const auto named = exchange.request().header(replication::kReplicaHeader);
  if (named && !named->empty() && named->size() <= kLongest) {
    who = *named;
  } else {
    who = exchange.peer();
    who.resize(std::min(who.rfind(':'), who.size()));
  }
  return who.append(1, '\0').append(context.identity().binding());
}

std::uint64_t append_batch(replication::Log& log, const replication::Uuid& id, FrameNo from,
                           std::uint64_t max_commit_bytes, const std::function<void(std::size_t)>& grow,
                           std::string& out) {
  const std::size_t begin = out.size();
  std::size_t commit = begin;  // where the commit at hand begins
  std::uint64_t frames = 0;
  std::uint64_t whole = 0;  // of complete commits
  bool too_large = false;
  const Reading reading = log.read(id, from, [&](const LoggedFrame& frame) {
    require_page_size(frame.page.size());
    grow(out.size() - begin + replication::kFrameSize);
    replication::append_to_frames(FrameBytes(frame).message(), out);
    ++frames;
    if (frame.size_after == 0) {
      too_large = out.size() - commit > max_commit_bytes;
      return !too_large;
    }
    commit = out.size();
    whole = frames;
    return frames < kBatchFrames && out.size() - begin < kBatchBytes;
  });
  if (reading == Reading::OtherLog) no_hello();
  if (reading == Reading::TooOld) need_snapshot();
  if (too_large) {
    // What is complete before it goes first.
    if (commit == begin) need_snapshot();
    out.resize(commit);
  }
  return whole;
}

JoinedBatch append_joined_batch(replication::Log& log, const replication::Uuid& id, FrameNo from,
                                const JoinLimits& limits, const std::function<void(std::size_t)>& grow,
                                std::string& out) {
  JoinedBatch batch;
  JoinedCommits commits;
  bool too_large = false;
  batch.reading = log.read(id, from, [&](const LoggedFrame& frame) {
    require_page_size(frame.page.size());
    // The images, and the message that is made of them.
    grow(2 * (commits.pages() + commits.pages_of_commit() + 1) * replication::kFrameSize);
    commits.add(frame);
    if (frame.size_after == 0) {
      too_large = commits.pages_of_commit() * replication::kFrameSize > limits.commit_bytes;
      return !too_large;
    }
    commits.commit(frame.size_after, frame.committed_ms);
    batch.frames = frame.number + 1 - from;
    return batch.frames < kJoinedFrames && commits.pages() * replication::kFrameSize < limits.bytes;
  });
  // What is complete before a commit that is too large goes first.
  if (too_large && commits.empty()) batch.reading = Reading::TooOld;
  if (batch.reading != Reading::Done || commits.empty()) return batch;
  const auto append_previous = [&](const LoggedFrame& frame) {
    replication::append_previous_checksum(frame.checksum, out);
    return false;
  };
  // If that one is not in the log any more, nobody can tell.
  if (from > 0) static_cast<void>(log.read(id, from - 1, append_previous));
  commits.append_to(out);
  return batch;
}

// ---- LogEntries -----------------------------------------------------------------------------------------------------

LogBody::LogBody(const std::atomic<bool>& stopping, const std::shared_ptr<Namespace>& name_space,
                 std::shared_ptr<const Identity> identity, const replication::Uuid& id, FrameNo from,
                 const AnswerForm& form, std::string who, net::Waker waker, std::unique_ptr<BodyRecord> record)
    : stopping_(stopping),
      name_space_(name_space),
      identity_(std::move(identity)),
      config_(name_space->config()),
      id_(id),
      next_(from),
      form_(form),
      who_(std::move(who)),
      followers_(name_space->followers()),
      following_(followers_->stay(who_, from)),
      record_(std::move(record)) {
  alarm_->wake = std::move(waker);
  listening_ = name_space->log()->on_growth([alarm = alarm_] {
    if (alarm->is_set.exchange(false)) alarm->wake();
  });
  if (record_ != nullptr) record_->begin();
}

LogBody::~LogBody() = default;

net::BodySource::Next LogBody::end(const grpc::Status& status, std::string& to) {
  grpc::append_trailers(status, form_.form, to);
  if (record_ != nullptr) record_->bytes += to.size();
  return Next::End;
}

net::BodySource::Next LogBody::pull(std::string& to) {
  // Set before the look, so that what comes after it is told.
  alarm_->is_set = true;
  const std::shared_ptr<Namespace> name_space = name_space_.lock();
  if (stopping_ || name_space == nullptr || name_space->is_closed())
    return end({grpc::Code::Internal, "logger closed"}, to);
  if (const auto until = identity_->good_until(); until && *until <= core::WallClock::now()) {
    return end({grpc::Code::Unauthenticated, "AuthError: the token has expired"}, to);
  }
  if (name_space->config() != config_) return end({}, to);  // the next Hello gets another token
  try {
    const Reading reading = form_.joined ? pull_joined(*name_space, to) : pull_frames(*name_space, to);
    if (reading == Reading::OtherLog) return end({}, to);
    if (reading == Reading::TooOld) return end({grpc::Code::FailedPrecondition, "NEED_SNAPSHOT"}, to);
  } catch (...) {
    return end(status_of_exception(std::current_exception(), true), to);
  }
  if (record_ != nullptr) record_->bytes += to.size();
  if (to.empty()) return Next::Later;
  followers_->note(who_, next_);
  return Next::More;
}

LogBody::Reading LogBody::pull_frames(Namespace& name_space, std::string& to) {
  return name_space.log()->read(id_, next_, [&](const LoggedFrame& frame) {
    require_page_size(frame.page.size());
    message_.clear();
    replication::encode(FrameBytes(frame).message(), message_);
    form_.append(message_, to);
    next_ = frame.number + 1;
    name_space.counters().frames_replicated.fetch_add(1, std::memory_order_relaxed);
    return to.size() < kPiece;
  });
}

LogBody::Reading LogBody::pull_joined(Namespace& name_space, std::string& to) {
  message_.clear();
  const JoinedBatch batch = append_joined_batch(
      *name_space.log(), id_, next_, {kPiece, kMostStreamedCommit}, [](std::size_t) {}, message_);
  if (batch.frames == 0) return batch.reading;
  form_.append(message_, to);
  next_ += batch.frames;
  name_space.counters().frames_replicated.fetch_add(batch.frames, std::memory_order_relaxed);
  if (message_.capacity() > 4 * kPiece) std::string().swap(message_);
  return batch.reading;
}

// ---- Snapshot -------------------------------------------------------------------------------------------------------

SnapshotBody::SnapshotBody(std::shared_ptr<Namespace> name_space, const replication::Uuid& id, FrameNo from,
                           const AnswerForm& form, BudgetShare share, std::unique_ptr<BodyRecord> record)
    : name_space_(std::move(name_space)),
      log_(name_space_->log()),
      form_(form),
      share_(std::move(share)),
      record_(std::move(record)),
      connection_(log_->store()->open_connection()) {
  connection_->execute_script("BEGIN");
  require_page_size(static_cast<std::size_t>(connection_->query_integer("PRAGMA page_size")));
  // Begins to read, in SQLite's log if it has one.
  const engine::wal::ReadScope reading(connection_->handle());
  const std::optional<engine::LogEnd> end = connection_->log_end();
  log_->catch_up();
  if (log_->state().id != id) no_hello();
  const std::optional<FrameNo> last = end ? log_->frame_of(*end) : std::nullopt;
  if (!last) throw CallFailed(grpc::Code::Unavailable, "snapshot not found");
  watermark_ = end->frame;
  size_after_ = static_cast<std::uint32_t>(connection_->query_integer("PRAGMA page_count"));
  next_number_ = *last;
  if (auto changed = log_->pages_changed_since(id, from)) {
    pages_ = std::move(*changed);
    std::erase_if(pages_, [&](std::uint32_t page) { return page > size_after_; });
  } else {
    pages_.reserve(size_after_);
    for (std::uint32_t page = 1; page <= size_after_; ++page) {
      if (page != kLockBytePage) pages_.push_back(page);
    }
  }
  // Taken from the end: in their order, so that who fills an empty file can copy them into it as they come; but page 1,
  // whose schema needs the others, last.
  std::ranges::sort(pages_, std::greater<>());
  if (!pages_.empty() && pages_.back() == 1) std::ranges::rotate(pages_, pages_.end() - 1);
  if (pages_.empty()) pages_.push_back(1);  // what was changed is gone again: the size alone is news
  if (record_ != nullptr) record_->begin();
}

SnapshotBody::~SnapshotBody() = default;

net::BodySource::Next SnapshotBody::pull(std::string& to) {
  std::array<std::byte, replication::kPageSize> page;
  try {
    const engine::wal::Log log(connection_->handle());
    message_.clear();
    // Compressed, it is the smaller the more there is in one message.
    while (!pages_.empty() && to.size() + (form_.joined ? message_.size() : 0) < kPiece) {
      const std::uint32_t number = pages_.back();
      log.page(number, page, watermark_);
      pages_.pop_back();
      const FrameBytes frame({next_number_, 0, number, pages_.empty() ? size_after_ : 0}, page);
      if (next_number_ > 0) --next_number_;
      if (form_.joined) {
        replication::append_to_frames(frame.message(), message_);
      } else {
        message_.clear();
        replication::encode(frame.message(), message_);
        form_.append(message_, to);
      }
      name_space_->counters().frames_replicated.fetch_add(1, std::memory_order_relaxed);
    }
    if (form_.joined) form_.append(message_, to);
  } catch (...) {
    grpc::append_trailers(status_of_exception(std::current_exception(), true), form_.form, to);
    return Next::End;
  }
  const bool done = pages_.empty();
  if (done) {
    connection_.reset();
    grpc::append_trailers({}, form_.form, to);
  }
  if (record_ != nullptr) record_->bytes += to.size();
  return done ? Next::End : Next::More;
}

}  // namespace libsql::server
