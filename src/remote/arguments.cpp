#include "remote/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/errors.hpp"
#include "core/utf8.hpp"
#include "sql/arguments.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::remote {
namespace {

// A text's parameters, for the rules of sql/arguments.hpp.
class Parameters {
 public:
  explicit Parameters(const Text& text) noexcept : text_(text) {}
  int count() const noexcept { return text_.parameters.count; }
  std::string_view name(int number) const noexcept { return text_.parameters.name(number); }
  int number(std::string_view name) const noexcept { return text_.parameters.number(name); }
  bool uses(int number) const noexcept {
    const auto& list = text_.parameters.parameters;
    return std::any_of(list.begin(), list.end(),
                       [&](const sql::Parameter& parameter) { return parameter.number == number; });
  }
  std::string_view sql() const noexcept { return text_.source; }

 private:
  const Text& text_;
};

void require_number(const Text& text, const ValueRef& value, int number) {
  if (value.type() == ValueType::Real && std::isnan(value.real())) sql::throw_not_a_number(number, text.source);
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

int resolve_name(const Text& text, std::string_view name) { return sql::parameter_number(Parameters(text), name); }

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
  if (params.named.empty() && params.positional.size() == count) {
    for (std::size_t i = 0; i < count; ++i) require_number(text, params.positional[i], static_cast<int>(i) + 1);
    view_.positional = params.positional;
  } else {
    list_.resize(count);  // what no number wants stays NULL, and takes its place in the list
    sql::give_arguments(Parameters(text), params, [&](int number, const ValueRef& value) {
      require_number(text, value, number);
      list_[static_cast<std::size_t>(number) - 1] = value;
    });
    view_.positional = list_;
  }
  if (text.style != ArgumentStyle::Names) return;
  names_.reserve(count);
  for (const sql::Parameter& parameter : text.parameters.parameters) {
    names_.push_back({parameter.text, view_.positional[static_cast<std::size_t>(parameter.number) - 1]});
  }
  view_.positional = {};
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
