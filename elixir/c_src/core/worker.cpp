#include "elixir/c_src/core/worker.hpp"

#include <pthread.h>
#include <algorithm>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include "elixir/c_src/core/session.hpp"

namespace libsql::beam {

namespace {

std::atomic<std::size_t> threads{0};

}  // namespace

/// Interrupts what was cancelled until it has ended: an interrupt that comes just before a statement starts reaches
/// nothing, so one is not enough. One thread for the process, which sleeps while nothing is cancelled.
class Canceller {
 public:
  static Canceller& instance() {
    // Never destroyed: its thread may outlive main().
    static Canceller* const canceller = new Canceller;
    return *canceller;
  }

  void watch(std::shared_ptr<Worker> worker) {
    const std::lock_guard lock(mutex_);
    if (!started_) {
      std::thread([this] { loop(); }).detach();
      started_ = true;
    }
    watched_.push_back(std::move(worker));
    wake_.notify_one();
  }

 private:
  static constexpr std::chrono::milliseconds kPause{2};

  void loop() noexcept {
    pthread_setname_np(pthread_self(), "libsql-cancel");
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return !watched_.empty(); });
      std::vector<std::shared_ptr<Worker>> mine = std::move(watched_);
      watched_.clear();
      lock.unlock();
      std::erase_if(mine, [](const auto& worker) { return !worker->interrupt_again(); });
      lock.lock();
      if (mine.empty()) continue;
      watched_.insert(watched_.end(), std::make_move_iterator(mine.begin()), std::make_move_iterator(mine.end()));
      wake_.wait_for(lock, kPause, [] { return false; });
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Worker>> watched_;
  bool started_ = false;
};

std::shared_ptr<Worker> Worker::create(std::size_t max_queued) {
  return std::shared_ptr<Worker>(new Worker(max_queued));
}

Worker::~Worker() = default;

void Worker::start_locked() {
  if (started_) return;
  // Counted before it runs, so that who waits for all threads to end does not miss this one.
  threads.fetch_add(1);
  try {
    std::thread([self = shared_from_this()] { self->loop(); }).detach();
  } catch (...) {
    threads.fetch_sub(1);
    throw;
  }
  started_ = true;
}

std::uint64_t Worker::post(std::unique_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  if (closed_ || queue_.size() >= max_queued_) return 0;
  start_locked();
  const std::uint64_t number = next_number_++;
  job->number_ = number;
  queue_.push_back(std::move(job));
  wake_.notify_one();
  return number;
}

void Worker::post_first(std::unique_ptr<Job> job) {
  const std::lock_guard lock(mutex_);
  if (closed_ || !started_) return;  // the session is gone or going, and all it has with it
  job->number_ = next_number_++;
  queue_.push_front(std::move(job));
  wake_.notify_one();
}

void Worker::cancel(std::uint64_t number) noexcept {
  std::unique_ptr<Job> refused;
  {
    const std::lock_guard lock(mutex_);
    if (running_ != nullptr && running_->number_ == number) {
      if (running_->cancelled_.exchange(true)) return;
      interrupt_locked();
      Canceller::instance().watch(shared_from_this());
      return;
    }
    const auto at = std::find_if(queue_.begin(), queue_.end(), [&](const auto& job) { return job->number_ == number; });
    if (at == queue_.end()) return;
    refused = std::move(*at);
    queue_.erase(at);
  }
  refused->cancelled_ = true;
  refused->refuse(Refusal::Cancelled);
}

void Worker::interrupt_running() noexcept {
  const std::lock_guard lock(mutex_);
  if (running_ == nullptr || running_->cancelled_.exchange(true)) return;
  interrupt_locked();
  Canceller::instance().watch(shared_from_this());
}

void Worker::close(std::function<void()> ended) noexcept {
  std::deque<std::unique_ptr<Job>> refused;
  bool ended_already = false;
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) {
      closed_ = true;
      ended_ = std::move(ended);
      refused = std::move(queue_);
      queue_.clear();
      ended_already = !started_;
      if (ended_already) ended = std::exchange(ended_, {});
    } else {
      ended_already = true;
    }
    if (running_ != nullptr && !running_->cancelled_.exchange(true)) {
      interrupt_locked();
      Canceller::instance().watch(shared_from_this());
    }
    wake_.notify_one();
  }
  for (const auto& job : refused) job->refuse(Refusal::Closed);
  if (ended_already && ended) ended();
}

void Worker::interrupt_locked() noexcept {
  interrupt_.interrupt();
  if (cancellation_) cancellation_->cancel();
}

bool Worker::is_closed() const noexcept {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Worker::set_interrupt(InterruptHandle handle) {
  const std::lock_guard lock(mutex_);
  interrupt_ = std::move(handle);
}

void Worker::set_cancellation(std::optional<Cancellation> cancellation) {
  const std::lock_guard lock(mutex_);
  cancellation_ = std::move(cancellation);
  // A cancel that came before there was anything to end.
  if (running_ != nullptr && running_->is_cancelled()) interrupt_locked();
}

std::size_t Worker::load() const noexcept {
  const std::lock_guard lock(mutex_);
  return queue_.size() + (running_ != nullptr ? 1 : 0);
}

std::size_t Worker::threads_alive() noexcept { return threads.load(); }

bool Worker::interrupt_again() noexcept {
  const std::lock_guard lock(mutex_);
  if (running_ == nullptr || !running_->is_cancelled()) return false;
  interrupt_locked();
  return true;
}

void Worker::loop() noexcept {
  pthread_setname_np(pthread_self(), "libsql-conn");
  std::function<void()> ended;
  {
    Session session(*this);
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) break;  // closed, and all are refused
      std::unique_ptr<Job> job = std::move(queue_.front());
      queue_.pop_front();
      running_ = job.get();
      lock.unlock();
      job->run(session);
      lock.lock();
      running_ = nullptr;
      lock.unlock();
      job->answer();
      job.reset();  // its memory may be large: not while others wait for the lock
      lock.lock();
    }
    ended = std::exchange(ended_, {});
    lock.unlock();
    session.close();
  }
  if (ended) ended();
  threads.fetch_sub(1);
}

Registry& Registry::instance() {
  static Registry* const registry = new Registry;  // never destroyed: threads may outlive main()
  return *registry;
}

std::uint64_t Registry::add(std::shared_ptr<Worker> worker) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = next_++;
  workers_.emplace(id, std::move(worker));
  return id;
}

std::shared_ptr<Worker> Registry::find(std::uint64_t id) const {
  const std::shared_lock lock(mutex_);
  const auto at = workers_.find(id);
  return at == workers_.end() ? nullptr : at->second;
}

std::shared_ptr<Worker> Registry::take(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto at = workers_.find(id);
  if (at == workers_.end()) return nullptr;
  std::shared_ptr<Worker> worker = std::move(at->second);
  workers_.erase(at);
  return worker;
}

std::size_t Registry::size() const {
  const std::shared_lock lock(mutex_);
  return workers_.size();
}

}  // namespace libsql::beam
