#include "server/run/baton_streams.hpp"

#include <algorithm>
#include <optional>

#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

// How many ended streams are remembered; the oldest are forgotten early when there are more.
constexpr std::size_t kMostEnded = 100'000;
// A well-behaved client has one request at a time on a stream, and each waiting request keeps a connection open.
constexpr std::ptrdiff_t kMostWaiting = 8;

[[noreturn]] void throw_invalid() { throw RequestRefused(400, "BATON_INVALID", "Received an invalid baton"); }
[[noreturn]] void throw_reused() {
  throw RequestRefused(400, "BATON_REUSED", "Received a baton that has already been used");
}

}  // namespace

BatonStreams::BatonStreams(const Options& options) : options_(options) {}
BatonStreams::~BatonStreams() = default;

std::unique_ptr<BatonStream> BatonStreams::acquire(std::optional<std::string_view> text, const Context& context,
                                                   const Waiting& waiting) {
  if (!text) return begin();
  const std::optional<Baton> baton = signer_.verify(*text, context.name_space().name(), context.identity().binding());
  if (!baton) throw_invalid();
  if (baton->is_foreign) return begin();
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(baton->stream);
  if (found == entries_.end()) {
    if (!baton->is_replaceable) throw_invalid();
    auto stream = begin();
    stream->id = baton->stream;  // so that its end is remembered
    stream->life.emplace(options_.observer.get());
    entries_[stream->id].sequence = baton->sequence;
    return stream;
  }
  Entry& entry = found->second;
  if (entry.state == State::Expired) {
    throw RequestRefused(400, "STREAM_EXPIRED", "The stream has expired due to inactivity");
  }
  if (entry.state == State::Closed) throw_invalid();
  if (entry.sequence != baton->sequence) throw_reused();
  if (entry.state == State::Available) {
    entry.state = State::Acquired;
    entry.is_promised = false;
    available_.erase(entry.place);
    return std::move(entry.stream);
  }
  // The client got this baton at the head of a cursor's answer. It may not read the rest of the rows before this
  // request is answered, so waiting for the cursor could deadlock: the request gets a stream of its own.
  if (entry.is_promised && entry.may_be_passed) return begin();
  if (!entry.is_promised || waiting.ticket == nullptr) throw_reused();
  std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.ticket.expired(); });
  const auto same =
      std::count_if(waiters_.begin(), waiters_.end(), [&](const Waiter& each) { return each.stream == baton->stream; });
  if (same >= kMostWaiting) {
    throw RequestRefused(429, "TOO_MANY_REQUESTS",
                         "Too many requests wait for the cursor of this stream, for which " +
                             std::to_string(kMostWaiting) + " may wait");
  }
  waiters_.push_back({baton->stream, waiting.ticket, waiting.go_on});
  return nullptr;
}

bool BatonStreams::is_running(std::string_view text, const Context& context) {
  const std::optional<Baton> baton = signer_.verify(text, context.name_space().name(), context.identity().binding());
  if (!baton || baton->is_foreign) return false;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(baton->stream);
  return found != entries_.end() && found->second.state == State::Acquired && found->second.is_promised &&
         found->second.sequence == baton->sequence;
}

BatonStreams::Entry& BatonStreams::entry_of(BatonStream& stream) {
  if (stream.id != 0) return entries_[stream.id];
  stream.id = signer_.new_place().stream;
  stream.life.emplace(options_.observer.get());
  return entries_[stream.id];
}

std::string BatonStreams::promise(BatonStream& stream, Effect effect, const Context& context) {
  const bool is_replaceable = effect != Effect::Session;
  Baton baton;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entry_of(stream);
    entry.is_replaceable = is_replaceable;
    entry.is_promised = true;
    entry.may_be_passed = effect == Effect::None;
    baton = {stream.id, ++entry.sequence, is_replaceable};
  }
  return signer_.sign(baton, context.name_space().name(), context.identity().binding());
}

// Nothing of the stream is kept here: the next request with this baton gets a new stream, which is just as good.
std::string BatonStreams::part(BatonStream& stream, const Context& context) {
  Baton baton;
  if (stream.id == 0) {
    baton = signer_.new_place();
  } else {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(stream.id);
    baton.stream = stream.id;
    if (found != entries_.end()) {  // unless close() removed all entries meanwhile
      baton.sequence = found->second.sequence + 1;
      entries_.erase(found);
    }
  }
  baton.is_replaceable = true;
  return signer_.sign(baton, context.name_space().name(), context.identity().binding());
}

BatonStreams::Released BatonStreams::release(std::unique_ptr<BatonStream> stream, const Context& context) {
  if (stream->closed) {
    if (stream->id != 0) {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(stream->id);
      // The client may still hold a replaceable baton, which would begin a new stream if this end were not remembered.
      if (found != entries_.end()) end(found, State::Closed);
    }
    return {};
  }
  if (stream->is_stateless()) return {part(*stream, context), true};
  std::string baton = promise(*stream, stream->is_replaceable() ? Effect::Database : Effect::Session, context);
  settle(std::move(stream));
  return {std::move(baton), false};
}

void BatonStreams::keep(Entry& entry, std::unique_ptr<BatonStream> stream) {
  entry.state = State::Available;
  entry.since = Clock::now();
  entry.place = available_.insert(available_.end(), stream->id);
  entry.stream = std::move(stream);
}

void BatonStreams::call_waiters(std::uint64_t stream) noexcept {
  std::list<Waiter> called;
  {
    const std::lock_guard lock(mutex_);
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
      const auto here = waiter++;
      if (here->stream == stream || here->ticket.expired()) called.splice(called.end(), waiters_, here);
    }
  }
  for (const Waiter& waiter : called) {
    const std::shared_ptr<void> ticket = waiter.ticket.lock();
    try {
      if (ticket != nullptr) waiter.go_on();
    } catch (const std::exception&) {  // out of memory: the waiting request runs into its time-out
    }
  }
}

void BatonStreams::settle(std::unique_ptr<BatonStream> stream) noexcept {
  const std::uint64_t id = stream->id;
  const bool is_stateless = stream->is_stateless();
  if (is_stateless) stream->session.release();
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(stream->id);
    if (!closed_ && found != entries_.end()) {
      if (is_stateless && found->second.is_replaceable) {
        entries_.erase(found);
      } else {
        keep(found->second, std::move(stream));
      }
    }
  }
  call_waiters(id);
}

void BatonStreams::abandon(std::unique_ptr<BatonStream> stream) noexcept {
  if (stream->id == 0) return;
  const std::lock_guard lock(mutex_);
  entries_.erase(stream->id);
}

// Moves the entry to those that have ended. The caller has taken entry.stream out, to destroy it without the mutex.
void BatonStreams::end(Entries::iterator found, State state) {
  Entry& entry = found->second;
  entry.state = state;
  entry.since = Clock::now();
  entry.place = ended_.insert(ended_.end(), found->first);
  if (ended_.size() > kMostEnded) {
    entries_.erase(ended_.front());
    ended_.pop_front();
  }
}

void BatonStreams::tidy() {
  std::vector<std::unique_ptr<BatonStream>> dropped;
  std::size_t expired = 0;
  {
    const Clock::time_point now = Clock::now();
    const std::lock_guard lock(mutex_);
    while (!available_.empty()) {
      const auto found = entries_.find(available_.front());
      if (now - found->second.since < options_.timeouts.stream_idle) break;
      available_.pop_front();
      dropped.push_back(std::move(found->second.stream));
      if (found->second.is_replaceable) {
        entries_.erase(found);
      } else {
        end(found, State::Expired);
        ++expired;
      }
    }
    while (!ended_.empty()) {
      const auto found = entries_.find(ended_.front());
      if (found != entries_.end() && now - found->second.since < options_.timeouts.stream_tombstone) break;
      if (found != entries_.end()) entries_.erase(found);
      ended_.pop_front();
    }
  }
  if (options_.observer == nullptr) return;
  for (std::size_t i = 0; i < expired; ++i) options_.observer->happened(Event::StreamExpired, {});
}

void BatonStreams::relieve() {
  std::unique_ptr<BatonStream> dropped;
  const std::lock_guard lock(mutex_);
  for (auto place = available_.begin(); place != available_.end(); ++place) {
    const auto found = entries_.find(*place);
    if (!found->second.is_replaceable) continue;
    dropped = std::move(found->second.stream);
    available_.erase(place);
    entries_.erase(found);
    return;
  }
}

void BatonStreams::close() noexcept {
  Entries dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(entries_);
  available_.clear();
  ended_.clear();
}

std::vector<std::string> BatonStreams::describe() const {
  std::vector<std::string> lines;
  const Clock::time_point now = Clock::now();
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (entry.state == State::Expired || entry.state == State::Closed) continue;
    std::string line = "stream " + std::to_string(id) + ": ";
    if (entry.state == State::Acquired) {
      line += "runs a request";
    } else {
      const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(now - entry.since);
      line += "idle for " + std::to_string(idle.count()) + " ms";
      if (entry.stream->session) line += ", holds a connection";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::size_t BatonStreams::idle() const {
  const std::lock_guard lock(mutex_);
  return available_.size();
}

}  // namespace libsql::server
