#include <libsql/change_stream.hpp>

#include "api/access.hpp"
#include "engine/change_log.hpp"
#include "engine/connection.hpp"
#include "engine/hooks.hpp"

namespace libsql {

ChangeStream::ChangeStream(const Connection& connection, ChangeStreamOptions options)
    : ChangeStream(connection, nullptr, std::move(options)) {}

ChangeStream::ChangeStream(const Connection& connection, std::function<void(const ChangeSet&)> callback,
                           ChangeStreamOptions options)
    : state_(std::make_shared<detail::ChangeStreamState>(std::move(callback), std::move(options))) {
  engine::Connection& engine = detail::Access::engine(connection, core::Feature::ChangeStream);
  engine.require_sql_allowed();
  engine::ChangeLog& log = engine.hooks().change_log();
  state_->hooks = engine.hooks().weak_from_this();
  log.attach(state_);
}

ChangeStream::ChangeStream(ChangeStream&&) noexcept = default;
ChangeStream& ChangeStream::operator=(ChangeStream&& other) noexcept {
  if (this != &other) {
    detach();
    state_ = std::move(other.state_);
  }
  return *this;
}
ChangeStream::~ChangeStream() { detach(); }

void ChangeStream::detach() noexcept {
  if (state_ == nullptr || !state_->attached) return;
  if (const auto hooks = state_->hooks.lock()) hooks->detach_stream(*state_);
}

std::optional<ChangeSet> ChangeStream::next() { return wait(std::chrono::milliseconds(0)); }

std::optional<ChangeSet> ChangeStream::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  const auto ready = [&] { return !state_->queue.empty() || !state_->attached; };
  if (timeout > std::chrono::milliseconds(0)) state_->changed.wait_for(lock, timeout, ready);
  if (state_->queue.empty()) return std::nullopt;
  auto [changes, bytes] = std::move(state_->queue.front());
  state_->queue.pop_front();
  state_->queued_bytes -= bytes;
  return std::move(changes);
}

std::size_t ChangeStream::queued() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

bool ChangeStream::is_attached() const noexcept { return state_ != nullptr && state_->attached; }

std::exception_ptr ChangeStream::failure() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failure;
}

}  // namespace libsql
