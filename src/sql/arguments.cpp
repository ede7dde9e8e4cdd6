#include "sql/arguments.hpp"

#include <utility>

#include "core/errors.hpp"

namespace libsql::sql {
namespace {

[[noreturn]] void misuse(std::string message, std::string_view sql) {
  core::throw_error(ErrorCode::Misuse, std::move(message), sql);
}

std::string count_message(int wanted, std::size_t given) {
  return "the statement takes " + std::to_string(wanted) + (wanted == 1 ? " argument, " : " arguments, ") +
         std::to_string(given) + (given == 1 ? " was given" : " were given");
}

}  // namespace

void throw_argument_count(int wanted, std::size_t given, std::string_view sql) {
  misuse(count_message(wanted, given), sql);
}
void throw_argument_count(int wanted, std::size_t given, std::string_view name, std::string_view sql) {
  std::string message = count_message(wanted, given);
  if (!name.empty()) message.append(": parameter ").append(name).append(" has none");
  misuse(std::move(message), sql);
}
void throw_no_parameter(std::string_view name, std::string_view sql) {
  misuse("the statement has no parameter named '" + std::string(name) + "'", sql);
}
void throw_no_parameter(int number, int count, std::string_view sql) {
  core::throw_error(ErrorCode::OutOfRange,
                    "the statement has no parameter " + std::to_string(number) + ": it has " + std::to_string(count),
                    sql);
}
void throw_ambiguous(std::string_view name, std::string_view one, std::string_view other, std::string_view sql) {
  misuse("the parameter name '" + std::string(name) + "' is ambiguous: it can mean " + std::string(one) + " or " +
             std::string(other),
         sql);
}
void throw_two_arguments(std::string_view name, std::string_view sql) {
  misuse("the parameter " + std::string(name) + " is given two arguments", sql);
}
void throw_no_argument(std::string_view name, int number, std::string_view sql) {
  misuse("parameter " + (name.empty() ? std::to_string(number) : std::string(name)) + " has no argument", sql);
}
void throw_empty_name(std::string_view sql) { misuse("a parameter name cannot be empty", sql); }
void throw_not_a_number(int number, std::string_view sql) {
  core::throw_error(ErrorCode::OutOfRange, "argument " + std::to_string(number) + " is NaN, which cannot be stored",
                    sql);
}

}  // namespace libsql::sql
