#include <libsql/plan_counters.hpp>
#include <utility>

#include "api/access.hpp"
#include "core/observer.hpp"
#include "engine/plan_counts.hpp"
#include "engine/statement.hpp"

namespace libsql {

// The engine counts while somebody who watches the statements wants it; what they did is looked up in the statement.
class PlanCounters::Observer final : public core::StatementObserver {
 public:
  bool wants_rows_scanned() const noexcept override { return true; }
  void started(const void*, const detail::ParamsView&) noexcept override {}
  void finished(const void*, const core::StatementRun&) noexcept override {}
};

PlanCounters::PlanCounters(const Connection& connection)
    : session_(detail::Access::session(connection)), observer_(std::make_shared<Observer>()) {
  static_cast<void>(detail::Access::engine(session_, core::Feature::PlanCounters).require_open());
  session_->add_observer(observer_, core::ObserverLife::UntilReset);
}

PlanCounters::PlanCounters(PlanCounters&&) noexcept = default;

PlanCounters& PlanCounters::operator=(PlanCounters&& other) noexcept {
  if (this != &other) {
    stop();
    session_ = std::move(other.session_);
    observer_ = std::move(other.observer_);
  }
  return *this;
}

PlanCounters::~PlanCounters() { stop(); }

void PlanCounters::stop() noexcept {
  if (session_ != nullptr && observer_ != nullptr) session_->observers().remove(observer_.get());
  observer_.reset();
}

RunCounts PlanCounters::counts(const Statement& statement) const {
  if (&detail::Access::require_session(session_) != detail::Access::session(statement).get()) {
    core::throw_error(ErrorCode::Misuse, "the statement belongs to another connection");
  }
  // A session with an engine has only statements of the engine.
  const auto& run = static_cast<const engine::Statement&>(*detail::Access::stmt(statement));
  if (run.is_finalized()) core::throw_error(ErrorCode::Misuse, "the statement was finalised");
  return engine::plan_counts(run);
}

}  // namespace libsql
