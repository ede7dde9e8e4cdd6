// The Exchange that handlers get.
#pragma once

#include "net/connection.hpp"
#include "net/server.hpp"

namespace libsql::net {

/// Lives on the worker's stack while the handler runs.
class HttpExchange final : public Exchange {
 public:
  /// `head` outlives it.
  HttpExchange(Connection& connection, Worker& worker, const RequestHead& head, std::string_view body);
  ~HttpExchange() override;
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  const Request& request() const noexcept override { return request_; }
  std::string peer() const override { return connection_.peer(); }
  std::string peer_certificate() const override { return connection_.stream().peer_subject(); }
  void set_body_limit(std::uint64_t bytes) override;
  bool body_is_here() const noexcept override { return body_is_here_; }
  bool is_crowded() const noexcept override { return connection_.is_crowded(); }
  void set_known(const std::shared_ptr<MemoryAccount>& account) override { connection_.set_known(account); }
  void park(std::chrono::steady_clock::time_point until, std::shared_ptr<void> ticket) override;
  Waker waker() override;
  std::optional<std::chrono::steady_clock::time_point> parked_since() const noexcept override {
    return connection_.parked_since();
  }
  std::string& buffer() override;
  using Exchange::answer;
  void answer(int status, FieldLines lines, std::span<const Header> headers, std::string_view body) override;
  void answer_from(int status, std::span<const Header> headers, std::unique_ptr<BodySource> source) override;
  bool answered() const noexcept override { return stage_ != Stage::None && stage_ != Stage::Parked; }
  bool is_parked() const noexcept override { return stage_ == Stage::Parked; }
  int status() const noexcept override { return status_; }
  std::uint64_t body_bytes() const noexcept override { return body_bytes_; }
  void close_after() noexcept override { keep_alive_ = false; }
  bool peer_gone() const noexcept override { return connection_.gone(); }
  void on_peer_gone(std::function<void()> callback) override;
  bool draining() const noexcept override { return connection_.core().draining(); }
  std::shared_ptr<WebSocketSession> accept_websocket(std::shared_ptr<WebSocketHandler> handler,
                                                     std::string_view subprotocol,
                                                     std::span<const Header> headers) override;

  // --- For the connection ---
  enum class Stage : std::uint8_t { None, Parked, Sourced, Done, Broken, Upgraded };
  /// What is made of an exception, or of a handler that did not answer.
  void fail() noexcept;
  Stage stage() const noexcept { return stage_; }
  bool keep_alive() const noexcept { return keep_alive_; }
  std::uint64_t body_limit() const noexcept { return body_limit_; }
  void set_body(std::string_view body) noexcept { request_.body = body; }
  void set_in_head(bool in_head, bool body_is_here) noexcept {
    in_head_ = in_head;
    body_is_here_ = body_is_here;
  }

 private:
  void build_head(int status, FieldLines lines, std::span<const Header> headers);
  void append_connection();

  Connection& connection_;
  Worker& worker_;
  const Framing framing_;
  Request request_;
  std::uint64_t body_limit_;
  Stage stage_ = Stage::None;
  bool keep_alive_;
  bool in_head_ = false;
  bool body_is_here_ = false;
  bool bodiless_ = false;
  int status_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool has_callback_ = false;
};

}  // namespace libsql::net
