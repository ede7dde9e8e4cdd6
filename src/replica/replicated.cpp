#include "replica/replicated.hpp"

#include "core/errors.hpp"
#include "replica/cancellation.hpp"

namespace libsql {

std::string_view to_string(ReplicaState state) noexcept {
  switch (state) {
    case ReplicaState::Empty:
      return "empty";
    case ReplicaState::Ready:
      return "ready";
    case ReplicaState::Syncing:
      return "syncing";
    case ReplicaState::Failing:
      return "failing";
    case ReplicaState::Frozen:
      return "frozen";
  }
  return "empty";
}

Cancellation::Cancellation() : state_(std::make_shared<State>()) {}
void Cancellation::cancel() const noexcept { state_->interrupt(); }
bool Cancellation::is_cancelled() const noexcept { return state_->waits.triggered(); }
InterruptHandle Cancellation::interrupt_handle() const noexcept { return InterruptHandle(state_); }
const std::shared_ptr<Cancellation::State>& Cancellation::state() const noexcept { return state_; }

}  // namespace libsql

namespace libsql::replica {

SyncOrder order_of(const SyncOptions& options, std::optional<std::chrono::milliseconds> limit) {
  if (options.deadline && *options.deadline <= std::chrono::milliseconds(0)) {
    core::throw_error(ErrorCode::Configuration, "the deadline of a sync must be positive");
  }
  SyncOrder order;
  if (options.deadline) limit = options.deadline;
  if (limit) order.wait.deadline = net::Deadline::after(*limit);
  if (options.cancellation) order.wait.interrupt = &options.cancellation->state()->waits;
  order.progress = options.progress;
  return order;
}

}  // namespace libsql::replica
