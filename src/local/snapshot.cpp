#include "local/snapshot.hpp"

#include "core/errors.hpp"

namespace libsql::local {

HeldSnapshot::HeldSnapshot(std::shared_ptr<Store> store, engine::Connection& connection)
    : store_(std::move(store)), state_(engine::Snapshot::take(connection)), keeper_(store_->borrow()) {
  if (!state_) {
    core::throw_error(
        ErrorCode::SnapshotTooOld,
        "the transaction began when the log was empty, and such a state cannot be held: take the snapshot "
        "outside a transaction");
  }
  keeper_->execute_script("BEGIN");
  state_.open_on(*keeper_);
}

}  // namespace libsql::local
