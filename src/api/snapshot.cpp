#include <libsql/snapshot.hpp>
#include <utility>

#include "api/access.hpp"
#include "api/local_session.hpp"
#include "local/snapshot.hpp"

namespace libsql {

Snapshot::Snapshot(std::shared_ptr<const local::HeldSnapshot> held) noexcept : held_(std::move(held)) {}
Snapshot::Snapshot(const Snapshot&) noexcept = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(const Snapshot&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

Snapshot Connection::snapshot() { return Snapshot(detail::local_session(*this, core::Feature::Snapshots).snapshot()); }

Transaction Connection::transaction_at(const Snapshot& snapshot) {
  if (snapshot.held_ == nullptr) core::throw_error(ErrorCode::Misuse, "the snapshot was moved from");
  detail::local_session(*this, core::Feature::Snapshots).begin_at(*snapshot.held_);
  return detail::Access::transaction(session_, {});
}

}  // namespace libsql
