// Dumps for clients. Each has a thread of its own, which waits when its client is slow, so their number is limited.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/backend.hpp"
#include "net/server.hpp"
#include "server/base/body_record.hpp"
#include "server/run/context.hpp"
#include "sql/dump.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class Dumps {
 public:
  /// `budget` limits how many run at once.
  explicit Dumps(Budget& budget) noexcept : budget_(budget) {}
  ~Dumps() { close(); }
  Dumps(const Dumps&) = delete;
  Dumps& operator=(const Dumps&) = delete;

  /// Starts a dump of the database that `session` reads; all of it shows one state. Throws RequestRefused 429 or 503 if
  /// there are too many.
  std::unique_ptr<net::BodySource> begin(std::shared_ptr<core::Session> session, sql::DumpOptions options,
                                         const Context& context, net::Waker waker, std::unique_ptr<BodyRecord> record);
  /// Ends all dumps and joins their threads.
  void close() noexcept;
  /// Joins threads that have ended.
  void tidy();

 private:
  class Run;
  class Body;
  struct Entry {
    std::shared_ptr<Run> run;
    std::thread thread;
  };

  Budget& budget_;
  std::mutex mutex_;  // guards what follows
  std::list<Entry> entries_;
};

}  // namespace libsql::server
