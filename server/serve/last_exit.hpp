// Ends a process that does not end by itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace libsql::server {

/// Ends the process with status 1 unless this object is destroyed within `patience`: a thread may be in a call that
/// nothing can end. Everything acknowledged is on disk by then; anything else is undone when the files are opened next.
class LastExit final {
 public:
  /// `last_words` is called before that on a thread of this object. It must not wait for what the process hangs in.
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
