#include "core/query_log.hpp"

#include "api/access.hpp"

namespace libsql {

QueryLogGuard::QueryLogGuard(std::weak_ptr<core::Session> session,
                             std::weak_ptr<core::StatementObserver> observer) noexcept
    : session_(std::move(session)), observer_(std::move(observer)) {}
QueryLogGuard::QueryLogGuard(QueryLogGuard&&) noexcept = default;
QueryLogGuard& QueryLogGuard::operator=(QueryLogGuard&& other) noexcept {
  if (this != &other) {
    stop();
    session_ = std::move(other.session_);
    observer_ = std::move(other.observer_);
  }
  return *this;
}
QueryLogGuard::~QueryLogGuard() { stop(); }

void QueryLogGuard::stop() noexcept {
  const auto observer = observer_.lock();
  const auto session = session_.lock();
  if (observer != nullptr && session != nullptr) session->observers().remove(observer.get());
  observer_.reset();
}

QueryLogGuard log_queries(const Connection& connection, const QueryLog& log) {
  core::Session& session = detail::Access::require_session(detail::Access::session(connection));
  std::shared_ptr<core::StatementObserver> observer = core::make_query_log_observer(log);
  session.add_observer(observer, core::ObserverLife::UntilReset);
  return QueryLogGuard(detail::Access::session(connection), observer);
}

}  // namespace libsql
