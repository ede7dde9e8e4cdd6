/// \file
/// Several statements in one call, and their results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libsql/column.hpp>
#include <libsql/detail/backend_fwd.hpp>
#include <libsql/detail/call_scope.hpp>
#include <libsql/error.hpp>
#include <libsql/export.hpp>
#include <libsql/params.hpp>
#include <libsql/rows.hpp>

namespace libsql {

/// One statement of a batch with its arguments.
struct BatchStatement {
  BatchStatement(std::string text) : sql(std::move(text)) {}
  BatchStatement(const char* text) : sql(text) {}
  template <Bindable... Args>
  requires(sizeof...(Args) > 0) BatchStatement(std::string text, const Args&... args) : sql(std::move(text)) {
    (params.add(args), ...);
  }

  std::string sql;
  Params params;
};

/// What one statement of a batch did.
struct StatementResult {
  std::vector<std::string> columns;  ///< names; empty if it returns no rows
  std::vector<OwnedRow> rows;
  std::uint64_t changes = 0;           ///< rows it inserted, updated or deleted itself
  std::int64_t last_insert_rowid = 0;  ///< the connection's, after it
};

/// One result per statement, in order; text that is only white space or comments has none.
using BatchResult = std::vector<StatementResult>;

class Connection;

namespace detail {

/// What execute_many() does: runs one statement with many sets of arguments, all or nothing.
class LIBSQL_EXPORT BulkRun final {
 public:
  BulkRun(Connection& connection, std::string_view sql);
  BulkRun(const BulkRun&) = delete;
  BulkRun& operator=(const BulkRun&) = delete;
  ~BulkRun();  ///< Without finish(), nothing stays.
  template <Bindable A>
  void add(const A& arguments) {
    try {
      with_params([&](const ParamsView& params) { add_view(params); }, arguments);
      ++index_;
    } catch (const Error& error) {
      rethrow_with_index(error);
    }
  }
  std::uint64_t finish();

 private:
  void add_view(const ParamsView& params);
  [[noreturn]] void rethrow_with_index(const Error& error) const;

  std::size_t index_ = 0;
  std::shared_ptr<core::Session> session_;
  CallScope call_;
  std::unique_ptr<core::Bulk> bulk_;
};

}  // namespace detail

}  // namespace libsql
