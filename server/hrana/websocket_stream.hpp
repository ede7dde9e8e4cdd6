// One stream of a WebSocket client: its requests run one after the other, beside those of the other streams.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decoded.hpp"
#include "engine/connection.hpp"
#include "hrana/requests.hpp"
#include "net/server.hpp"
#include "server/databases/writers_room.hpp"
#include "server/run/cursor_run.hpp"
#include "server/run/request_run.hpp"
#include "server/run/request_scope.hpp"

namespace libsql::server {

/// A request with everything it needs: the SQL that numbers stood for when it came, and the rights of that moment.
struct WebSocketJob {
  core::Decoded<hrana::ClientMessage> message;
  std::shared_ptr<const Identity> identity;
  RequestTexts texts;
  std::vector<std::shared_ptr<const std::string>> stored;            // what some of the texts view
  std::optional<BudgetShare> memory{};                               // its, if it is large
  std::optional<std::chrono::steady_clock::time_point> wait_ends{};  // if it had to wait for a seat in the WritersRoom

  const hrana::WebSocketRequest& request() const noexcept { return std::get<hrana::WebSocketRequest>(*message); }
  Context context(ServerState& state, const std::shared_ptr<Namespace>& name_space) const;
};

/// Threads: all members may be called by several at once.
class WebSocketStream final : public std::enable_shared_from_this<WebSocketStream>, private StreamHost {
 public:
  using Post = std::function<void(std::function<void()>)>;

  WebSocketStream(ServerState& state, const Context& context, hrana::Encoding encoding,
                  std::shared_ptr<net::WebSocketSession> peer);
  ~WebSocketStream();

  /// Among the streams that are open. It is given back when nothing of the stream is left.
  Whose take_place() noexcept { return place_.take(1); }
  /// Puts a request into the line. While that is full, no message of the peer is read.
  void enqueue(WebSocketJob job);
  /// What waited for the peer has been taken.
  void peer_has_taken_all() noexcept;
  /// The client is gone: what runs is interrupted, what waits is dropped.
  void cancel() noexcept;

  bool has_cursor = false;  // of whoever reads the messages

 private:
  struct Cursor {
    Cursor(WebSocketStream& stream, WebSocketJob job);
    WebSocketJob job;
    Context context;
    CursorRun run;
    bool done = false;
  };

  void schedule();
  void drain();
  bool may_go_on();
  bool is_full() const noexcept;
  Places::Place take_thread();
  bool take_seat();
  void wait_here(const std::shared_ptr<void>& ticket);
  bool stop_waiting(const std::shared_ptr<void>& ticket);
  void go_on(const std::shared_ptr<void>& ticket);
  void run(WebSocketJob& job);
  void answer(WebSocketJob& job, hrana::ResponseWriter& writer);
  void release_if_stateless();

  DatabaseSession& session() override;
  DatabaseSession* existing_session() override { return session_ ? &*session_ : nullptr; }
  engine::Connection::ChangeCounters* counters_without_session() override;
  void close() override;
  void open_cursor() override;
  Fetched fetch_cursor(const hrana::FetchCursorRequest& request) override;
  void close_cursor() override;

  ServerState& state_;
  const std::shared_ptr<Namespace> name_space_;
  const hrana::Encoding encoding_;
  const std::shared_ptr<net::WebSocketSession> peer_;
  BudgetShare place_;
  const StreamLife life_;
  Cancellation cancellation_;

  std::mutex mutex_;  // of what follows
  std::deque<WebSocketJob> jobs_;
  bool running_ = false;  // somebody runs the jobs, or will: a thread, or what is waited for
  bool pausing_ = false;  // no message of the peer is read because of this stream
  bool cancelled_ = false;
  std::shared_ptr<WebSocketStream> waiting_self_;  // while it waits for the peer or a place
  std::shared_ptr<void> ticket_;                   // while it waits for a place or a seat

  // Of the thread that runs the jobs.
  WebSocketJob* job_ = nullptr;  // at hand
  Takers takers_;                // its
  WritersRoom::Seat seat_;       // if it waited for one
  SessionLease session_;
  engine::Connection::ChangeCounters counters_;  // of the stream, while it has no session
  std::unique_ptr<Cursor> cursor_;
  std::string out_;
  std::string entries_;
};

}  // namespace libsql::server
