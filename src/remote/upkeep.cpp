#include "remote/upkeep.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "hrana/encode.hpp"
#include "remote/http_stream.hpp"

namespace libsql::remote {

using std::chrono::milliseconds;

Upkeep::~Upkeep() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (!thread_.joinable()) return;
  }
  interrupt_.trigger();
  changed_.notify_one();
  thread_.join();
}

void Upkeep::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_one();
}

// What cannot be closed here for want of memory or threads, the server closes by itself after a while.
void Upkeep::close(Endpoint endpoint, std::string baton) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    leftovers_.push_back({std::move(endpoint), std::move(baton)});
    start();
  } catch (const std::exception&) {
    return;
  }
}

void Upkeep::watch(std::weak_ptr<HttpStream> stream) noexcept {
  if (keep_alive_ <= milliseconds(0)) return;
  try {
    const std::lock_guard lock(mutex_);
    watched_.push_back({std::move(stream), net::Deadline::after(keep_alive_)});
    start();
  } catch (const std::exception&) {
    return;
  }
}

void Upkeep::work() noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!leftovers_.empty()) {
      Leftover leftover = std::move(leftovers_.front());
      leftovers_.pop_front();
      const bool ending = ending_;
      lock.unlock();
      if (ending) interrupt_.reset();
      const bool closed = send_close(leftover, ending);
      lock.lock();
      // The end came in between, and its interrupt was not meant for this. A baton that was heard after all is refused
      // the second time.
      if (!closed && !ending && ending_) {
        try {
          leftovers_.push_front(std::move(leftover));
        } catch (const std::exception&) {  // the server's own time limit does it
        }
      }
      continue;
    }
    if (ending_) return;
    net::Deadline next;
    for (std::size_t i = 0; i < watched_.size();) {
      if (!watched_[i].due.passed()) {
        next = earlier(next, watched_[i].due);
        ++i;
        continue;
      }
      const Watched due = std::move(watched_[i]);
      watched_.erase(watched_.begin() + static_cast<std::ptrdiff_t>(i));
      lock.unlock();
      net::Deadline again;
      if (const std::shared_ptr<HttpStream> stream = due.stream.lock())
        again = stream->keep_alive(keep_alive_, interrupt_);
      lock.lock();
      if (!again.is_never()) watched_.push_back({due.stream, again});
      i = 0;  // the list may be another one now
      next = {};
    }
    if (!leftovers_.empty() || ending_) continue;
    if (next.is_never()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, core::WallClock::now() + next.left());
    }
  }
}

bool Upkeep::send_close(const Leftover& leftover, bool ending) noexcept {
  try {
    Call call;
    call.wait = {net::Deadline::after(ending ? milliseconds(200) : milliseconds(5'000)), &interrupt_};
    const HttpClient::Dialect dialect = client_->dialect(call);
    std::string body;
    const hrana::Request close = hrana::CloseRequest{};
    hrana::encode(dialect.encoding, hrana::PipelineRequest{leftover.baton, {&close, 1}}, body);
    const std::string target = leftover.endpoint.path + std::string(dialect.prefix()) + "/pipeline";
    HttpClient::Lease connection = client_->take(leftover.endpoint.origin);
    static_cast<void>(connection->request({"POST", target, client_->headers(dialect.encoding), body}, call.wait));
    return true;
  } catch (const std::exception&) {  // the server's own time limit does it
    return false;
  }
}

}  // namespace libsql::remote
