#include <libsql/database.hpp>
#include <libsql/writer.hpp>

#include "api/access.hpp"
#include "api/local_session.hpp"
#include "local/writer.hpp"

namespace libsql {

class Writer::Impl {
 public:
  Impl(const Database& database, const WriterOptions& options)
      : connection_(database.connect()),
        writer_(detail::local_session(connection_, core::Feature::WriterService),
                options.durability == WriterDurability::Synced, options.max_group),
        timeout_(options.timeout) {}

  void submit(std::chrono::milliseconds timeout, void (*job)(void*, Connection&), void* context) {
    auto with_handle = [&] {
      // A handle of its own: a job may move it away, or another connection into it.
      Connection lent = detail::Access::connection(detail::Access::session(connection_));
      job(context, lent);
    };
    writer_.run(with_handle, local::GroupWriter::Clock::now() + timeout);
  }

  std::chrono::milliseconds timeout() const noexcept { return timeout_; }
  local::GroupCounts counts() const { return writer_.counts(); }

 private:
  Connection connection_;
  local::SessionWriter writer_;
  std::chrono::milliseconds timeout_;
};

Writer::Writer(const Database& database, const WriterOptions& options) {
  if (options.max_group == 0) core::throw_error(ErrorCode::OutOfRange, "a group holds at least one transaction");
  if (options.timeout < std::chrono::milliseconds(0)) {
    core::throw_error(ErrorCode::OutOfRange, "a timeout cannot be negative");
  }
  impl_ = std::make_shared<Impl>(database, options);
}
Writer::Writer(const Writer&) noexcept = default;
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(const Writer&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

void Writer::submit(std::chrono::milliseconds timeout, void (*job)(void*, Connection&), void* context) {
  if (impl_ == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  impl_->submit(timeout, job, context);
}

std::uint64_t Writer::execute_view(std::string_view sql, const detail::ParamsView& params) {
  return run([&](Connection& connection) { return connection.execute_view(sql, params); });
}
RunResult Writer::run_view(std::string_view sql, const detail::ParamsView& params) {
  return run([&](Connection& connection) { return connection.run_view(sql, params); });
}
BatchResult Writer::execute_batch(std::string_view script) {
  return run([&](Connection& connection) { return connection.execute_batch(script); });
}
BatchResult Writer::execute_batch(std::span<const BatchStatement> statements) {
  return run([&](Connection& connection) { return connection.execute_batch(statements); });
}

std::chrono::milliseconds Writer::timeout() const noexcept {
  return impl_ == nullptr ? std::chrono::milliseconds(0) : impl_->timeout();
}

WriterStatistics Writer::statistics() const {
  if (impl_ == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  const local::GroupCounts counts = impl_->counts();
  return {counts.jobs, counts.failed, counts.commits, counts.largest_group};
}

Writer Database::writer(const WriterOptions& options) const { return Writer(*this, options); }

}  // namespace libsql
