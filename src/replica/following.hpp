// What a Follower does: opens the file and judges it, syncs, rebuilds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "replica/applier.hpp"
#include "replica/follower.hpp"
#include "replica/primary.hpp"
#include "replica/replica_files.hpp"

namespace libsql::replica {

class Following final : public Follower {
 public:
  /// `primary` is null for a replica that is fed by hand.
  Following(FollowerOptions options, std::unique_ptr<Primary> primary);
  ~Following() override;

  SyncReport sync(const SyncRequest& request) override;
  SyncReport apply(std::span<const std::byte> frames) override;
  SyncReport apply_snapshot(std::span<const std::byte> file) override;
  std::optional<FrameNo> applied() const noexcept override;
  Health health() const override;
  std::shared_ptr<const void> on_applied(Listener listener) override;
  void freeze() override;
  const std::shared_ptr<local::Store>& store() const noexcept override { return store_; }
  const FollowerOptions& options() const noexcept override { return options_; }

 private:
  class Turn;   // of who syncs
  class Round;  // one sync

  // At the opening.
  void open();
  bool judge_before_opening();
  void open_store();
  struct Found;  // what the file was like
  std::unique_ptr<engine::Connection> look(Found& found);
  void judge_seal(const Found& found);
  void put_aside(Repair::Kind kind, std::string what);
  void require_replica(bool has_database) const;
  bool seems_encrypted() const;
  Applier::Position position_of(const replication::ClientWalIndex& index) const;

  // While nobody else syncs.
  void require_lock();
  void require_untouched();
  void start_over(Repair::Kind kind, std::string what, const replication::Uuid& log_id, std::optional<FrameNo> until);
  template <class Work>
  SyncReport run(const net::Wait& wait, Work&& work);
  void committed(std::uint64_t frames, bool rebuilt);
  void note_repair(Repair repair);
  void wait_for_locks(const net::Wait& wait);

  const FollowerOptions options_;
  ReplicaFiles files_;
  std::unique_ptr<Primary> primary_;
  std::shared_ptr<local::Store> store_;
  std::unique_ptr<Applier> applier_;

  std::mutex turn_mutex_;
  std::condition_variable turn_free_;
  bool in_turn_ = false;

  // Of who has the turn.
  bool greeted_ = false;  // the primary's session goes on
  std::vector<Repair> unreported_;

  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};
  std::atomic<std::uint64_t> applied_ = kNothing;

  mutable std::mutex health_mutex_;
  Health health_;

  std::mutex listeners_mutex_;
  std::vector<std::weak_ptr<const Listener>> listeners_;
};

}  // namespace libsql::replica
