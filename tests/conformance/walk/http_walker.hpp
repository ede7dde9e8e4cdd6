// A client of everything that is one request and one answer, which it may cut in the middle.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "conformance/walk/world.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "support/raw_socket.hpp"

namespace libsql::test::walk {

class HttpWalker {
 public:
  HttpWalker(World& world, std::uint64_t seed) : world_(world), dice_(seed), http_(world.port) {}

  void step() {
    name_space_ = dice_.of(kNamespaces);
    bearer_ = dice_.of(kBearers);
    http_.headers = {{"authorization", bearer_}, {"x-namespace", name_space_}};
    if (dice_.one_in(4)) {
      static constexpr const char* kWaits[] = {"0", "5", "100", "4000000000", "never"};
      http_.headers.emplace_back("libsql-busy-timeout", dice_.of(kWaits));
    }
    try {
      act();
    } catch (const net::NetError& error) {
      if (error.kind() == net::ErrorKind::Timeout && !world_.is_stopping) ADD_FAILURE() << error.what();
    } catch (const std::runtime_error&) {  // it was not let in
    }
  }
  void leave() {}

 private:
  Answer answered(Answer answer) {
    std::string what = std::string("HTTP ").append(std::to_string(answer.status));
    if (answer.status >= 400) {
      const Json json = Json::parse(answer.body, nullptr, false);
      if (json.is_object()) what += " " + json.value("code", "");
    }
    world_.saw(what);
    return answer;
  }
  std::optional<std::string> some_baton() {
    if (dice_.one_in(60)) return "nonsense";
    if (dice_.one_in(25)) return world_.some_baton(dice_);
    return std::exchange(dice_.one_in(12) ? last_ : baton_, std::nullopt);
  }
  void keep(const Json& answer, const Json& asked_with) {
    if (asked_with.is_string()) last_ = asked_with.get<std::string>();
    if (!answer.contains("baton") || !answer["baton"].is_string()) return;
    baton_ = answer["baton"].get<std::string>();
    world_.found(*baton_);
  }
  /// What the stream's owner was, for the time that it has a baton.
  Json with_baton() {
    const std::optional<std::string> baton = some_baton();
    if (!baton) return nullptr;
    if (!owner_.empty() && !dice_.one_in(20)) http_.headers = owner_;
    return *baton;
  }

  Json some_request(std::int64_t row) {
    const auto sql = [&]() -> Json {
      if (dice_.one_in(4)) return {{"sql_id", dice_.below(4)}};
      return {{"sql", some_sql(dice_)}};
    };
    Json request = sql();
    switch (dice_.below(9)) {
      case 0:
      case 1:
        return {{"type", "execute"}, {"stmt", request}};
      case 2:
        return {{"type", "batch"}, {"batch", row != 0 ? adding(row) : some_batch(dice_)}};
      case 3:
        request["type"] = "sequence";
        return request;
      case 4:
        request["type"] = "describe";
        return request;
      case 5:
        return {{"type", "store_sql"}, {"sql_id", dice_.below(4)}, {"sql", some_sql(dice_)}};
      case 6:
        return {{"type", "close_sql"}, {"sql_id", dice_.below(4)}};
      case 7:
        return {{"type", "get_autocommit"}};
      default:
        return {{"type", dice_.one_in(3) ? "close" : "get_autocommit"}};
    }
  }

  void pipeline() {
    const Json baton = with_baton();
    Json requests = Json::array();
    const std::int64_t row = name_space_ == kKept && baton.is_null() ? world_.new_row() : 0;
    if (row != 0) requests.push_back({{"type", "batch"}, {"batch", adding(row)}});
    for (int i = dice_.below(5); i > 0; --i) requests.push_back(some_request(0));
    const Json body = {{"baton", baton}, {"requests", requests}};
    Json json;
    if (dice_.one_in(3)) {
      std::string bytes;
      const std::string text = body.dump();
      hrana::encode(hrana::Encoding::Protobuf,
                    *hrana::decode_pipeline_request(hrana::Encoding::Json, core::Source::borrowed(text)), bytes);
      const Answer answer = answered(http_.send("POST", "/v3-protobuf/pipeline", bytes));
      if (answer.status != 200) return;
      std::string out;
      hrana::encode(hrana::Encoding::Json,
                    *hrana::decode_pipeline_response(hrana::Encoding::Protobuf, core::Source::borrowed(answer.body)),
                    out);
      json = Json::parse(out);
    } else {
      const Answer answer = answered(http_.post(dice_.one_in(2) ? "/v2/pipeline" : "/v3/pipeline", body));
      if (answer.status != 200) return;
      json = answer.json();
    }
    EXPECT_EQ(json.at("results").size(), requests.size());
    if (row != 0) {
      const Json& result = json.at("results").at(0);
      if (result.at("type") == "ok" && has_added(result.at("response").at("result"))) world_.acknowledged(row);
    }
    owner_ = http_.headers;
    keep(json, baton);
  }

  void cursor() {
    const Json baton = with_baton();
    const Answer answer = answered(http_.post("/v3/cursor", {{"baton", baton}, {"batch", some_batch(dice_)}}));
    if (answer.status != 200) return;
    owner_ = http_.headers;
    keep(Json::parse(answer.body.substr(0, answer.body.find('\n'))), baton);
  }

  std::string head(std::string_view method, std::string_view target, std::size_t length) const {
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: x\r\nAuthorization: ").append(bearer_);
    text.append("\r\nx-namespace: ").append(name_space_);
    if (length != 0) text.append("\r\nContent-Length: ").append(std::to_string(length));
    return text.append("\r\n\r\n");
  }

  // Asks, takes some of the answer and goes, one way or another.
  void cut(const std::string& request) {
    RawSocket socket = hasty(world_.port, dice_);
    if (dice_.one_in(4)) {
      socket.send(std::string_view(request).substr(0, request.size() - static_cast<std::size_t>(dice_.below(40))));
      if (dice_.one_in(2)) return socket.reset();
      return socket.end_output();
    }
    socket.send(request);
    if (dice_.one_in(3)) socket.end_output();
    if (dice_.one_in(3)) return socket.reset();
    const std::string begun = socket.read(static_cast<std::size_t>(1 + dice_.below(400)));
    if (const std::size_t at = begun.find("{\"baton\":\""); at != std::string::npos) {
      const std::size_t end = begun.find('"', at + 10);
      if (end != std::string::npos) baton_ = begun.substr(at + 10, end - at - 10);
      owner_ = http_.headers;
    }
    if (dice_.one_in(3)) return socket.reset();
    if (dice_.one_in(2)) socket.read(static_cast<std::size_t>(dice_.below(100'000)));
  }
  void cut_cursor() {
    const Json baton = with_baton();
    for (const auto& [name, value] : http_.headers) {
      if (name == "authorization") bearer_ = value;
      if (name == "x-namespace") name_space_ = value;
    }
    Json steps =
        list({test::step("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 3000) SELECT x, "
                         "hex(zeroblob(200)) FROM c")});
    if (dice_.one_in(2)) steps.push_back(test::step(some_sql(dice_)));
    const std::string body = Json{{"baton", baton}, {"batch", {{"steps", steps}}}}.dump();
    cut(head("POST", "/v3/cursor", body.size()) + body);
  }

  void act() {
    switch (dice_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return pipeline();
      case 6:
      case 7:
        return cursor();
      case 8:
      case 9:
        return cut_cursor();
      case 10:
        return cut(head("GET", "/dump", 0));
      case 11:
        answered(http_.get("/dump"));
        return;
      case 12:
        http_.post("/v1/execute", {{"stmt", {{"sql", some_sql(dice_)}}}});
        return;
      case 13:
        http_.post("/v1/batch", {{"batch", some_batch(dice_)}});
        return;
      case 14:
        http_.post("/", {{"statements", list({some_sql(dice_), some_sql(dice_)})}});
        return;
      default:
        if (const int status = http_.get("/health").status; status != 503) {
          EXPECT_EQ(status, 200);
        }
    }
  }

  World& world_;
  Dice dice_;
  HttpClient http_;
  std::string name_space_, bearer_;
  std::optional<std::string> baton_, last_;
  Headers owner_;  // of the stream with the baton
};

}  // namespace libsql::test::walk
