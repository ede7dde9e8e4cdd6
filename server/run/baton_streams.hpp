// The streams of HTTP clients: what a baton stands for between two requests.
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

/// One stream. Belongs to the request that has it.
struct BatonStream {
  explicit BatonStream(const Limits& limits) : stored(limits.stored_sql_http, limits.stored_sql_bytes) {}

  std::uint64_t id = 0;  // 0: no client knows it yet
  SessionLease session;  // none until it is needed
  StoredSql stored;
  std::unique_ptr<BudgetShare> place;  // among the streams that keep texts
  std::optional<StreamLife> life;      // of one that a client may know
  bool closed = false;

  /// What its end would take away from the client.
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

  /// For a request that may have to wait until a cursor has ended. `go_on` is called then, unless the ticket has
  /// expired. Without a ticket it may not wait.
  struct Waiting {
    std::shared_ptr<void> ticket;
    std::function<void()> go_on;
  };
  /// The stream that the baton stands for; a new one for none. The caller owes a release() or an abandon(). Null: it
  /// has to wait. Throws RequestRefused 400.
  std::unique_ptr<BatonStream> acquire(std::optional<std::string_view> baton, const Context& context,
                                       const Waiting& waiting = {});
  /// Whether the baton is that of a cursor which is running, and so stays good until the next request of its stream.
  bool is_running(std::string_view baton, const Context& context);
  struct Released {
    std::optional<std::string> baton;  // none if the stream is closed: clients take it for that
    bool is_stateless = false;         // nothing is kept here for that baton
  };
  /// The request has ended well. Returns the next baton.
  Released release(std::unique_ptr<BatonStream> stream, const Context& context);
  /// What a cursor may change, by which it is decided what becomes of a request that comes while it runs.
  enum class Effect : std::uint8_t {
    Session,   // the stream itself: the request waits
    Database,  // the request waits, but the stream may end by itself without the client losing anything
    None,      // nothing at all: the request gets another stream, so a client may ask while it reads the rows
  };
  /// Gives the next baton out before the stream is released, which is then done by settle().
  std::string promise(BatonStream& stream, Effect effect, const Context& context);
  void settle(std::unique_ptr<BatonStream> stream) noexcept;
  /// The request has failed: the stream is gone.
  void abandon(std::unique_ptr<BatonStream> stream) noexcept;

  /// Ends what was idle for too long and forgets what has ended long ago.
  void tidy();
  /// Ends the stream that is idle longest among those whose clients lose nothing by it, because somebody wants its
  /// connection.
  void relieve();
  /// Ends all of them; from now on none is kept.
  void close() noexcept;
  std::size_t idle() const;
  /// A line for each stream that is alive, for people who look for what holds a database.
  std::vector<std::string> describe() const;

 private:
  using Clock = core::SteadyClock;
  enum class State : std::uint8_t { Acquired, Available, Expired, Closed };
  struct Entry {
    State state = State::Acquired;
    std::uint64_t sequence = 0;
    bool is_replaceable = false;
    bool is_promised = false;
    bool may_be_passed = false;           // while promised
    std::unique_ptr<BatonStream> stream;  // while Available
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
  mutable std::mutex mutex_;  // of what follows
  Entries entries_;
  std::list<std::uint64_t> available_;  // the one that is idle longest first
  std::list<std::uint64_t> ended_;      // the one that ended first first
  struct Waiter {
    std::uint64_t stream;
    std::weak_ptr<void> ticket;
    std::function<void()> go_on;
  };
  std::list<Waiter> waiters_;
  bool closed_ = false;
};

/// A stream that is gone unless it was given back.
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
