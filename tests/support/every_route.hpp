// The ways in which a client's SQL text comes to the server, each as a function from the text to what went wrong.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "support/server_client.hpp"

namespace libsql::test {

struct Route {
  std::string name;
  /// Runs the text on a stream of its own. Empty if it ran; else the status of HTTP, unless it is 200, and "code:
  /// message".
  std::function<std::string(const std::string& sql)> run;
};

/// Of whom the requests come.
struct Caller {
  std::uint16_t port = 0;
  Headers headers;                 // the token's among them
  std::optional<std::string> jwt;  // of a WebSocket's hello
};

class EveryRoute {
 public:
  explicit EveryRoute(Caller caller) : caller_(std::move(caller)) {}

  /// What runs a text, in each encoding; without describe, which only compiles it.
  std::vector<Route> that_run() const {
    std::vector<Route> routes = both_encodings("execute", [](const std::string& sql) { return execute(sql); });
    append(routes, both_encodings("batch", [](const std::string& sql) { return batch(list({step(sql)})); }));
    append(routes, both_encodings("sequence", [](const std::string& sql) { return sequence(sql); }));
    routes.push_back({"stored execute", [this](const std::string& sql) {
                        return pipeline(hrana::Encoding::Json,
                                        list({{{"type", "store_sql"}, {"sql_id", 7}, {"sql", sql}},
                                              {{"type", "execute"}, {"stmt", {{"sql_id", 7}}}}}));
                      }});
    routes.push_back({"cursor", [this](const std::string& sql) { return cursor(sql); }});
    routes.push_back({"v1 execute", [this](const std::string& sql) {
                        return posted("/v1/execute", {{"stmt", {{"sql", sql}}}});
                      }});
    routes.push_back({"v1 batch", [this](const std::string& sql) {
                        return posted("/v1/batch", {{"batch", {{"steps", list({step(sql)})}}}});
                      }});
    routes.push_back({"legacy", [this](const std::string& sql) { return posted("/", {{"statements", list({sql})}}); }});
    for (const char* type : {"execute", "batch", "sequence", "stored", "cursor"}) {
      routes.push_back({std::string("WebSocket ") + type,
                        [this, type](const std::string& sql) { return over_websocket(type, sql); }});
    }
    return routes;
  }

  std::vector<Route> that_describe() const {
    std::vector<Route> routes = both_encodings("describe", [](const std::string& sql) {
      return Json{{"type", "describe"}, {"sql", sql}};
    });
    routes.push_back(
        {"WebSocket describe", [this](const std::string& sql) { return over_websocket("describe", sql); }});
    return routes;
  }

  std::vector<Route> all() const {
    std::vector<Route> routes = that_run();
    append(routes, that_describe());
    return routes;
  }

 private:
  static void append(std::vector<Route>& to, std::vector<Route> more) {
    for (Route& route : more) to.push_back(std::move(route));
  }

  std::vector<Route> both_encodings(const std::string& name, std::function<Json(const std::string&)> request) const {
    const auto run = [this, request](hrana::Encoding encoding) {
      return [this, request, encoding](const std::string& sql) { return pipeline(encoding, list({request(sql)})); };
    };
    return {{name, run(hrana::Encoding::Json)}, {name + " in Protobuf", run(hrana::Encoding::Protobuf)}};
  }

  static std::string text_of(const Json& error) {
    return (error.contains("code") && error["code"].is_string() ? error["code"].get<std::string>() : "") + ": " +
           error.value("message", error.value("error", ""));
  }
  static std::string refused(const Answer& answer) { return std::to_string(answer.status) + " " + answer.body; }

  HttpClient client() const {
    HttpClient http(caller_.port);
    http.headers = caller_.headers;
    return http;
  }

  std::string posted(std::string_view path, const Json& body) const {
    const Answer answer = client().post(path, body);
    if (answer.status != 200) return refused(answer);
    const Json json = answer.json();
    if (json.is_array()) return json.at(0).contains("error") ? json.at(0).at("error").dump() : std::string();
    const Json& result = json.at("result");
    if (!result.contains("step_errors")) return {};
    const Json& error = result.at("step_errors").at(0);
    return error.is_null() ? std::string() : text_of(error);
  }

  // The last request's failure.
  std::string pipeline(hrana::Encoding encoding, const Json& requests) const {
    Json all = requests;
    all.push_back(close());
    std::string body = Json{{"baton", nullptr}, {"requests", all}}.dump();
    if (encoding == hrana::Encoding::Protobuf) {
      std::string encoded;
      hrana::encode(encoding, *hrana::decode_pipeline_request(hrana::Encoding::Json, core::Source::borrowed(body)),
                    encoded);
      body = std::move(encoded);
    }
    const bool is_json = encoding == hrana::Encoding::Json;
    Answer answer = client().send("POST", is_json ? "/v3/pipeline" : "/v3-protobuf/pipeline", body);
    if (answer.status != 200) return refused(answer);
    if (!is_json) {
      std::string decoded;
      hrana::encode(hrana::Encoding::Json,
                    *hrana::decode_pipeline_response(encoding, core::Source::borrowed(answer.body)), decoded);
      answer.body = std::move(decoded);
    }
    return failure_of(answer.json().at("results").at(requests.size() - 1));
  }

  // Of one answer in a pipeline or over a WebSocket.
  static std::string failure_of(const Json& answer) {
    if (answer.contains("error")) return text_of(answer.at("error"));
    const Json& response = answer.at("response");
    if (response.at("type") != "batch") return {};
    const Json& error = response.at("result").at("step_errors").at(0);
    return error.is_null() ? std::string() : text_of(error);
  }

  std::string cursor(const std::string& sql) const {
    const Answer answer = client().post("/v3/cursor", {{"batch", {{"steps", list({step(sql)})}}}});
    if (answer.status != 200) return refused(answer);
    for (std::size_t at = 0; at < answer.body.size();) {
      const std::size_t end = answer.body.find('\n', at);
      const Json line = Json::parse(answer.body.substr(at, end - at));
      if (line.contains("error")) return text_of(line.at("error"));
      at = end + 1;
    }
    return {};
  }

  std::string over_websocket(std::string_view type, const std::string& sql) const {
    net::WebSocketConnection socket(local_origin(caller_.port), local_options());
    const std::string_view protocols[] = {"hrana3"};
    std::vector<net::Header> fields;
    for (const auto& [name, value] : caller_.headers) {
      if (name != "authorization") fields.push_back({name, value});
    }
    socket.connect("/", protocols, fields, soon());
    const auto ask = [&](const Json& message) {
      socket.send(net::MessageType::Text, message.dump(), soon());
      return Json::parse(socket.receive(soon()).data);
    };
    int id = 0;
    const auto request = [&](const Json& what) {
      return ask({{"type", "request"}, {"request_id", ++id}, {"request", what}});
    };
    const Json greeting = ask({{"type", "hello"}, {"jwt", caller_.jwt ? Json(*caller_.jwt) : Json(nullptr)}});
    if (greeting.at("type") != "hello_ok") return "hello " + text_of(greeting.at("error"));
    request({{"type", "open_stream"}, {"stream_id", 1}});
    const Json steps = list({step(sql)});
    if (type == "execute")
      return failure_of(request({{"type", "execute"}, {"stream_id", 1}, {"stmt", {{"sql", sql}}}}));
    if (type == "sequence") return failure_of(request({{"type", "sequence"}, {"stream_id", 1}, {"sql", sql}}));
    if (type == "describe") return failure_of(request({{"type", "describe"}, {"stream_id", 1}, {"sql", sql}}));
    if (type == "batch") {
      return failure_of(request({{"type", "batch"}, {"stream_id", 1}, {"batch", {{"steps", steps}}}}));
    }
    if (type == "stored") {
      request({{"type", "store_sql"}, {"sql_id", 3}, {"sql", sql}});
      return failure_of(request({{"type", "execute"}, {"stream_id", 1}, {"stmt", {{"sql_id", 3}}}}));
    }
    const std::string refusal = failure_of(
        request({{"type", "open_cursor"}, {"stream_id", 1}, {"cursor_id", 1}, {"batch", {{"steps", steps}}}}));
    if (!refusal.empty()) return refusal;
    const Json fetched = request({{"type", "fetch_cursor"}, {"cursor_id", 1}, {"max_count", 1000}});
    if (fetched.contains("error")) return text_of(fetched.at("error"));
    for (const Json& entry : fetched.at("response").at("entries")) {
      if (entry.contains("error")) return text_of(entry.at("error"));
    }
    return {};
  }

  Caller caller_;
};

}  // namespace libsql::test
