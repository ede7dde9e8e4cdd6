// Functions, aggregates and collations written in C++, registered with the engine; and how exceptions become errors.
#pragma once

#include <string>
#include <string_view>

#include <libsql/functions.hpp>

#include "engine/connection.hpp"

struct sqlite3_context;
struct sqlite3_value;

namespace libsql::engine {

void add_scalar(Connection& connection, std::string_view name, int arity, FunctionFlags flags, detail::ScalarBody body);
void add_aggregate(Connection& connection, std::string_view name, int arity, FunctionFlags flags,
                   detail::AggregateKind kind, detail::AggregateFactory factory);
void remove_function(Connection& connection, std::string_view name, int arity);
void add_collation(Connection& connection, std::string_view name, detail::Comparison compare);
void remove_collation(Connection& connection, std::string_view name);

/// The engine's values as views, without an allocation for the usual number of them.
class ArgumentViews {
 public:
  ArgumentViews(int count, sqlite3_value** values);
  detail::Arguments views() const noexcept { return views_; }

 private:
  static constexpr int kInPlace = 8;
  ValueRef in_place_[kInPlace];
  std::vector<ValueRef> more_;
  detail::Arguments views_;
};

/// Makes the exception in flight the error of the statement: a libsql::Error as itself, any other by its message.
void report_exception(Connection& connection, sqlite3_context* context) noexcept;

/// The message of the exception in flight.
std::string current_message();

ResultSink make_sink(sqlite3_context* context) noexcept;

}  // namespace libsql::engine
