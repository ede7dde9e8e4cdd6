// Runs one statement of a client, from its text to its totals.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <libsql/params.hpp>
#include <libsql/value.hpp>

#include "core/clock.hpp"
#include "hrana/response_writer.hpp"
#include "hrana/responses.hpp"
#include "server/databases/database_session.hpp"
#include "server/run/context.hpp"

namespace libsql::server {

/// Call prepare(), start(), next() until it returns false, finish(); and columns() at any time after prepare(). Each
/// throws StatementFailure, prepare() also RequestRefused; after a throw only the destructor may be called. `args` are
/// borrowed until the statement ends.
class ClientStatement {
 public:
  ClientStatement(DatabaseSession& session, const Context& context) noexcept : session_(session), context_(context) {
    session.connection().patience().set_busy_timeout(context.lock_wait());
  }
  ~ClientStatement();
  ClientStatement(const ClientStatement&) = delete;
  ClientStatement& operator=(const ClientStatement&) = delete;

  void prepare(std::string_view sql);
  void start(const detail::ParamsView& args);
  std::span<const hrana::Col> columns();
  void write_columns(hrana::ResponseWriter& writer);
  bool next();
  /// The current row, valid until next().
  std::span<const ValueRef> row();
  hrana::StmtTotals finish();
  /// Records that the statement failed for a reason outside the engine. `code` must have static storage.
  void fail(std::string_view code) noexcept { error_code_ = code; }

  const StatementTraits& traits() const noexcept { return prepared_->traits; }

 private:
  std::span<const ValueRef> arguments(const detail::ParamsView& args);
  void start_attach();
  void report(std::uint64_t read, std::uint64_t changed) noexcept;
  std::uint64_t rows_read(std::uint64_t changed) const noexcept;
  template <class Body>
  auto guarded(Body&& body);

  DatabaseSession& session_;
  const Context& context_;
  std::shared_ptr<Prepared> prepared_;
  std::chrono::steady_clock::time_point begun_ = core::SteadyClock::now();
  std::chrono::steady_clock::duration duration_{0};
  std::uint64_t changes_before_ = 0;
  std::uint64_t scanned_before_ = 0;
  std::uint64_t rows_ = 0;
  bool open_ = false;
  bool opens_ = false;  // a savepoint outside any transaction, which begins one
  bool reported_ = false;
  std::string_view error_code_;
  std::string_view sql_;
};

}  // namespace libsql::server
