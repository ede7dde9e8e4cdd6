#include "remote/text.hpp"

#include <algorithm>
#include <charconv>

#include "core/errors.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/row_count.hpp"
#include "sql/split.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::remote {
namespace {

// The same statement with every parameter written as ?N.
std::string with_numbers(std::string_view statement, const sql::ParameterList& parameters) {
  std::string text;
  int largest = 0;
  sql::Tokenizer tokenizer(statement);
  for (sql::Token token = tokenizer.next(); token.kind != sql::TokenKind::End; token = tokenizer.next()) {
    if (token.kind != sql::TokenKind::Parameter) {
      text += token.text;
      continue;
    }
    int number = largest + 1;
    if (token.text.size() > 1 && token.text[0] == '?') {
      std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
    } else if (token.text.size() > 1) {
      number = parameters.number(token.text);
    }
    largest = std::max(largest, number);
    text += '?' + std::to_string(number);
  }
  return text;
}

}  // namespace

std::vector<Column> columns_of(std::span<const hrana::Col> cols) {
  std::vector<Column> columns;
  columns.reserve(cols.size());
  for (const hrana::Col& col : cols) {
    Column& column = columns.emplace_back();
    column.name = col.name.value_or(std::string_view());
    column.declared_type = col.decltype_name.value_or(std::string_view());
  }
  return columns;
}

bool has_columns(const Description& description, std::span<const hrana::Col> cols) noexcept {
  return std::equal(description.columns.begin(), description.columns.end(), cols.begin(), cols.end(),
                    [](const Column& column, const hrana::Col& col) {
                      return column.name == col.name.value_or(std::string_view()) &&
                             column.declared_type == col.decltype_name.value_or(std::string_view());
                    });
}

Text::Text(std::string_view text) : source(text) {
  // Another server might run what comes before it. The same error as of the engine in this process.
  if (const std::size_t nul = source.find('\0'); nul != std::string::npos) {
    detail::ErrorData data;
    data.code = ErrorCode::SqlError;
    data.sqlite_code = 1;  // SQLITE_ERROR
    data.message = sql::kNulInText;
    data.sql = source;
    data.offset = nul;
    core::throw_error(std::move(data));
  }
  sql::Splitter splitter(source);
  const std::optional<sql::Statement> first = splitter.next();
  if (!first) core::throw_error(ErrorCode::Misuse, "the SQL text holds no statement", source);
  if (const std::optional<sql::Statement> second = splitter.next()) {
    detail::ErrorData data;
    data.code = ErrorCode::Misuse;
    data.message = "a second statement follows the first: execute_batch() runs several";
    data.sql = source;
    data.offset = second->offset;
    core::throw_error(std::move(data));
  }
  statement = first->text;
  offset = first->offset;
  what = sql::classify(statement);
  parameters = sql::parameters(statement);
  // Anything but a SELECT (a PRAGMA, a plan) reads the schema, not the data.
  constexpr std::int64_t kFew = 100;
  few_rows = what.kind != sql::StatementKind::Select || what.explain != sql::ExplainMode::None ||
             sql::has_few_rows(statement, kFew);
  bool numbered_ones = false;
  bool named_ones = false;
  for (const sql::Parameter& parameter : parameters.parameters) {
    (parameter.text.starts_with('?') ? numbered_ones : named_ones) = true;
  }
  style = !named_ones ? ArgumentStyle::List : numbered_ones ? ArgumentStyle::Mixed : ArgumentStyle::Names;
  if (style == ArgumentStyle::Mixed) numbered = with_numbers(statement, parameters);
}

bool Text::changes_rows() const noexcept {
  using enum sql::StatementKind;
  return what.explain == sql::ExplainMode::None &&
         (what.kind == Insert || what.kind == Replace || what.kind == Update || what.kind == Delete);
}

bool Text::begins_transaction() const noexcept {
  return what.explain == sql::ExplainMode::None &&
         (what.kind == sql::StatementKind::Begin || what.kind == sql::StatementKind::Savepoint);
}

bool Text::changes_schema() const noexcept {
  if (what.access == sql::Access::Read || changes_rows()) return false;
  using enum sql::StatementKind;
  return what.kind != Begin && what.kind != Commit && what.kind != Savepoint && what.kind != Release;
}

bool Text::sets_up_stream() const noexcept {
  if (what.explain != sql::ExplainMode::None) return false;
  switch (what.kind) {
    case sql::StatementKind::Attach:
    case sql::StatementKind::Detach:
      return true;
    case sql::StatementKind::Pragma:
      return what.has_value && sql::is_connection_setting(what.name);
    case sql::StatementKind::CreateTable:
    case sql::StatementKind::CreateView:
    case sql::StatementKind::CreateTrigger:
    case sql::StatementKind::CreateVirtualTable:
    case sql::StatementKind::CreateIndex:
      return what.temporary || sql::equals_ignoring_case(sql::unquote(what.schema), "temp");
    default:
      return false;
  }
}

std::shared_ptr<Text> TextCache::get(std::string_view source) {
  if (const auto found = entries_.find(source); found != entries_.end()) {
    ++hits;
    entries_.touch(found);
    return found->understood;
  }
  ++misses;
  auto text = std::make_shared<Text>(source);
  if (text->bytes() > kMaxBytes / 4) return text;
  entries_.insert({text, text->bytes()});
  entries_.shrink(
      kMaxBytes, [](const Entry&) { return true; },
      [&](auto oldest) {
        ++evictions;
        entries_.erase(oldest);
      });
  return text;
}

void TextCache::forget_descriptions() noexcept {
  for (const Entry& entry : entries_) entry.understood->description.reset();
}

void TextCache::clear() noexcept { entries_.clear(); }

}  // namespace libsql::remote
