#include "remote/arguments.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

#include "core/errors.hpp"
#include "core/utf8.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::remote {
namespace {

std::string count_of(std::size_t count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

[[noreturn]] void throw_count(const Text& text, std::size_t given) {
  const auto wanted = static_cast<std::size_t>(text.parameters.count);
  std::string message = "the statement takes " + count_of(wanted, "argument") + ", " + std::to_string(given) +
                        (given == 1 ? " was given" : " were given");
  if (given < wanted) {
    const std::string_view name = text.parameters.name(static_cast<int>(given) + 1);
    if (!name.empty()) message.append(": parameter ").append(name).append(" has none");
  }
  core::throw_error(ErrorCode::Misuse, std::move(message), text.source);
}

void require_number(const Text& text, const ValueRef& value, std::size_t number) {
  // The engine would store NULL; nothing becomes NULL unasked.
  if (value.type() != ValueType::Real || !std::isnan(value.real())) return;
  core::throw_error(ErrorCode::OutOfRange, "argument " + std::to_string(number) + " is NaN, which cannot be stored",
                    text.source);
}

void require_sendable(const Text& text, const ValueRef& value, const std::string& which, bool json) {
  if (value.type() == ValueType::Text && !core::is_utf8(value.text())) {
    core::throw_error(ErrorCode::OutOfRange,
                      which + " is text that is not UTF-8, which cannot be sent: pass it as a blob", text.source);
  }
  if (json && value.type() == ValueType::Real && std::isinf(value.real())) {
    core::throw_error(ErrorCode::OutOfRange, which + " is infinite, which this server's encoding (JSON) cannot express",
                      text.source);
  }
}

}  // namespace

int resolve_name(const Text& text, std::string_view name) {
  if (name.empty()) core::throw_error(ErrorCode::Misuse, "a parameter name cannot be empty", text.source);
  const sql::ParameterList& list = text.parameters;
  if (name[0] == ':' || name[0] == '@' || name[0] == '$' || name[0] == '?') return list.number(name);
  if (name.find_first_not_of("0123456789") == std::string_view::npos) return list.number('?' + std::string(name));
  int found = 0;
  std::string_view found_text;
  for (const sql::Parameter& parameter : list.parameters) {
    if (parameter.text.size() < 2 || parameter.text[0] == '?' || parameter.text.substr(1) != name) continue;
    if (found != 0) {
      core::throw_error(ErrorCode::Misuse,
                        "the parameter name '" + std::string(name) + "' is ambiguous: it can mean " +
                            std::string(found_text) + " or " + std::string(parameter.text),
                        text.source);
    }
    found = parameter.number;
    found_text = parameter.text;
  }
  return found;
}

Arguments::Arguments(const Text& text, const core::ParamsView& params) {
  if (text.parameters.fault) {
    detail::ErrorData data;
    data.code = ErrorCode::SqlError;
    data.message = "a parameter has a number that is not allowed";
    data.sql = text.source;
    data.offset = text.offset + *text.parameters.fault;
    core::throw_error(std::move(data));
  }
  const auto count = static_cast<std::size_t>(text.parameters.count);
  if (!params.named.empty()) {
    by_name(text, params);
    return;
  }
  if (params.positional.size() != count) throw_count(text, params.positional.size());
  for (std::size_t i = 0; i < count; ++i) require_number(text, params.positional[i], i + 1);
  if (text.style != ArgumentStyle::Names) {
    view_.positional = params.positional;
    return;
  }
  names_.reserve(count);
  for (const sql::Parameter& parameter : text.parameters.parameters) {
    names_.push_back({parameter.text, params.positional[static_cast<std::size_t>(parameter.number) - 1]});
  }
  view_.named = names_;
}

void Arguments::by_name(const Text& text, const core::ParamsView& params) {
  const auto count = static_cast<std::size_t>(text.parameters.count);
  if (params.positional.size() > count) throw_count(text, params.positional.size());
  list_.resize(count);
  std::vector<bool> given(count);
  for (std::size_t i = 0; i < params.positional.size(); ++i) {
    require_number(text, params.positional[i], i + 1);
    list_[i] = params.positional[i];
    given[i] = true;
  }
  for (const detail::NamedRef& argument : params.named) {
    const int number = resolve_name(text, argument.name);
    if (number == 0) {
      core::throw_error(ErrorCode::Misuse, "the statement has no parameter named '" + std::string(argument.name) + "'",
                        text.source);
    }
    const std::size_t i = static_cast<std::size_t>(number) - 1;
    if (given[i]) {
      core::throw_error(ErrorCode::Misuse,
                        "the parameter " + std::string(text.parameters.name(number)) + " is given two arguments",
                        text.source);
    }
    require_number(text, argument.value, static_cast<std::size_t>(number));
    list_[i] = argument.value;
    given[i] = true;
  }
  // A number below `?5` that nothing uses wants no argument; NULL takes its place in the list.
  for (const sql::Parameter& parameter : text.parameters.parameters) {
    if (given[static_cast<std::size_t>(parameter.number) - 1]) continue;
    const std::string name(parameter.text.size() > 1 ? std::string(parameter.text) : std::to_string(parameter.number));
    core::throw_error(ErrorCode::Misuse, "parameter " + name + " has no argument", text.source);
  }
  if (text.style != ArgumentStyle::Names) {
    view_.positional = list_;
    return;
  }
  names_.reserve(count);
  for (const sql::Parameter& parameter : text.parameters.parameters) {
    names_.push_back({parameter.text, list_[static_cast<std::size_t>(parameter.number) - 1]});
  }
  view_.named = names_;
}

namespace {
ValueRef copy(const ValueRef& value, core::Arena& arena) {
  if (value.type() == ValueType::Text) return ValueRef(arena.copy(value.text()));
  if (value.type() != ValueType::Blob || value.is_zero_blob()) return value;
  auto* const bytes = reinterpret_cast<std::byte*>(arena.bytes(value.size()));
  if (value.size() != 0) std::memcpy(bytes, value.blob().data(), value.size());
  return ValueRef(BlobView(bytes, value.size()));
}
}  // namespace

detail::ParamsView copy(const detail::ParamsView& params, core::Arena& arena) {
  detail::ParamsView result;
  if (!params.positional.empty()) {
    auto* const list =
        static_cast<ValueRef*>(arena.allocate(params.positional.size() * sizeof(ValueRef), alignof(ValueRef)));
    for (std::size_t i = 0; i < params.positional.size(); ++i) {
      new (list + i) ValueRef(copy(params.positional[i], arena));
    }
    result.positional = {list, params.positional.size()};
  }
  if (!params.named.empty()) {
    auto* const names = static_cast<detail::NamedRef*>(
        arena.allocate(params.named.size() * sizeof(detail::NamedRef), alignof(detail::NamedRef)));
    for (std::size_t i = 0; i < params.named.size(); ++i) {
      new (names + i) detail::NamedRef{arena.copy(params.named[i].name), copy(params.named[i].value, arena)};
    }
    result.named = {names, params.named.size()};
  }
  return result;
}

std::size_t bytes_of(const detail::ParamsView& params) noexcept {
  constexpr std::size_t kEach = 16;
  std::size_t bytes = (params.positional.size() + params.named.size()) * kEach;
  for (const ValueRef& value : params.positional) bytes += value.size();
  for (const detail::NamedRef& named : params.named) bytes += named.name.size() + named.value.size();
  return bytes;
}

void throw_if_not_sendable(const Text& text, const detail::ParamsView& params, bool json) {
  for (std::size_t i = 0; i < params.positional.size(); ++i) {
    require_sendable(text, params.positional[i], "argument " + std::to_string(i + 1), json);
  }
  for (const detail::NamedRef& named : params.named) {
    require_sendable(text, named.value, "the argument " + std::string(named.name), json);
  }
}

std::string expand(const Text& text, const core::ParamsView& params) {
  std::vector<ValueRef> list(static_cast<std::size_t>(text.parameters.count));
  if (!params.positional.empty() || !params.named.empty()) {
    const Arguments checked(text, params);
    const detail::ParamsView view = checked.view();
    for (std::size_t i = 0; i < view.positional.size(); ++i) list[i] = view.positional[i];
    for (const detail::NamedRef& named : view.named) {
      list[static_cast<std::size_t>(text.parameters.number(named.name)) - 1] = named.value;
    }
  }
  std::string expanded;
  int largest = 0;
  sql::Tokenizer tokenizer(text.statement);
  for (sql::Token token = tokenizer.next(); token.kind != sql::TokenKind::End; token = tokenizer.next()) {
    const bool is_parameter = token.kind == sql::TokenKind::Parameter;
    int number = 0;
    if (is_parameter) {
      number = largest + 1;
      if (token.text.size() > 1 && token.text[0] == '?') {
        std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
      } else if (token.text.size() > 1) {
        number = text.parameters.number(token.text);
      }
      largest = std::max(largest, number);
    }
    if (number > 0 && static_cast<std::size_t>(number) <= list.size()) {
      expanded += to_sql_literal(list[static_cast<std::size_t>(number) - 1]);
    } else {
      expanded += token.text;
    }
  }
  return expanded;
}

}  // namespace libsql::remote
