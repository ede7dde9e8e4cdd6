#include "engine/query_log.hpp"

#include "api/access.hpp"

namespace libsql {

QueryLogGuard::QueryLogGuard(std::weak_ptr<core::Session> session,
                             std::weak_ptr<engine::StatementObserver> observer) noexcept
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
  if (observer != nullptr && session != nullptr) session->engine_connection()->remove_observer(observer.get());
  observer_.reset();
}

QueryLogGuard log_queries(const Connection& connection, const QueryLog& log) {
  engine::Connection& engine = detail::Access::engine(connection, "the query log");
  engine.require_open();
  std::shared_ptr<engine::StatementObserver> observer = engine::make_query_log_observer(log);
  engine.add_observer(observer, engine::ObserverLife::UntilReset);
  return QueryLogGuard(detail::Access::session(connection), observer);
}

}  // namespace libsql
