#include "local/background.hpp"

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace libsql::local::background {
namespace {

constexpr std::chrono::seconds kLook{1};

class Worker {
 public:
  // Never destroyed: jobs left when the process ends need not be destroyed, and may refer to things that are gone by
  // then.
  static Worker& instance() {
    static Worker* const worker = new Worker;
    static const AtEnd at_end(*worker);
    return *worker;
  }

  bool post(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    if (!runs()) return false;
    jobs_.push_back(std::move(job));
    changed_.notify_all();
    return true;
  }

  bool look_each_second(std::function<bool()> look) {
    const std::lock_guard lock(mutex_);
    if (!runs()) return false;
    looks_.push_back(std::move(look));
    changed_.notify_all();
    return true;
  }

  void drain() {
    std::unique_lock lock(mutex_);
    if (!thread_.joinable() || ending_) return;
    const std::uint64_t wanted = ++drains_wanted_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return drains_done_ >= wanted || ending_; });
  }

 private:
  struct AtEnd {
    explicit AtEnd(Worker& to_end) noexcept : worker(to_end) {}
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;
    ~AtEnd() { worker.end(); }
    Worker& worker;
  };

  // Starts the thread if there is none. Needs the mutex.
  bool runs() {
    if (ending_) return false;
    if (thread_.joinable()) return true;
    // Signals must go to the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { work(); });
    } catch (const std::exception&) {  // no thread is available, which the caller learns from the result
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread_.joinable();
  }

  void end() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      changed_.notify_all();
    }
    if (!thread_.joinable()) return;
    if (thread_.get_id() == std::this_thread::get_id()) return thread_.detach();  // a job has called exit()
    thread_.join();
  }

  void work() noexcept {
    auto next_look = std::chrono::steady_clock::now() + kLook;
    std::unique_lock lock(mutex_);
    while (!ending_) {
      const bool drains = jobs_.empty() && drains_done_ < drains_wanted_;
      if (!looks_.empty() && (drains || std::chrono::steady_clock::now() >= next_look)) {
        look(lock);
        next_look = std::chrono::steady_clock::now() + kLook;
      }
      if (drains) {
        if (!jobs_.empty()) continue;
        drains_done_ = drains_wanted_;
        changed_.notify_all();
      }
      if (!jobs_.empty()) {
        std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        run(job);
        job = nullptr;  // destroys what it holds, without the mutex
        lock.lock();
      } else if (looks_.empty()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, next_look);
      }
    }
  }

  void look(std::unique_lock<std::mutex>& lock) noexcept {
    std::list<std::function<bool()>> looking;
    looking.swap(looks_);
    lock.unlock();
    for (auto one = looking.begin(); one != looking.end();) {
      bool again = false;
      run([&] { again = (*one)(); });
      one = again ? std::next(one) : looking.erase(one);
    }
    lock.lock();
    looks_.splice(looks_.end(), looking);
  }

  template <class Job>
  static void run(Job&& job) noexcept {
    try {
      job();
    } catch (const std::exception&) {  // nobody is there to be told
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::list<std::function<bool()>> looks_;
  std::uint64_t drains_wanted_ = 0, drains_done_ = 0;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace

bool post(std::function<void()> job) noexcept {
  try {
    return Worker::instance().post(std::move(job));
  } catch (const std::exception&) {
    return false;
  }
}

bool look_each_second(std::function<bool()> look) noexcept {
  try {
    return Worker::instance().look_each_second(std::move(look));
  } catch (const std::exception&) {
    return false;
  }
}

void drain() { Worker::instance().drain(); }

}  // namespace libsql::local::background
