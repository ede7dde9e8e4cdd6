// The record of a request whose answer is still being sent after its handler has returned.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "net/server.hpp"
#include "server/base/metrics.hpp"

namespace libsql::server {

/// Reports the request to the observer in its destructor. Threads: one at a time.
class BodyRecord {
 public:
  BodyRecord(net::Exchange& exchange, std::shared_ptr<Observer> observer, std::string name_space, int status,
             std::chrono::steady_clock::time_point begun)
      : observer_(std::move(observer)), name_space_(std::move(name_space)), status_(status), begun_(begun) {
    if (observer_ == nullptr) return;
    const net::Request& request = exchange.request();
    method_ = request.method;
    target_ = request.target;
    peer_ = exchange.peer();
    client_ = request.header("x-libsql-client-version").value_or(request.header("user-agent").value_or(""));
    request_bytes_ = request.body.size();
  }
  BodyRecord(const BodyRecord&) = delete;
  BodyRecord& operator=(const BodyRecord&) = delete;
  /// The answer has begun. Without this call nothing is reported.
  void begin() noexcept { has_begun_ = true; }
  ~BodyRecord() {
    if (observer_ == nullptr || !has_begun_) return;
    RequestRecord record;
    record.method = method_;
    record.target = target_;
    record.peer = peer_;
    record.name_space = name_space_;
    record.client = client_;
    record.status = status_;
    record.request_bytes = request_bytes_;
    record.response_bytes = bytes;
    record.rows = rows;
    record.duration = core::SteadyClock::now() - begun_;
    observer_->request_finished(record);
  }

  std::size_t bytes = 0;  // of the body so far
  RowTally rows;

 private:
  const std::shared_ptr<Observer> observer_;
  const std::string name_space_;
  std::string method_, target_, peer_, client_;
  std::size_t request_bytes_ = 0;
  const int status_;
  bool has_begun_ = false;
  const std::chrono::steady_clock::time_point begun_;
};

}  // namespace libsql::server
