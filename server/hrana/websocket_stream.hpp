// One stream of a WebSocket client. Its requests run one after the other, and beside those of other streams.
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

/// A request with everything it needs: stored texts and rights are those of the moment at which it arrived.
struct WebSocketJob {
  core::Decoded<hrana::ClientMessage> message;
  std::shared_ptr<const Identity> identity;
  RequestTexts texts;
  std::vector<std::shared_ptr<const std::string>> stored;            // texts that `texts` views
  std::optional<BudgetShare> memory{};                               // taken by the message, if it is large
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

  /// Takes a place among the open streams, which is given back with the last reference to this stream.
  Whose take_place() noexcept { return place_.take(1); }
  /// Queues a request. While the queue is full, no messages of the peer are read.
  void enqueue(WebSocketJob job);
  /// Resumes the stream if it waited for the peer to take its answers.
  void peer_has_taken_all() noexcept;
  /// For a client that has gone: interrupts what runs and drops what waits.
  void cancel() noexcept;

  bool has_cursor = false;  // used only by the thread that reads the messages

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

  std::mutex mutex_;  // guards what follows
  std::deque<WebSocketJob> jobs_;
  bool running_ = false;  // a thread runs the jobs, or will, perhaps after something that it waits for
  bool pausing_ = false;  // this stream has paused the reading of messages
  bool cancelled_ = false;
  std::shared_ptr<WebSocketStream> waiting_self_;  // while it waits for the peer, a place or a seat
  std::shared_ptr<void> ticket_;                   // while it waits for a place or a seat

  // Used only by the thread that runs the jobs.
  WebSocketJob* job_ = nullptr;  // the current job
  Takers takers_;                // on whose account it runs
  WritersRoom::Seat seat_;       // while it holds one
  SessionLease session_;
  engine::Connection::ChangeCounters counters_;  // the stream's, while it has no session
  std::unique_ptr<Cursor> cursor_;
  std::string out_;
  std::string entries_;
};

}  // namespace libsql::server
