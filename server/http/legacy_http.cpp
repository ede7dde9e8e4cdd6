#include "server/http/legacy_http.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "server/base/failure.hpp"
#include "server/databases/syntax.hpp"
#include "server/http/http_answer.hpp"
#include "server/http/peer_watch.hpp"
#include "server/run/client_statement.hpp"
#include "server/run/decoding_share.hpp"
#include "server/run/executor.hpp"
#include "server/run/writer_wait.hpp"

namespace libsql::server {
namespace {

using Json = nlohmann::json;

/// A statement with its arguments.
struct Query {
  std::string sql;
  std::vector<std::string> names;
  std::vector<Value> values;
};

[[noreturn]] void refuse_shape(const std::string& why) {
  throw RequestRefused(422, "MALFORMED_REQUEST", "Failed to deserialize the JSON body: " + why);
}

Value value_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return {};
    case Json::value_t::boolean:
      return Value(std::int64_t{json.get<bool>()});
    case Json::value_t::number_integer:
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > INT64_MAX) refuse_shape("an integer needs more than 64 bits");
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return Value(json.get_ref<const std::string&>());
    case Json::value_t::object: {
      const auto found = json.find("base64");
      if (json.size() != 1 || found == json.end() || !found->is_string())
        refuse_shape("a blob is {\"base64\":\"...\"}");
      const std::string& text = found->get_ref<const std::string&>();
      Blob bytes(core::base64_capacity(text.size()));
      const auto length = text.ends_with('=') ? std::nullopt : core::decode_base64(text, bytes.data());
      if (!length) refuse_shape("a blob is base64 without padding");
      bytes.resize(*length);
      return Value(std::move(bytes));
    }
    default:
      refuse_shape("an argument is null, a number, a string or a blob");
  }
}

Query query_of(const Json& json) {
  Query query;
  if (json.is_string()) {
    query.sql = json.get<std::string>();
    return query;
  }
  if (!json.is_object()) refuse_shape("a statement is a string or an object");
  for (const auto& [name, member] : json.items()) {
    if (name == "q" && member.is_string()) {
      query.sql = member.get<std::string>();
    } else if (name == "params" && member.is_array()) {
      for (const Json& value : member) query.values.push_back(value_of(value));
    } else if (name == "params" && member.is_object()) {
      for (const auto& [parameter, value] : member.items()) {
        query.names.push_back(parameter);
        query.values.push_back(value_of(value));
      }
    } else {
      refuse_shape("a statement cannot have the member '" + name + "'");
    }
  }
  if (!json.contains("q")) refuse_shape("a statement needs the member 'q'");
  return query;
}

// The parser silently turns an integer that fits no integer type into a floating-point number. This finds such
// integers.
class HugeIntegers final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t& digits) override {
    found = digits.find_first_of(".eE") == string_t::npos;
    return !found;
  }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  bool found = false;
};

std::vector<Query> queries_of(std::string_view body, int max_depth) {
  HugeIntegers huge;
  Json::sax_parse(body, &huge);
  if (huge.found) refuse_shape("an integer needs more than 64 bits");
  const auto check_depth = [max_depth](int depth, Json::parse_event_t event, Json&) {
    const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= max_depth) throw RequestRefused(400, "MALFORMED_REQUEST", "The body is nested too deeply");
    return true;
  };
  const Json request = Json::parse(body, check_depth, false);
  if (request.is_discarded()) throw RequestRefused(400, "MALFORMED_REQUEST", "The body is not JSON");
  if (!request.is_object()) refuse_shape("it is no object");
  const auto statements = request.find("statements");
  if (statements == request.end() || !statements->is_array()) refuse_shape("'statements' is no array");
  std::vector<Query> queries;
  for (const Json& statement : *statements) queries.push_back(query_of(statement));
  return queries;
}

[[noreturn]] void refuse_transaction() {
  throw RequestRefused(400, "INTERACTIVE_TRANSACTION",
                       "Query error: `interactive transaction not allowed in HTTP queries`");
}

// Checks whatever can be checked on the texts alone, so that nothing runs if one of them is wrong.
void check(const std::vector<Query>& queries, const Context& context) {
  bool in_transaction = false;
  for (const Query& query : queries) {
    StatementTraits traits;
    try {
      const std::string_view text = only_statement(query.sql);
      traits = traits_of(text);
      require_supported(text, traits);
    } catch (const StatementFailure& failure) {
      const bool many = failure.code() == "SQL_MANY_STATEMENTS";
      throw RequestRefused(many ? 400 : 500, std::string(failure.code()),
                           many ? failure.what() : "Internal Error: `" + std::string(failure.what()) + "`");
    }
    context.authorise(traits);
    if (traits.kind == StatementClass::Savepoint) refuse_transaction();
    if (traits.kind == StatementClass::Begin) in_transaction = true;
    if (traits.kind == StatementClass::End) in_transaction = false;
  }
  if (in_transaction) refuse_transaction();
}

Json json_of(const ValueRef& value) {
  switch (value.type()) {
    case ValueType::Null:
      return nullptr;
    case ValueType::Integer:
      return value.integer();
    case ValueType::Real:
      return std::isfinite(value.real()) ? Json(value.real()) : Json(nullptr);
    case ValueType::Text:
      return std::string(value.text());
    case ValueType::Blob: {
      std::string text;
      core::append_base64(value.blob(), text);
      return Json{{"base64", std::move(text)}};
    }
  }
  return nullptr;
}

Json run(DatabaseSession& session, const Context& context, const Query& query, ResponseShare& share) {
  std::vector<ValueRef> positional;
  std::vector<detail::NamedRef> named;
  for (std::size_t i = 0; i < query.values.size(); ++i) {
    if (query.names.empty()) {
      positional.push_back(query.values[i].ref());
    } else {
      named.push_back({query.names[i], query.values[i].ref()});
    }
  }
  ClientStatement statement(session, context);
  statement.prepare(query.sql);
  statement.start({positional, named});
  Json columns = Json::array();
  for (const hrana::Col& column : statement.columns()) columns.push_back(std::string(column.name.value_or("")));
  Json rows = Json::array();
  std::size_t bytes = 0;
  while (statement.next()) {
    Json row = Json::array();
    for (const ValueRef& cell : statement.row()) {
      bytes += cell.size() + 8;
      row.push_back(json_of(cell));
    }
    rows.push_back(std::move(row));
    if (bytes > context.options().limits.response_bytes) context.throw_too_large();
    if (const Whose whose = share.grow_to(bytes); whose != Whose::Nobody) context.throw_too_large(whose);
  }
  const hrana::StmtTotals totals = statement.finish();
  return {{"results",
           {{"columns", std::move(columns)},
            {"rows", std::move(rows)},
            {"rows_read", totals.rows_read},
            {"rows_written", totals.rows_written},
            {"query_duration_ms", totals.query_duration_ms}}}};
}

}  // namespace

void legacy_query(net::Exchange& exchange, ServerState& state, Context& context) {
  const std::string_view body = exchange.request().body;
  DecodingShare memory(state.budgets.decoded, context);
  // Bytes that a text, and each of its values, take at most once they are decoded.
  constexpr std::size_t kValue = 160;
  const auto values = std::count_if(body.begin(), body.end(), [](char c) { return c == ',' || c == '[' || c == '{'; });
  memory.add(2 * body.size() + kValue * static_cast<std::size_t>(values));
  const std::vector<Query> queries = queries_of(body, state.options.limits.json_depth);
  check(queries, context);
  std::vector<std::string_view> texts;
  for (const Query& query : queries) texts.push_back(query.sql);
  WritersRoom::Seat seat;
  if (!take_seat(exchange, context, texts, seat)) return;
  Json answers = Json::array();
  Cancellation cancellation;
  SessionLease session = context.lease();
  cancellation.watch(session->interrupt_state());
  PeerWatch watch(exchange, cancellation);
  {
    const DatabaseSession::Use use(*session);
    ResponseShare share(state.budgets.responses, context);
    bool failed = false;
    for (const Query& query : queries) {
      if (failed) {
        answers.push_back(nullptr);
        continue;
      }
      try {
        answers.push_back(run(*session, context, query, share));
      } catch (const StatementFailure& failure) {
        failed = true;
        answers.push_back({{"error", failure.what()}});
      }
    }
  }
  watch.stop();
  session.release();  // rolls back what a failed statement left open
  answer(exchange, 200, kJson, answers.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace libsql::server
