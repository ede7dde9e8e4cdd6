#include <libsql/hooks.hpp>

#include <array>

#include "api/access.hpp"
#include "engine/connection.hpp"
#include "engine/hooks.hpp"
#include "sql/pragmas.hpp"

namespace libsql {

namespace detail {
struct SubscriptionAccess {
  static Subscription subscription(engine::Hooks& hooks, std::uint64_t id) {
    Subscription subscription;
    subscription.owner_ = hooks.weak_from_this();
    subscription.id_ = id;
    return subscription;
  }
};
}  // namespace detail

namespace {

template <class Listener>
Subscription attach(const std::shared_ptr<core::Session>& session, engine::ListenerList<Listener> engine::Hooks::*list,
                    Listener listener, core::Feature feature) {
  if (!listener) core::throw_error(ErrorCode::Misuse, "a listener cannot be an empty function");
  engine::Hooks& hooks = detail::Access::engine(session, feature).hooks();
  const std::uint64_t id = hooks.add(hooks.*list, std::move(listener));
  return detail::SubscriptionAccess::subscription(hooks, id);
}

}  // namespace

std::string_view to_string(ChangeKind kind) noexcept {
  switch (kind) {
    case ChangeKind::Insert:
      return "INSERT";
    case ChangeKind::Update:
      return "UPDATE";
    case ChangeKind::Delete:
      return "DELETE";
  }
  return "DELETE";
}

std::string_view to_string(Action action) noexcept {
  constexpr std::array<std::string_view, 34> kNames = {"",
                                                       "CreateIndex",
                                                       "CreateTable",
                                                       "CreateTempIndex",
                                                       "CreateTempTable",
                                                       "CreateTempTrigger",
                                                       "CreateTempView",
                                                       "CreateTrigger",
                                                       "CreateView",
                                                       "Delete",
                                                       "DropIndex",
                                                       "DropTable",
                                                       "DropTempIndex",
                                                       "DropTempTable",
                                                       "DropTempTrigger",
                                                       "DropTempView",
                                                       "DropTrigger",
                                                       "DropView",
                                                       "Insert",
                                                       "Pragma",
                                                       "Read",
                                                       "Select",
                                                       "Transaction",
                                                       "Update",
                                                       "Attach",
                                                       "Detach",
                                                       "AlterTable",
                                                       "Reindex",
                                                       "Analyze",
                                                       "CreateVirtualTable",
                                                       "DropVirtualTable",
                                                       "Function",
                                                       "Savepoint",
                                                       "Recursive"};
  const auto index = static_cast<std::size_t>(action);
  return index < kNames.size() ? kNames[index] : std::string_view{};
}

bool Authorization::is_write() const noexcept {
  switch (action) {
    case Action::Read:
    case Action::Select:
    case Action::Transaction:
    case Action::Savepoint:
    case Action::Function:
    case Action::Recursive:
      return false;
    case Action::Pragma:
      return !sql::only_reads(name, argument.data() != nullptr);
    default:
      return true;
  }
}

Subscription::Subscription() noexcept = default;
Subscription::Subscription(Subscription&& other) noexcept
    : owner_(std::move(other.owner_)), id_(std::exchange(other.id_, 0)) {}
Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    detach();
    owner_ = std::move(other.owner_);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}
Subscription::~Subscription() { detach(); }

void Subscription::detach() noexcept {
  const std::uint64_t id = std::exchange(id_, 0);
  if (id == 0) return;
  if (const auto owner = owner_.lock()) owner->remove(id);
}
void Subscription::release() noexcept {
  id_ = 0;
  owner_.reset();
}
bool Subscription::is_attached() const noexcept {
  if (id_ == 0) return false;
  const auto owner = owner_.lock();
  return owner != nullptr && owner->contains(id_);
}

Hooks::Hooks(const Connection& connection) : session_(detail::Access::session(connection)) {
  detail::Access::engine(session_, core::Feature::Hooks);
}
Hooks::Hooks(const Hooks&) noexcept = default;
Hooks::Hooks(Hooks&&) noexcept = default;
Hooks& Hooks::operator=(const Hooks&) noexcept = default;
Hooks& Hooks::operator=(Hooks&&) noexcept = default;
Hooks::~Hooks() = default;

void Hooks::authorize_again() {
  detail::Access::engine(session_, core::Feature::Authorizer).hooks().expire_statements();
}
std::size_t Hooks::size() const noexcept {
  if (session_ == nullptr || session_->engine_connection() == nullptr) return 0;
  const engine::Hooks* hooks = session_->engine_connection()->existing_hooks();
  return hooks == nullptr ? 0 : hooks->size();
}

Subscription Hooks::on_authorize(std::function<Verdict(const Authorization&)> listener) {
  return attach(session_, &engine::Hooks::authorizers, std::move(listener), core::Feature::Authorizer);
}
Subscription Hooks::on_update(std::function<void(const UpdateEvent&)> listener) {
  return attach(session_, &engine::Hooks::updates, std::move(listener), core::Feature::UpdateHook);
}
Subscription Hooks::on_row_change(std::function<void(const RowChange&)> listener) {
  return attach(session_, &engine::Hooks::row_changes, std::move(listener), core::Feature::RowChangeHook);
}
Subscription Hooks::on_commit(std::function<CommitVerdict()> listener) {
  return attach(session_, &engine::Hooks::commits, std::move(listener), core::Feature::CommitHook);
}
Subscription Hooks::on_rollback(std::function<void()> listener) {
  return attach(session_, &engine::Hooks::rollbacks, std::move(listener), core::Feature::RollbackHook);
}
Subscription Hooks::on_wal(std::function<void(const WalEvent&)> listener) {
  return attach(session_, &engine::Hooks::wals, std::move(listener), core::Feature::WalHook);
}
Subscription Hooks::on_progress(std::function<ProgressVerdict()> listener) {
  return attach(session_, &engine::Hooks::progress, std::move(listener), core::Feature::ProgressHook);
}
Subscription Hooks::on_statement(std::function<void(const StatementEvent&)> listener) {
  return attach(session_, &engine::Hooks::statements, std::move(listener), core::Feature::TraceHook);
}
Subscription Hooks::on_row(std::function<void(const StatementEvent&)> listener) {
  return attach(session_, &engine::Hooks::rows, std::move(listener), core::Feature::TraceHook);
}
Subscription Hooks::on_profile(std::function<void(const StatementEvent&, std::chrono::nanoseconds)> listener) {
  return attach(session_, &engine::Hooks::profiles, std::move(listener), core::Feature::ProfileHook);
}
Subscription Hooks::on_close(std::function<void()> listener) {
  return attach(session_, &engine::Hooks::closes, std::move(listener), core::Feature::CloseHook);
}

}  // namespace libsql
