// Dumps for clients. Each has a thread of its own, which waits while its client is slow; there are few of them, so that
// they are shared out.
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
  /// `budget`: of how many there may be.
  explicit Dumps(Budget& budget) noexcept : budget_(budget) {}
  ~Dumps() { close(); }
  Dumps(const Dumps&) = delete;
  Dumps& operator=(const Dumps&) = delete;

  /// The text of the database that `session` reads, in one state. Throws RequestRefused 429 or 503 if there are too
  /// many, and what the database throws at first sight.
  std::unique_ptr<net::BodySource> begin(std::shared_ptr<core::Session> session, sql::DumpOptions options,
                                         const Context& context, net::Waker waker, std::unique_ptr<BodyRecord> record);
  /// Ends all of them.
  void close() noexcept;
  /// Joins the threads that have ended.
  void tidy();

 private:
  class Run;
  class Body;
  struct Entry {
    std::shared_ptr<Run> run;
    std::thread thread;
  };

  Budget& budget_;
  std::mutex mutex_;  // of what follows
  std::list<Entry> entries_;
};

}  // namespace libsql::server
