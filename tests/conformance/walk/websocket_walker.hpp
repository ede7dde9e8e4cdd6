// A client of WebSockets that keeps to the protocol most of the time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "conformance/walk/peer.hpp"
#include "conformance/walk/world.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"

namespace libsql::test::walk {

class WebSocketWalker {
 public:
  WebSocketWalker(World& world, std::uint64_t seed) : world_(world), dice_(seed) {}

  void step() {
    try {
      if (!peer_) connect();
      act();
      if (peer_ && peer_->is_over()) {
        world_.saw(std::string("WebSocket closed ").append(std::to_string(peer_->close_code)));
        forget();
      }
    } catch (const std::runtime_error&) {  // it was not let in
      forget();
    }
  }
  /// Leaves as it is: with answers that were never taken, or after all of them.
  void leave() {
    if (peer_ && dice_.one_in(2)) settle();
    forget();
  }

 private:
  static constexpr int kIds[] = {0, 1, 2, 3, 4, 5, -1, 2147483647, -2147483647 - 1};

  void connect() {
    static constexpr std::pair<const char*, int> kProtocols[] = {
        {"hrana1", 1}, {"hrana2", 2}, {"hrana3", 3}, {"hrana3", 3}, {"hrana3-protobuf", 3}, {"hrana3-protobuf", 3}};
    const auto [protocol, version] = dice_.of(kProtocols);
    version_ = version;
    encoding_ = std::string_view(protocol) == "hrana3-protobuf" ? hrana::Encoding::Protobuf : hrana::Encoding::Json;
    name_space_ = dice_.of(kNamespaces);
    peer_.emplace(world_.port, protocol, name_space_, dice_.one_in(2) ? 4096 : 0);
    if (!dice_.one_in(50)) hello();
  }
  void forget() {
    peer_.reset();
    asked_.clear();
    streams_.clear();
    cursors_.clear();
    texts_.clear();
    hellos_ = 0;
  }

  void send(const Json& message) {
    const std::string json = message.dump();
    if (encoding_ == hrana::Encoding::Json) {
      peer_->send(net::MessageType::Text, json);
      return;
    }
    std::string bytes;
    hrana::encode(encoding_, *hrana::decode_client_message(hrana::Encoding::Json, core::Source::borrowed(json)), bytes);
    peer_->send(net::MessageType::Binary, bytes);
  }
  void hello() {
    send({{"type", "hello"}, {"jwt", dice_.of(kBearers)}});
    ++hellos_;
  }
  void ask(const Json& request, std::int64_t row = 0) {
    asked_[next_id_] = row;
    send({{"type", "request"}, {"request_id", next_id_++}, {"request", request}});
  }

  /// The next answer, if it comes within that time. Each belongs to a request, and each request has one.
  bool take(int milliseconds) {
    const std::optional<std::string> bytes = peer_->receive(milliseconds);
    if (!bytes) return false;
    std::string json;
    if (encoding_ == hrana::Encoding::Json) {
      json = *bytes;
    } else {
      hrana::encode(hrana::Encoding::Json, *hrana::decode_server_message(encoding_, core::Source::borrowed(*bytes)),
                    json);
    }
    const Json answer = Json::parse(json);
    const std::string type = answer.at("type");
    if (type == "hello_ok" || type == "hello_error") {
      EXPECT_GE(--hellos_, 0);
      world_.saw(type);
      return true;
    }
    const auto asked = asked_.find(answer.at("request_id"));
    if (asked == asked_.end()) {
      ADD_FAILURE() << "an answer to nothing: " << json.substr(0, 300);
      return true;
    }
    if (asked->second != 0 && type == "response_ok" && has_added(answer.at("response").at("result"))) {
      world_.acknowledged(asked->second);
    }
    asked_.erase(asked);
    world_.saw("WebSocket " + (type == "response_ok" ? answer.at("response").at("type").get<std::string>()
                                                     : answer.at("error").at("code").get<std::string>()));
    return true;
  }
  /// Takes all answers.
  void settle() {
    while (!peer_->is_over() && (!asked_.empty() || hellos_ > 0)) {
      if (take(60'000) || peer_->is_over() || world_.is_stopping) continue;
      ADD_FAILURE() << asked_.size() << " requests have no answer";
      return;
    }
  }

  int known(const std::set<int>& ids) {
    if (ids.empty() || dice_.one_in(150)) return dice_.of(kIds);
    auto it = ids.begin();
    std::advance(it, dice_.below(static_cast<int>(ids.size())));
    return *it;
  }
  int unknown(const std::set<int>& ids) {
    for (int i = 0; i < 20; ++i) {
      const int id = dice_.of(kIds);
      if (!ids.contains(id) || dice_.one_in(150)) return id;
    }
    return 6;
  }
  Json some_text() {
    if (version_ >= 2 && !texts_.empty() && dice_.one_in(3)) return {{"sql_id", known(texts_)}};
    return {{"sql", some_sql(dice_)}};
  }

  void act() {
    switch (dice_.below(26)) {
      case 0:
      case 1:
      case 2: {
        const int id = unknown(streams_);
        streams_.insert(id);
        return ask({{"type", "open_stream"}, {"stream_id", id}});
      }
      case 3: {
        const int id = known(streams_);
        streams_.erase(id);
        std::erase_if(cursors_, [&](const auto& cursor) { return cursor.second == id; });
        return ask({{"type", "close_stream"}, {"stream_id", id}});
      }
      case 4:
      case 5:
      case 6:
      case 7: {
        if (streams_.empty()) return;
        Json stmt = some_text();
        if (dice_.one_in(4)) stmt["args"] = list({integer(1)});
        return ask({{"type", "execute"}, {"stream_id", known(streams_)}, {"stmt", stmt}});
      }
      case 8:
      case 9:
      case 10: {
        if (streams_.empty()) return;
        const bool adds = name_space_ == kKept;
        const std::int64_t row = adds ? world_.new_row() : 0;
        return ask(
            {{"type", "batch"}, {"stream_id", known(streams_)}, {"batch", adds ? adding(row) : some_batch(dice_)}},
            row);
      }
      case 11: {
        if (streams_.empty()) return;
        return ask({{"type", "batch"}, {"stream_id", known(streams_)}, {"batch", some_batch(dice_)}});
      }
      case 12: {
        if (version_ < 2 || streams_.empty()) return;
        Json request = some_text();
        request["type"] = dice_.one_in(2) ? "sequence" : "describe";
        request["stream_id"] = known(streams_);
        return ask(request);
      }
      case 13: {
        if (version_ < 2) return;
        const int id = unknown(texts_);
        texts_.insert(id);
        std::string sql = some_sql(dice_);
        if (dice_.one_in(3)) sql.append(static_cast<std::size_t>(dice_.below(9000)), ' ');
        return ask({{"type", "store_sql"}, {"sql_id", id}, {"sql", sql}});
      }
      case 14: {
        if (version_ < 2) return;
        const int id = known(texts_);
        texts_.erase(id);
        return ask({{"type", "close_sql"}, {"sql_id", id}});
      }
      case 15: {
        if (version_ < 3 || streams_.empty()) return;
        return ask({{"type", "get_autocommit"}, {"stream_id", known(streams_)}});
      }
      case 16:
      case 17: {
        if (version_ < 3 || streams_.empty()) return;
        const int stream = known(streams_);
        if (!dice_.one_in(150)) {
          for (const auto& [cursor, of] : cursors_) {
            if (of == stream) return;
          }
        }
        std::set<int> ids;
        for (const auto& [cursor, of] : cursors_) ids.insert(cursor);
        const int id = unknown(ids);
        cursors_[id] = stream;
        return ask({{"type", "open_cursor"}, {"stream_id", stream}, {"cursor_id", id}, {"batch", some_batch(dice_)}});
      }
      case 18:
      case 19:
      case 20: {
        if (version_ < 3 || cursors_.empty()) return;
        std::set<int> ids;
        for (const auto& [cursor, of] : cursors_) ids.insert(cursor);
        const int id = known(ids);
        if (dice_.one_in(4)) {
          cursors_.erase(id);
          return ask({{"type", "close_cursor"}, {"cursor_id", id}});
        }
        static constexpr unsigned kCounts[] = {0, 1, 10, 1000, 4294967295};
        return ask({{"type", "fetch_cursor"}, {"cursor_id", id}, {"max_count", dice_.of(kCounts)}});
      }
      case 21:
        if (version_ >= 2 && dice_.one_in(3)) hello();
        return;
      case 22: {
        for (int i = dice_.below(20); i > 0 && take(dice_.below(3)); --i) {
        }
        return;
      }
      case 23:
        return settle();
      case 24: {  // much at once, and nothing is taken meanwhile
        for (int i = dice_.below(30); i > 0 && !streams_.empty(); --i) {
          ask({{"type", "execute"},
               {"stream_id", known(streams_)},
               {"stmt", {{"sql", "SELECT hex(zeroblob(100000))"}}}});
        }
        return;
      }
      default:
        return leave_somehow();
    }
  }

  void leave_somehow() {
    switch (dice_.below(12)) {
      case 0:
        return peer_->half_close();
      case 1:
        peer_->reset();
        return forget();
      case 2:
        peer_->send_frame(net::Opcode::Close, "\x03\xe8");
        return;
      case 3:
        peer_->send_bytes(std::string("\x81\xfe\x7f\xff\0\0\0\0half", 12));
        return peer_->half_close();
      case 4:
        peer_->send_frame(net::Opcode::Ping, "ping");
        return;
      case 5:
        return forget();
      default:
        return;
    }
  }

  World& world_;
  Dice dice_;
  std::optional<Peer> peer_;
  int version_ = 3;
  hrana::Encoding encoding_ = hrana::Encoding::Json;
  std::string name_space_;
  int next_id_ = -1000;
  int hellos_ = 0;                     // that were not answered
  std::map<int, std::int64_t> asked_;  // requests that were not answered, and the rows that they add
  std::set<int> streams_, texts_;
  std::map<int, int> cursors_;  // and their streams
};

}  // namespace libsql::test::walk
