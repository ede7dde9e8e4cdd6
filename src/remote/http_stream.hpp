// A stream over HTTP: the newest baton, and where it is good.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/deadline.hpp"
#include "remote/failures.hpp"
#include "remote/http_client.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

class Upkeep;

/// One request at a time: the upkeep's thread shows an idle transaction to the server through the same stream.
class HttpStream final : public Stream, public std::enable_shared_from_this<HttpStream> {
 public:
  HttpStream(std::shared_ptr<HttpClient> client, const std::shared_ptr<Upkeep>& upkeep);
  ~HttpStream() override;

  Answers run(std::span<const hrana::Request> requests, After after, const Call& call) override;
  std::unique_ptr<Cursor> open_cursor(const hrana::Batch& batch, const Call& call) override;
  bool is_open() const noexcept override { return open_.load(std::memory_order_acquire); }

  /// For the upkeep's thread: keeps the stream alive on the server if nothing was sent for `idle`. Returns when it
  /// wants to be asked again; never if the stream is closed.
  net::Deadline keep_alive(std::chrono::milliseconds idle, const net::Interrupt& interrupt) noexcept;

 private:
  friend class HttpCursor;
  template <class Encode, class Changes, class Take>
  auto exchange(std::string_view what, const Call& call, Encode&& encode, Changes&& changes, Take&& take);
  std::unique_lock<std::mutex> lock(const Call& call);
  Standing standing() const noexcept { return baton_ ? Standing::InTransaction : Standing::Alone; }
  std::span<const net::Header> headers(hrana::Encoding encoding, const Call& call);
  void moved_on(std::optional<std::string_view> baton, std::optional<std::string_view> base_url);
  void forget() noexcept;
  void trim() noexcept;
  std::string target(const HttpClient::Dialect& dialect, std::string_view what) const;

  const std::shared_ptr<HttpClient> client_;
  const std::weak_ptr<Upkeep> upkeep_;  // whose thread may be the last to hold a stream
  mutable std::mutex mutex_;            // of what follows; held while a request is on its way
  Endpoint endpoint_;
  std::optional<std::string> baton_;
  net::Deadline::Clock::time_point used_at_{};
  bool watched_ = false;
  int cursors_ = 0;  // being read
  std::string body_;
  std::vector<hrana::Request> requests_;
  std::vector<net::Header> headers_;
  std::string busy_timeout_;
  std::atomic<bool> open_ = false;
};

/// HTTP as the session's way to the server.
class HttpWire final : public Wire {
 public:
  HttpWire(std::shared_ptr<HttpClient> client, std::shared_ptr<Upkeep> upkeep) noexcept
      : client_(std::move(client)), upkeep_(std::move(upkeep)) {}
  std::shared_ptr<Stream> stream() override { return std::make_shared<HttpStream>(client_, upkeep_); }
  int version(const Call& call) override { return client_->version(call); }
  std::optional<net::Deadline> lock_deadline(const Call& call) override { return client_->lock_deadline(call); }
  hrana::Encoding encoding() const noexcept override { return client_->encoding(); }

 private:
  std::shared_ptr<HttpClient> client_;
  std::shared_ptr<Upkeep> upkeep_;
};

}  // namespace libsql::remote
