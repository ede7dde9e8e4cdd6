#include "server/run/dumps.hpp"

#include <atomic>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

#include "net/thread_turns.hpp"
#include "server/base/failure.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kAhead = 2 * kPieceBytes;  // how much is prepared before the client takes it

// Thrown to end a dump whose client has gone.
struct Unwanted {};

}  // namespace

// Shared between the thread that makes the dump and the body of the answer.
class Dumps::Run final : private sql::DumpPort {
 public:
  Run(std::shared_ptr<core::Session> session, sql::DumpOptions options, Budget& budget, Takers for_whom,
      net::Waker waker)
      : place(budget, std::move(for_whom)),
        session_(std::move(session)),
        interrupt_(session_->interrupt_state()),
        options_(std::move(options)),
        waker_(std::move(waker)) {}

  void work() noexcept {
    // Requests that are answered at once come first.
    net::stand_back();
    bool whole = false;
    try {
      sql::dump(*this, options_);
      whole = !is_damaged_;
    } catch (const Unwanted&) {
    } catch (const std::exception&) {  // the answer ends early, which tells the client
    }
    session_.reset();  // its end also ends the transaction
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
      whole_ = whole;
    }
    place.give(place.held());
    has_ended.store(true, std::memory_order_release);
    call();
  }

  net::BodySource::Next take(std::string& to) {
    const std::lock_guard lock(mutex_);
    to.swap(text_);
    taken_.notify_all();
    if (!done_) {
      wanted_ = to.empty();
      return wanted_ ? net::BodySource::Next::Later : net::BodySource::Next::More;
    }
    if (whole_) return net::BodySource::Next::End;
    // Send what is left before the connection is cut.
    return to.empty() ? net::BodySource::Next::Broken : net::BodySource::Next::More;
  }

  void stop() noexcept {
    const std::lock_guard lock(mutex_);
    unwanted_ = true;
    taken_.notify_all();
    interrupt_->interrupt();
  }

  BudgetShare place;  // the place that the thread takes up
  std::atomic<bool> has_ended = false;

 private:
  void query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) override {
    const std::vector<ValueRef> values(arguments.begin(), arguments.end());
    const std::shared_ptr<core::Stmt> statement = session_->prepare(sql);
    statement->open({values, {}}, core::ArgumentLifetime::Borrow);
    std::vector<ValueRef> row(static_cast<std::size_t>(statement->cursor_column_count()));
    while (statement->next()) {
      if (unwanted_.load(std::memory_order_relaxed)) throw Unwanted{};
      statement->read_cells(row);
      on_row(row);
    }
  }

  void write(std::string_view text) override {
    bool call_now = false;
    {
      std::unique_lock lock(mutex_);
      taken_.wait(lock, [&] { return unwanted_ || text_.size() < kAhead; });
      if (unwanted_) throw Unwanted{};
      text_ += text;
      if (text_.size() >= kPieceBytes) call_now = std::exchange(wanted_, false);
    }
    if (call_now) call();
  }

  // The part that can be read is worth having, but the answer must not look complete: the connection is cut at its end.
  void damaged(std::string_view, const Error&) override { is_damaged_ = true; }

  void call() noexcept {
    try {
      waker_();
    } catch (const std::exception&) {  // out of memory: the answer's own time-outs end it
    }
  }

  std::shared_ptr<core::Session> session_;  // used by the dump's thread only
  const decltype(session_->interrupt_state()) interrupt_;
  const sql::DumpOptions options_;
  const net::Waker waker_;
  bool is_damaged_ = false;  // used by the dump's thread only
  std::mutex mutex_;         // guards what follows
  std::condition_variable taken_;
  std::string text_;
  bool wanted_ = false;  // the answer is waiting for more text
  std::atomic<bool> unwanted_ = false;
  bool done_ = false;
  bool whole_ = false;
};

class Dumps::Body final : public net::BodySource {
 public:
  Body(std::shared_ptr<Run> run, std::unique_ptr<BodyRecord> record) noexcept
      : run_(std::move(run)), record_(std::move(record)) {
    if (record_ != nullptr) record_->begin();
  }
  ~Body() override { run_->stop(); }

  Next pull(std::string& to) override {
    const Next next = run_->take(to);
    if (record_ != nullptr) record_->bytes += to.size();
    return next;
  }
  void stop() noexcept override { run_->stop(); }

 private:
  const std::shared_ptr<Run> run_;
  const std::unique_ptr<BodyRecord> record_;
};

void Dumps::close() noexcept {
  std::list<Entry> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.swap(entries_);
  }
  for (Entry& entry : ending) entry.run->stop();
  for (Entry& entry : ending) entry.thread.join();
}

std::unique_ptr<net::BodySource> Dumps::begin(std::shared_ptr<core::Session> session, sql::DumpOptions options,
                                              const Context& context, net::Waker waker,
                                              std::unique_ptr<BodyRecord> record) {
  tidy();
  auto run = std::make_shared<Run>(std::move(session), std::move(options), budget_, context.takers(), std::move(waker));
  if (const Whose whose = run->place.take(1); whose != Whose::Nobody) {
    throw RequestRefused(whose == Whose::Server ? 503 : 429, "TOO_MANY_REQUESTS",
                         "Too many dumps: " + std::string(to_string(whose)) + " limit is " +
                             std::to_string(budget_.most_of(whose)) + " at once");
  }
  const std::lock_guard lock(mutex_);
  auto body = std::make_unique<Body>(run, std::move(record));
  Entry& entry = entries_.emplace_back();
  try {
    entry.thread = std::thread([run] { run->work(); });
  } catch (const std::system_error&) {
    entries_.pop_back();
    throw RequestRefused(503, "TOO_MANY_REQUESTS", "The server has no thread for a dump");
  }
  entry.run = std::move(run);
  return body;
}

void Dumps::tidy() {
  std::list<Entry> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto here = entry++;
      if (here->run->has_ended.load(std::memory_order_acquire)) ended.splice(ended.end(), entries_, here);
    }
  }
  for (Entry& entry : ended) entry.thread.join();
}

}  // namespace libsql::server
