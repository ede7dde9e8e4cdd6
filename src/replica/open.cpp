#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/errors.hpp"
#include "local/store.hpp"
#include "remote/session.hpp"
#include "remote/store.hpp"
#include "replica/follower.hpp"
#include "replica/options.hpp"
#include "replica/source.hpp"
#include "replica/store.hpp"
#include "replication/frame.hpp"

namespace libsql::replica {
namespace {

std::string in_words(const Repair& repair) {
  std::string words(to_string(repair.kind));
  words.append(": ").append(repair.what);
  if (!repair.kept_at.empty()) words.append(" (kept at ").append(repair.kept_at.string()).append(")");
  return words;
}

libsql::SyncReport report_of(const SyncReport& report) {
  libsql::SyncReport told;
  told.frame_no = report.frame_no;
  told.frames_synced = report.frames_applied;
  told.bytes_received = report.bytes_received;
  told.took_snapshot = report.took_snapshot;
  for (const Repair& repair : report.repairs) told.repairs.push_back(in_words(repair));
  return told;
}

class FollowerSource final : public Source {
 public:
  explicit FollowerSource(std::shared_ptr<Follower> follower) : follower_(std::move(follower)) {}

  std::shared_ptr<local::Store> store() override { return follower_->store(); }
  libsql::SyncReport sync(const SyncOrder& order, std::optional<FrameNumber> until) override {
    SyncRequest request;
    request.wait = order.wait;
    request.until = until;
    if (order.progress) {
      request.progress = [&](const SyncProgress& progress) {
        order.progress({.frame_no = progress.frame_no,
                        .target = progress.primary_frame_no,
                        .frames_received = progress.frames_received,
                        .bytes_received = progress.bytes_received});
      };
    }
    return report_of(follower_->sync(request));
  }
  libsql::SyncReport apply(BlobView frames) override {
    const std::lock_guard lock(mutex_);
    if (begun_.empty()) return apply_whole(frames);
    // Given again from its beginning, the part that was kept is not needed.
    if (frames.size() >= replication::kFrameSize && number_of(frames) <= number_of(begun_)) {
      begun_.clear();
      return apply_whole(frames);
    }
    const Blob joined = joined_with(frames);
    return apply_whole(joined);
  }
  libsql::SyncReport apply_snapshot(BlobView file) override {
    const std::lock_guard lock(mutex_);
    begun_.clear();
    return report_of(follower_->apply_snapshot(file));
  }
  std::optional<FrameNumber> applied() const noexcept override { return follower_->applied(); }
  void freeze() override { follower_->freeze(); }
  void on_applied(std::function<void(const Applied&)> told) override {
    listening_ = nullptr;
    if (!told) return;
    listening_ = follower_->on_applied([told = std::move(told)](const Follower::Applied& applied) {
      told({.frame_no = applied.frame_no, .frames = applied.frames});
    });
  }

 private:
  static FrameNumber number_of(BlobView frames) {
    return replication::decode_frame(frames.first(replication::kFrameSize))->header.frame_no;
  }
  Blob joined_with(BlobView frames) const {
    if (begun_.size() + frames.size() > kMostBegun) {
      core::throw_error(ErrorCode::TooBig, "the frames of a transaction without its end are too many");
    }
    Blob joined = begun_;
    joined.insert(joined.end(), frames.begin(), frames.end());
    return joined;
  }
  // The follower commits up to the last end of a transaction; what is behind it is kept for the rest.
  libsql::SyncReport apply_whole(BlobView frames) {
    const libsql::SyncReport report = report_of(follower_->apply(frames));
    std::size_t whole = 0;
    for (std::size_t at = 0; at < frames.size(); at += replication::kFrameSize) {
      const auto frame = replication::decode_frame(frames.subspan(at, replication::kFrameSize));
      if (frame->header.is_commit()) whole = at + replication::kFrameSize;
    }
    const BlobView rest = frames.subspan(whole);
    if (rest.size() > kMostBegun) {
      core::throw_error(ErrorCode::TooBig, "the frames of a transaction without its end are too many");
    }
    begun_ = Blob(rest.begin(), rest.end());
    return report;
  }

  static constexpr std::size_t kMostBegun = std::size_t{1} << 30;
  std::shared_ptr<Follower> follower_;
  std::shared_ptr<const void> listening_;
  std::mutex mutex_;
  Blob begun_;  // frames of a transaction whose end has not come
};

// Of the last answer, so it is taken: an answer that tells none must not look like the one before.
std::optional<FrameNumber> take_told_index(core::Session& session) {
  return static_cast<remote::Session&>(session).conversation().take_replication_index();
}

void check(const Options& options) {
  const auto positive = [](const std::optional<std::chrono::milliseconds>& time, const char* what) {
    if (time && *time <= std::chrono::milliseconds(0)) {
      core::throw_error(ErrorCode::Configuration, std::string(what) + " must be positive");
    }
  };
  positive(options.sync_interval, "the interval between syncs");
  positive(options.sync_deadline, "the deadline of syncs");
  if (options.protocol == SyncProtocol::V2) {
    core::throw_unsupported("the second version of the protocol", to_string(Mode::Replica),
                            "libsql-cpp does not speak it yet; V1 is spoken");
  }
}

}  // namespace

std::shared_ptr<core::Store> open(const Options& options) {
  check(options);
  StoreOptions opened;
  opened.query_logs = options.local.query_logs;
  FollowerOptions follower;
  follower.local = options.local;
  follower.local.query_logs.clear();  // a session logs what runs on both sides
  if (options.remote) {
    follower.primary = options.remote;
    remote::Options primary = *options.remote;
    primary.query_logs.clear();
    opened.primary = std::make_shared<remote::Store>(std::move(primary));
    opened.told_index = take_told_index;
  }
  opened.source = std::make_shared<FollowerSource>(Follower::open(std::move(follower)));
  opened.read_your_writes = options.read_your_writes;
  opened.first_sync = options.first_sync;
  opened.sync_interval = options.sync_interval;
  opened.on_sync = options.on_sync;
  opened.sync_deadline = options.sync_deadline;
  opened.default_deadline = options.local.default_deadline;
  return Store::open(std::move(opened));
}

}  // namespace libsql::replica
