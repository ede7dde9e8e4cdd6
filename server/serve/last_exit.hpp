// The end of a process that does not end by itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace libsql::server {

/// Ends the process with the status 1 if it is still there when this has lived for `patience`: a thread may be in a
/// call that nothing ends. Whatever was acknowledged is in the files by then; what was not is undone when they are
/// opened next.
class LastExit final {
 public:
  /// `last_words` is called before, on a thread of this object's; it must not wait for what the process hangs in.
  LastExit(std::chrono::milliseconds patience, std::function<void()> last_words);
  ~LastExit();
  LastExit(const LastExit&) = delete;
  LastExit& operator=(const LastExit&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace libsql::server
