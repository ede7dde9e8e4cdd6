// The messages of the remote protocol without a network: both sides of a round trip, written and read in JSON and in
// Protobuf, and in JSON by way of nlohmann's trees. One operation is a round trip: the client writes its request, the
// server reads it and writes its answer, the client reads that and looks at every cell.
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "hrana/response_writer.hpp"
#include "support.hpp"

namespace {

using namespace libsql::hrana;
using libsql::ValueRef;
using libsql::ValueType;
using nlohmann::json;

constexpr const char* kSelect = "SELECT id, name, score, note FROM users WHERE id = ?";
const std::vector<Col> kCols = {{"id", "INTEGER"}, {"name", "TEXT"}, {"score", "REAL"}, {"note", "TEXT"}};

struct Data {
  explicit Data(std::size_t rows) : row_count(rows) {
    std::mt19937_64 random(7);
    for (std::size_t i = 0; i < rows; ++i) names.push_back("name of user " + std::to_string(random() % 100000));
    for (std::size_t i = 0; i < rows; ++i) {
      cells.emplace_back(static_cast<std::int64_t>(random() % 1000000));
      cells.emplace_back(std::string_view(names[i]));
      cells.emplace_back(static_cast<double>(random() % 1000000) / 100.0);
      cells.push_back(i % 4 == 0 ? ValueRef() : ValueRef(std::string_view("caf\xC3\xA9 \"und\" Kuchen")));
    }
  }
  std::span<const ValueRef> row(std::size_t i) const {
    return std::span(cells).subspan(i * kCols.size(), kCols.size());
  }

  std::size_t row_count;
  std::vector<std::string> names;
  std::vector<ValueRef> cells;
};

// Something that depends on every cell.
std::uint64_t look_at(ValueRef cell) {
  switch (cell.type()) {
    case ValueType::Null:
      return 1;
    case ValueType::Integer:
      return static_cast<std::uint64_t>(cell.integer());
    case ValueType::Real:
      return static_cast<std::uint64_t>(cell.real());
    default:
      return cell.size();
  }
}

std::uint64_t ours(Encoding encoding, const Data& data, std::string& request, std::string& answer) {
  request.clear();
  answer.clear();
  const ValueRef args[] = {ValueRef(std::int64_t{12345})};
  const Request requests[] = {ExecuteRequest{{{kSelect, {}}, {args, {}}, true, {}}}, CloseRequest{}};
  encode(encoding, PipelineRequest{{}, requests}, request);

  const auto read = decode_pipeline_request(encoding, libsql::core::Source::borrowed(request));
  auto writer = ResponseWriter::pipeline(encoding, answer);
  for (const Request& one : read->requests) {
    writer.begin();
    if (type_of(one) != RequestType::Execute) {
      writer.done(type_of(one));
      continue;
    }
    writer.begin_execute();
    writer.columns(kCols);
    for (std::size_t i = 0; i < data.row_count; ++i) {
      if (!writer.row(data.row(i))) std::abort();
    }
    writer.end_execute({});
  }
  writer.end_pipeline({}, {});

  const auto response = decode_pipeline_response(encoding, libsql::core::Source::borrowed(answer));
  const auto& result = std::get<ExecuteResponse>(std::get<Response>(response->results[0])).result;
  std::uint64_t sum = 0;
  for (const ValueRef& cell : result.cells) sum += look_at(cell);
  return sum;
}

json value_tree(ValueRef value) {
  switch (value.type()) {
    case ValueType::Null:
      return {{"type", "null"}};
    case ValueType::Integer:
      return {{"type", "integer"}, {"value", std::to_string(value.integer())}};
    case ValueType::Real:
      return {{"type", "float"}, {"value", value.real()}};
    default:
      return {{"type", "text"}, {"value", std::string(value.text())}};
  }
}

std::uint64_t look_at(const json& value) {
  const auto& type = value.at("type").get_ref<const std::string&>();
  if (type == "null") return 1;
  if (type == "integer") return std::stoull(value.at("value").get_ref<const std::string&>());
  if (type == "float") return static_cast<std::uint64_t>(value.at("value").get<double>());
  return value.at("value").get_ref<const std::string&>().size();
}

std::uint64_t trees(const Data& data, std::string& request, std::string& answer) {
  request = json{{"baton", nullptr},
                 {"requests",
                  {{{"type", "execute"},
                    {"stmt",
                     {{"sql", kSelect},
                      {"args", json::array({value_tree(ValueRef(std::int64_t{12345}))})},
                      {"named_args", json::array()},
                      {"want_rows", true}}}},
                   {{"type", "close"}}}}}
                .dump();

  const json read = json::parse(request);
  json results = json::array();
  for (const json& one : read.at("requests")) {
    if (one.at("type") != "execute") {
      results.push_back({{"type", "ok"}, {"response", {{"type", one.at("type")}}}});
      continue;
    }
    json rows = json::array();
    for (std::size_t i = 0; i < data.row_count; ++i) {
      json row = json::array();
      for (const ValueRef& cell : data.row(i)) row.push_back(value_tree(cell));
      rows.push_back(std::move(row));
    }
    json cols = json::array();
    for (const Col& col : kCols) cols.push_back({{"name", *col.name}, {"decltype", *col.decltype_name}});
    results.push_back({{"type", "ok"},
                       {"response",
                        {{"type", "execute"},
                         {"result",
                          {{"cols", std::move(cols)},
                           {"rows", std::move(rows)},
                           {"affected_row_count", 0},
                           {"last_insert_rowid", nullptr},
                           {"replication_index", nullptr},
                           {"rows_read", 0},
                           {"rows_written", 0},
                           {"query_duration_ms", 0.0}}}}}});
  }
  answer = json{{"baton", nullptr}, {"base_url", nullptr}, {"results", std::move(results)}}.dump();

  const json response = json::parse(answer);
  std::uint64_t sum = 0;
  for (const json& row : response.at("results").at(0).at("response").at("result").at("rows")) {
    for (const json& cell : row) sum += look_at(cell);
  }
  return sum;
}

void compare(const char* title, std::size_t rows, int operations, int rounds) {
  static std::string request;
  static std::string answer;
  const Data data(rows);
  const std::uint64_t wanted = trees(data, request, answer);
  const std::size_t tree_bytes = answer.size();
  for (const Encoding encoding : {Encoding::Json, Encoding::Protobuf}) {
    if (ours(encoding, data, request, answer) != wanted) std::abort();
    std::printf("answer of %zu rows in %s: %zu bytes (trees: %zu)\n", rows,
                encoding == Encoding::Json ? "JSON" : "Protobuf", answer.size(), tree_bytes);
  }
  const auto contender = [operations](auto work) {
    return [work, operations] {
      return bench::rate(operations, [&] {
        for (int i = 0; i < operations; ++i) bench::keep(work());
      });
    };
  };
  bench::compare(title,
                 {{"nlohmann, trees", contender([&] { return trees(data, request, answer); })},
                  {"JSON", contender([&] { return ours(Encoding::Json, data, request, answer); })},
                  {"Protobuf", contender([&] { return ours(Encoding::Protobuf, data, request, answer); })}},
                 "nlohmann, trees", rounds);
}

}  // namespace

int main() {
  compare("point select, one row", 1, 2000, 31);
  compare("10,000 rows of 4 cells", 10000, 1, 31);
}
