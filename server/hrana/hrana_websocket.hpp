// Hrana over WebSocket: one connection with its streams, stored SQL and cursors.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hrana/encoding.hpp"
#include "hrana/requests.hpp"
#include "net/server.hpp"
#include "server/hrana/websocket_stream.hpp"
#include "server/run/request_scope.hpp"
#include "server/run/stored_sql.hpp"

namespace libsql::server {

/// A WebSocket subprotocol that the server speaks.
struct Subprotocol {
  std::string_view name;
  int version = 1;
  hrana::Encoding encoding = hrana::Encoding::Json;
};

/// The subprotocol to use of those offered in a `Sec-WebSocket-Protocol` header. The order of preference is the
/// server's own, as observed in sqld 0.24.33. Null if it knows none of them.
const Subprotocol* choose_subprotocol(std::string_view offered) noexcept;
/// The subprotocol for a client that offers none.
const Subprotocol& first_subprotocol() noexcept;

/// Answers a request to open a WebSocket to this namespace.
void accept_hrana(net::Exchange& exchange, ServerState& state, std::string name_space);

class HranaWebSocket final : public net::WebSocketHandler {
 public:
  HranaWebSocket(ServerState& state, const Subprotocol& protocol, std::string name_space);
  ~HranaWebSocket() override;

  void on_message(net::WebSocketSession& session, net::MessageType type, std::string_view data) override;
  void on_close(net::WebSocketSession& session, int code, std::string_view reason) noexcept override;
  void on_peer_gone(net::WebSocketSession& session) noexcept override;
  void on_drained(net::WebSocketSession& session) noexcept override;

 private:
  void hello(net::WebSocketSession& session, const hrana::Hello& hello);
  void request(net::WebSocketSession& session, core::Decoded<hrana::ClientMessage> message,
               std::optional<BudgetShare> memory);
  void authenticate(net::WebSocketSession& session, std::optional<std::string_view> jwt);
  bool is_known_good() const;
  bool refuse(net::WebSocketSession& session, const hrana::WebSocketRequest& request);
  void answer_at_once(net::WebSocketSession& session, const hrana::WebSocketRequest& request);
  class AtOnce;
  void open_stream(net::WebSocketSession& session, const Context& context, std::int32_t id);
  void answer_without_stream(net::WebSocketSession& session, const hrana::WebSocketRequest& request);
  /// Null if the stream's open_stream failed, or the cursor's open_cursor.
  std::shared_ptr<WebSocketStream> stream_for(const hrana::WebSocketRequest& request);
  void note_unopened(const hrana::WebSocketRequest& request);
  void note_unopened_stream(std::int32_t id);
  void note_unopened_cursor(std::int32_t id, std::int32_t stream);
  void cancel_all() noexcept;
  void count_with(const Context& context);
  void send(net::WebSocketSession& session, std::string_view message);

  ServerState& state_;
  const Subprotocol& protocol_;
  const std::string name_;
  // Used only by the thread that reads the messages.
  std::shared_ptr<Namespace> name_space_;  // null before hello
  std::shared_ptr<const Identity> identity_;
  Takers counted_with_;                            // whose WebSockets this one is counted with
  std::unique_ptr<BudgetShare> place_;             // its place among them
  std::optional<std::string> jwt_;                 // from the last hello that was accepted
  std::shared_ptr<const NamespaceConfig> config_;  // what the credentials were last checked against, like rules_
  std::optional<std::uint64_t> rules_;
  StoredSql stored_;
  struct Cursor {
    std::shared_ptr<WebSocketStream> stream;  // null: it could not be opened
    std::int32_t stream_id = 0;
  };
  std::unordered_map<std::int32_t, Cursor> cursors_;
  std::mutex mutex_;  // guards what follows, which other threads cancel
  std::unordered_map<std::int32_t, std::shared_ptr<WebSocketStream>> streams_;  // null: it could not be opened
  std::vector<std::weak_ptr<WebSocketStream>> closing_;                         // closed, but their jobs may still run
};

}  // namespace libsql::server
