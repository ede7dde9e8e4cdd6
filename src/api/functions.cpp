#include <libsql/functions.hpp>

#include "api/access.hpp"
#include "engine/user_functions.hpp"

namespace libsql {

namespace {
engine::Connection& connection_of(const std::shared_ptr<core::Session>& session) {
  return detail::Access::engine(session, core::Feature::UserFunctions);
}
}  // namespace

Functions::Functions(const Connection& connection) : session_(detail::Access::session(connection)) {
  connection_of(session_);
}
Functions::Functions(const Functions&) noexcept = default;
Functions::Functions(Functions&&) noexcept = default;
Functions& Functions::operator=(const Functions&) noexcept = default;
Functions& Functions::operator=(Functions&&) noexcept = default;
Functions::~Functions() = default;

void Functions::add_scalar(std::string_view name, int arity, FunctionFlags flags, detail::ScalarBody body) {
  engine::add_scalar(connection_of(session_), name, arity, flags, std::move(body));
}
void Functions::add_aggregate(std::string_view name, int arity, FunctionFlags flags, detail::AggregateKind kind,
                              detail::AggregateFactory factory) {
  engine::add_aggregate(connection_of(session_), name, arity, flags, kind, std::move(factory));
}
void Functions::add_collation(std::string_view name, detail::Comparison compare) {
  engine::add_collation(connection_of(session_), name, std::move(compare));
}
void Functions::remove(std::string_view name, int arguments) {
  engine::remove_function(connection_of(session_), name, arguments);
}
void Functions::remove_collation(std::string_view name) { engine::remove_collation(connection_of(session_), name); }

}  // namespace libsql
