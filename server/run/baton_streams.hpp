// The streams of HTTP clients, kept between two requests and found again by their batons.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "server/base/metrics.hpp"
#include "server/run/baton.hpp"
#include "server/run/context.hpp"
#include "server/run/stored_sql.hpp"

namespace libsql::server {

/// One stream. Owned by the request that has acquired it, and by BatonStreams between requests.
struct BatonStream {
  explicit BatonStream(const Limits& limits) : stored(limits.stored_sql_http, limits.stored_sql_bytes) {}

  std::uint64_t id = 0;  // 0: no client knows it yet
  SessionLease session;  // empty until it is needed
  StoredSql stored;
  std::unique_ptr<BudgetShare> place;  // counted among the streams that hold stored texts
  std::optional<StreamLife> life;      // once a client may know the stream
  bool closed = false;

  /// What the client would lose if the stream ended now: at most its counters, and nothing at all.
  bool is_replaceable() const { return stored.empty() && (!session || session->residue() != Residue::Session); }
  bool is_stateless() const { return stored.empty() && (!session || session->residue() == Residue::None); }
};

/// Threads: all members may be called by several at once.
class BatonStreams {
 public:
  explicit BatonStreams(const Options& options);
  ~BatonStreams();
  BatonStreams(const BatonStreams&) = delete;
  BatonStreams& operator=(const BatonStreams&) = delete;

  /// For a request that may have to wait until a cursor has ended: `go_on` is called then, unless `ticket` has expired.
  /// Without a ticket the request cannot wait and is refused instead.
  struct Waiting {
    std::shared_ptr<void> ticket;
    std::function<void()> go_on;
  };
  /// The stream that the baton names, or a new one if there is no baton. The caller must call release() or abandon()
  /// with it. Null: the request has to wait. Throws RequestRefused 400; 429 if too many wait already.
  std::unique_ptr<BatonStream> acquire(std::optional<std::string_view> baton, const Context& context,
                                       const Waiting& waiting = {});
  /// Whether the baton belongs to a running cursor. Such a baton stays valid until the next request on its stream.
  bool is_running(std::string_view baton, const Context& context);
  struct Released {
    std::optional<std::string> baton;  // none if the stream is closed, which is how clients learn of it
    bool is_stateless = false;         // nothing is kept on the server for that baton
  };
  /// Ends a request that went well. Returns the next baton.
  Released release(std::unique_ptr<BatonStream> stream, const Context& context);
  /// What a cursor may change. Decides what happens to a request that arrives while the cursor runs.
  enum class Effect : std::uint8_t {
    Session,   // the state of the stream: the request waits
    Database,  // only the database: the request waits, but the stream may end by itself without a loss to the client
    None,      // nothing: the request gets another stream, so that a client can query while it reads the rows
  };
  /// Hands out the next baton before the stream is released. settle() releases it later.
  std::string promise(BatonStream& stream, Effect effect, const Context& context);
  void settle(std::unique_ptr<BatonStream> stream) noexcept;
  /// Ends a request that failed, and its stream with it.
  void abandon(std::unique_ptr<BatonStream> stream) noexcept;

  /// Ends streams that have been idle for too long, and forgets those that ended long ago.
  void tidy();
  /// Ends the stream that has been idle longest, of those whose clients lose nothing by it, because another request
  /// needs its connection.
  void relieve();
  /// Ends all streams. None is kept from now on.
  void close() noexcept;
  std::size_t idle() const;
  /// One line for each living stream, for somebody who looks for what holds a database.
  std::vector<std::string> describe() const;

 private:
  using Clock = core::SteadyClock;
  enum class State : std::uint8_t { Acquired, Available, Expired, Closed };
  struct Entry {
    State state = State::Acquired;
    std::uint64_t sequence = 0;
    bool is_replaceable = false;
    bool is_promised = false;
    bool may_be_passed = false;           // meaningful while promised
    std::unique_ptr<BatonStream> stream;  // set while Available
    Clock::time_point since;
    std::list<std::uint64_t>::iterator place;  // in available_ or ended_
  };
  using Entries = std::unordered_map<std::uint64_t, Entry>;

  std::unique_ptr<BatonStream> begin() const { return std::make_unique<BatonStream>(options_.limits); }
  Entry& entry_of(BatonStream& stream);
  std::string part(BatonStream& stream, const Context& context);
  void keep(Entry& entry, std::unique_ptr<BatonStream> stream);
  void end(Entries::iterator entry, State state);
  void call_waiters(std::uint64_t stream) noexcept;

  const Options& options_;
  BatonSigner signer_;
  mutable std::mutex mutex_;  // guards what follows
  Entries entries_;
  std::list<std::uint64_t> available_;  // idle longest first
  std::list<std::uint64_t> ended_;      // ended first first
  struct Waiter {
    std::uint64_t stream;
    std::weak_ptr<void> ticket;
    std::function<void()> go_on;
  };
  std::list<Waiter> waiters_;
  bool closed_ = false;
};

/// Abandons its stream in the destructor, unless take() was called.
class HeldStream {
 public:
  HeldStream(BatonStreams& streams, std::unique_ptr<BatonStream> stream) noexcept
      : streams_(streams), stream_(std::move(stream)) {}
  ~HeldStream() {
    if (stream_ != nullptr) streams_.abandon(std::move(stream_));
  }
  HeldStream(const HeldStream&) = delete;
  HeldStream& operator=(const HeldStream&) = delete;
  explicit operator bool() const noexcept { return stream_ != nullptr; }
  BatonStream& operator*() const noexcept { return *stream_; }
  BatonStream* operator->() const noexcept { return stream_.get(); }
  std::unique_ptr<BatonStream> take() noexcept { return std::move(stream_); }

 private:
  BatonStreams& streams_;
  std::unique_ptr<BatonStream> stream_;
};

}  // namespace libsql::server
