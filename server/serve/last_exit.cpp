#include "server/serve/last_exit.hpp"

#include <unistd.h>

#include <exception>
#include <utility>

namespace libsql::server {

LastExit::LastExit(std::chrono::milliseconds patience, std::function<void()> last_words)
    : thread_([this, until = std::chrono::steady_clock::now() + patience, last_words = std::move(last_words)] {
        {
          std::unique_lock lock(mutex_);
          if (changed_.wait_until(lock, until, [this] { return over_; })) return;
        }
        try {
          last_words();
        } catch (const std::exception&) {  // nobody is left to be told
        }
        ::_exit(1);  // without destructors, which would wait for the thread that hangs
      }) {}

LastExit::~LastExit() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

}  // namespace libsql::server
