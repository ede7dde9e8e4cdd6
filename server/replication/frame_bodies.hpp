// Frames for replicas: as one message of a batch, and as streams that are made while the replica takes them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/server.hpp"
#include "replication/grpc_web.hpp"
#include "replication/log/log.hpp"
#include "server/base/body_record.hpp"
#include "server/base/budget.hpp"
#include "server/databases/namespace.hpp"
#include "server/replication/grpc_answer.hpp"
#include "server/run/context.hpp"

namespace libsql::server {

/// Whose call it is, for Namespace::followers(): the replica's own name, else its address, and the bearer in any case.
std::string replica_of(const net::Exchange& exchange, const Context& context);

/// Appends a message Frames with the commits from `from` on: until a commit's end behind 1,024 frames, as sqld cuts
/// them, or behind 4 MiB. Throws CallFailed NEED_SNAPSHOT if they are not in the log any more, or if a single commit is
/// larger than `max_commit_bytes`, because a commit is never cut and this message is held in memory. `grow`: is told
/// how large the message is about to be, and may throw. Returns the number of frames.
std::uint64_t append_batch(replication::Log& log, const replication::Uuid& id, replication::FrameNo from,
                           std::uint64_t max_commit_bytes, const std::function<void(std::size_t)>& grow,
                           std::string& out);

/// A commit that is longer goes as a snapshot, which is not held in memory.
inline constexpr std::uint64_t kMostCommitBytes = 16ULL << 20U;

struct JoinLimits {
  std::size_t bytes = std::size_t{4} << 20U;      // of pages: the commit that reaches them is the last
  std::uint64_t commit_bytes = kMostCommitBytes;  // of a single one
};
struct JoinedBatch {
  replication::Log::Reading reading = replication::Log::Reading::Done;  // TooOld: also if a commit is too large
  std::uint64_t frames = 0;                                             // of the log that it stands for
};
/// Appends a message Frames that takes a replica in one step to where the commits from `from` on take it, or as many of
/// them as the limits allow; see replication/extensions.hpp. `grow` as above.
JoinedBatch append_joined_batch(replication::Log& log, const replication::Uuid& id, replication::FrameNo from,
                                const JoinLimits& limits, const std::function<void(std::size_t)>& grow,
                                std::string& out);

/// The answer to LogEntries: frames from one on, and those to come, until the client is gone or has to say Hello again.
/// Holds no connection to the database.
class LogBody final : public net::BodySource {
 public:
  /// `stopping`: whether the server does; outlives this. `who`: the replica, for the figures.
  LogBody(const std::atomic<bool>& stopping, const std::shared_ptr<Namespace>& name_space,
          std::shared_ptr<const Identity> identity, const replication::Uuid& id, replication::FrameNo from,
          const AnswerForm& form, std::string who, net::Waker waker, std::unique_ptr<BodyRecord> record);
  ~LogBody() override;

  Next pull(std::string& to) override;

 private:
  using Reading = replication::Log::Reading;
  Next end(const grpc::Status& status, std::string& to);
  Reading pull_frames(Namespace& name_space, std::string& to);
  Reading pull_joined(Namespace& name_space, std::string& to);

  const std::atomic<bool>& stopping_;
  // Not kept from being unloaded: a peer that takes nothing would keep it for as long as it likes.
  const std::weak_ptr<Namespace> name_space_;
  const std::shared_ptr<const Identity> identity_;
  const std::shared_ptr<const NamespaceConfig> config_;
  const replication::Uuid id_;
  replication::FrameNo next_;
  const AnswerForm form_;
  const std::string who_;
  const std::shared_ptr<Followers> followers_;
  const std::shared_ptr<const void> following_;
  std::unique_ptr<BodyRecord> record_;
  std::string message_;
  // Shared with the log, whose writers call it.
  struct Alarm {
    std::atomic<bool> is_set = false;
    net::Waker wake;
  };
  const std::shared_ptr<Alarm> alarm_ = std::make_shared<Alarm>();
  std::shared_ptr<const void> listening_;
};

/// The answer to Snapshot: the database's pages as of one frame. Holds a connection in a read transaction.
class SnapshotBody final : public net::BodySource {
 public:
  /// `from`: what the replica has everything below of. Throws what opening a database throws.
  SnapshotBody(std::shared_ptr<Namespace> name_space, const replication::Uuid& id, replication::FrameNo from,
               const AnswerForm& form, BudgetShare share, std::unique_ptr<BodyRecord> record);
  ~SnapshotBody() override;

  Next pull(std::string& to) override;

 private:
  const std::shared_ptr<Namespace> name_space_;
  const std::shared_ptr<replication::Log> log_;
  const AnswerForm form_;
  const BudgetShare share_;
  std::unique_ptr<BodyRecord> record_;
  std::unique_ptr<engine::Connection> connection_;
  std::uint32_t watermark_ = 0;           // the last frame of SQLite's log in that state
  std::uint32_t size_after_ = 0;          // pages
  replication::FrameNo next_number_ = 0;  // falling
  std::vector<std::uint32_t> pages_;      // the next one last
  std::string message_;
};

}  // namespace libsql::server
