// A server in this process, and a client that speaks to it in plain HTTP and JSON.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "net/http_client.hpp"
#include "net/websocket_client.hpp"
#include "server/databases/namespaces.hpp"
#include "server/server.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {

using Json = nlohmann::json;

/// An array. (Of one value in braces Json would make that value.)
inline Json list(std::initializer_list<Json> items) { return Json(std::vector<Json>(items)); }

struct Answer {
  int status = 0;
  std::string content_type;
  std::string body;
  Json json() const {
    Json parsed = Json::parse(body, nullptr, false);
    if (parsed.is_discarded()) throw std::runtime_error("not JSON: " + body);
    return parsed;
  }
};

inline net::Wait within(std::chrono::milliseconds time) { return {net::Deadline::after(time), nullptr}; }
inline net::Wait soon() { return within(std::chrono::seconds(30)); }

inline net::Origin local_origin(std::uint16_t port) { return {false, "127.0.0.1", port}; }

inline net::ClientOptions local_options() {
  net::ClientOptions options;
  options.proxy_from_environment = false;
  return options;
}

using Headers = std::vector<std::pair<std::string, std::string>>;

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : connection_(local_origin(port), local_options()) {}

  Headers headers;  // sent with every request

  Answer send(std::string_view method, std::string_view target, std::string_view body = {}, const Headers& more = {}) {
    std::vector<net::Header> fields;
    for (const Headers* list : {std::as_const(*this).own_headers(), &more}) {
      for (const auto& [name, value] : *list) fields.push_back({name, value});
    }
    const net::HttpResponse response = connection_.request({method, target, fields, body}, soon());
    return {response.status, std::string(response.header("content-type").value_or("")), std::string(response.body)};
  }
  Answer get(std::string_view target) { return send("GET", target); }
  Answer post(std::string_view target, const Json& body) { return send("POST", target, body.dump()); }

  /// A pipeline that must be answered with 200.
  Json pipeline(const Json& requests, const Json& baton = nullptr, std::string_view path = "/v3/pipeline") {
    const Answer answer = post(path, {{"baton", baton}, {"requests", requests}});
    if (answer.status != 200) throw std::runtime_error("status " + std::to_string(answer.status) + ": " + answer.body);
    return answer.json();
  }
  /// The entries of a cursor, its head first.
  std::vector<Json> cursor(const Json& batch, const Json& baton = nullptr) {
    const Answer answer = post("/v3/cursor", {{"baton", baton}, {"batch", batch}});
    if (answer.status != 200) throw std::runtime_error("status " + std::to_string(answer.status) + ": " + answer.body);
    std::vector<Json> lines;
    for (std::size_t at = 0; at < answer.body.size();) {
      const std::size_t end = answer.body.find('\n', at);
      lines.push_back(Json::parse(answer.body.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  }
  net::HttpConnection& connection() noexcept { return connection_; }

 private:
  const Headers* own_headers() const noexcept { return &headers; }

  net::HttpConnection connection_;
};

// -- requests --------------------------------------------------------------------------------------------------------

inline Json integer(std::int64_t value) { return {{"type", "integer"}, {"value", std::to_string(value)}}; }
inline Json text(std::string value) { return {{"type", "text"}, {"value", std::move(value)}}; }

inline Json stmt(const std::string& sql, const Json& args = Json::array()) {
  return {{"sql", sql}, {"args", args}, {"want_rows", true}};
}
inline Json execute(const std::string& sql, const Json& args = Json::array()) {
  return {{"type", "execute"}, {"stmt", stmt(sql, args)}};
}
inline Json step(const std::string& sql, const Json& condition = nullptr) {
  return {{"condition", condition}, {"stmt", stmt(sql)}};
}
inline Json batch(const Json& steps) { return {{"type", "batch"}, {"batch", {{"steps", steps}}}}; }
inline Json sequence(const std::string& sql) { return {{"type", "sequence"}, {"sql", sql}}; }
inline Json close() { return {{"type", "close"}}; }
inline Json ok(int number) { return {{"type", "ok"}, {"step", number}}; }
inline Json failed(int number) { return {{"type", "error"}, {"step", number}}; }
inline Json negated(const Json& condition) { return {{"type", "not"}, {"cond", condition}}; }

/// The code of an answer's error; empty if it is none.
inline std::string error_code(const Json& result) {
  return result.at("type") == "error" ? result.at("error").at("code").get<std::string>() : std::string();
}
/// The result of an answer to execute or batch that succeeded.
inline Json result_of(const Json& result) {
  if (result.at("type") != "ok") throw std::runtime_error("an error: " + result.dump());
  return result.at("response").at("result");
}

// -- the server ------------------------------------------------------------------------------------------------------

class ServerTest : public ::testing::Test {
 protected:
  virtual void configure(server::Options&) {}

  void SetUp() override {
    server::Options options;
    options.data_directory = directory_.path() / "data";
    options.http.port = 0;
    configure(options);
    server_ = std::make_unique<server::Server>(std::move(options));
    server_->start();
  }
  void TearDown() override {
    if (server_ != nullptr) server_->stop(std::chrono::seconds(5));
  }

  HttpClient client() { return HttpClient(server_->port()); }
  /// Runs a statement on a stream of its own; its result.
  Json run(const std::string& sql, const Json& args = Json::array()) {
    HttpClient http = client();
    return result_of(http.pipeline({execute(sql, args), close()}).at("results").at(0));
  }
  /// The first value of the first row.
  std::string value(const std::string& sql) {
    const Json row = run(sql).at("rows").at(0).at(0);
    return row.contains("value") ? row.at("value").dump() : row.dump();
  }
  std::int64_t number(const std::string& sql) {
    return std::stoll(run(sql).at("rows").at(0).at(0).at("value").get<std::string>());
  }

  TemporaryDirectory directory_;
  std::unique_ptr<server::Server> server_;
};

}  // namespace libsql::test
