#include "server/hrana/websocket_stream.hpp"

#include <algorithm>

#include "hrana/cursor_writer.hpp"
#include "hrana/response_writer.hpp"
#include "server/base/failure.hpp"
#include "server/run/executor.hpp"
#include "server/run/writer_wait.hpp"

namespace libsql::server {
namespace {

// Larger buffers are not kept between requests.
constexpr std::size_t kKeptBuffer = 64 * 1024;

class FetchPace final : public CursorPace {
 public:
  FetchPace(const std::string& entries, std::uint32_t max_entries, std::size_t max_bytes) noexcept
      : entries_(entries), max_entries_(max_entries), max_bytes_(max_bytes) {}
  bool go_on() override { return ++count_ < max_entries_ && entries_.size() < max_bytes_; }

 private:
  const std::string& entries_;
  const std::uint32_t max_entries_;
  const std::size_t max_bytes_;
  std::uint32_t count_ = 0;
};

}  // namespace

Context WebSocketJob::context(ServerState& state, const std::shared_ptr<Namespace>& name_space) const {
  Context context(name_space, identity, state.namespaces, state.options);
  if (const auto wait = request().busy_timeout) context.wait_at_most(std::chrono::milliseconds(*wait));
  if (wait_ends) wait_until(context, *wait_ends);
  return context;
}

WebSocketStream::Cursor::Cursor(WebSocketStream& stream, WebSocketJob opened)
    : job(std::move(opened)),
      context(job.context(stream.state_, stream.name_space_)),
      run(*stream.session_, context, stream.cancellation_,
          std::get<hrana::OpenCursorRequest>(job.request().request).batch, job.texts.all()) {}

WebSocketStream::WebSocketStream(ServerState& state, const Context& context, hrana::Encoding encoding,
                                 std::shared_ptr<net::WebSocketSession> peer)
    : state_(state),
      name_space_(context.shared_namespace()),
      encoding_(encoding),
      peer_(std::move(peer)),
      place_(state.budgets.websocket_streams, context.takers()),
      life_(state.options.observer.get()) {}

WebSocketStream::~WebSocketStream() { close(); }

void WebSocketStream::enqueue(WebSocketJob job) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return;
    jobs_.push_back(std::move(job));
    if (is_full() && !std::exchange(pausing_, true)) peer_->pause();
    if (std::exchange(running_, true)) return;
  }
  schedule();
}

// Needs the mutex. Whether reading of the peer's messages must pause. A single job counted for its memory suffices, as
// the peer may have many streams.
bool WebSocketStream::is_full() const noexcept {
  return jobs_.size() >= state_.options.limits.websocket_jobs ||
         std::any_of(jobs_.begin(), jobs_.end(), [](const WebSocketJob& job) { return job.memory.has_value(); });
}

void WebSocketStream::schedule() {
  state_.post([self = shared_from_this()] { self->drain(); });
}

void WebSocketStream::cancel() noexcept {
  std::shared_ptr<WebSocketStream> last;  // so that it is destroyed without the mutex
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    ticket_.reset();
    last = std::move(waiting_self_);
  }
  cancellation_.cancel();
}

void WebSocketStream::peer_has_taken_all() noexcept {
  std::shared_ptr<WebSocketStream> self;
  {
    const std::lock_guard lock(mutex_);
    if (ticket_ != nullptr) return;  // waits for a place or a seat, not for the peer
    self = std::move(waiting_self_);
  }
  try {
    if (self != nullptr) self->schedule();
  } catch (const std::exception&) {  // out of memory: it waits until the WebSocket ends
  }
}

void WebSocketStream::wait_here(const std::shared_ptr<void>& ticket) {
  const std::lock_guard lock(mutex_);
  if (cancelled_) return;
  ticket_ = ticket;
  waiting_self_ = shared_from_this();
}

// False if somebody else has resumed the stream already, or it was cancelled.
bool WebSocketStream::stop_waiting(const std::shared_ptr<void>& ticket) {
  const std::lock_guard lock(mutex_);
  if (ticket_ != ticket) return false;
  ticket_.reset();
  waiting_self_.reset();  // not the last reference: the caller has one
  return true;
}

// Empty if no place is free. The stream then resumes when there may be one, unless it is cancelled.
Places::Place WebSocketStream::take_thread() {
  Takers owner;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty() || cancelled_) return {};
    owner = takers_of(*jobs_.front().identity, *name_space_, state_.options);
  }
  if (Places::Place place = state_.places.try_take(owner)) return place;
  const auto ticket = std::make_shared<int>(0);
  wait_here(ticket);
  state_.places.wait(owner, ticket, [weak = weak_from_this(), ticket = std::weak_ptr<void>(ticket)] {
    if (const std::shared_ptr<WebSocketStream> self = weak.lock()) self->go_on(ticket.lock());
  });
  Places::Place place = state_.places.try_take(owner);
  if (!place || !stop_waiting(ticket)) return {};
  return place;
}

// Called before a job. If that would write, and too many threads wait to write already, it takes no seat and returns
// false; the stream resumes when there may be one.
bool WebSocketStream::take_seat() {
  WritersRoom& room = name_space_->writers_room();
  WebSocketJob* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return true;
    job = &jobs_.front();  // stays valid: only this thread removes jobs
  }
  // A client in a transaction may be the very one that the others wait for.
  if (session_) {
    const DatabaseSession::Use use(*session_);  // a waiting writer may be rolling it back
    if (cursor_ != nullptr || !session_->is_autocommit()) return true;
  }
  if (!runs_sql(hrana::type_of(job->request().request)) || !may_write(job->texts.all())) return true;
  const auto now = std::chrono::steady_clock::now();
  if (!job->wait_ends) job->wait_ends = end_of_wait(job->context(state_, name_space_), now);
  const auto until = *job->wait_ends;
  if (room.is_full() && now < until) {
    const auto ticket = std::make_shared<int>(0);
    wait_here(ticket);
    room.wait(ticket, until, [weak = weak_from_this(), ticket = std::weak_ptr<void>(ticket)] {
      if (const std::shared_ptr<WebSocketStream> self = weak.lock()) self->go_on(ticket.lock());
    });
    if (room.is_full() || !stop_waiting(ticket)) return false;
  }
  seat_ = WritersRoom::Seat(room);
  return true;
}

void WebSocketStream::go_on(const std::shared_ptr<void>& ticket) {
  {
    const std::lock_guard lock(mutex_);
    if (ticket == nullptr || ticket_ != ticket) return;
    ticket_.reset();
    waiting_self_.reset();
  }
  schedule();
}

// Needs the mutex. Whether there is a job to run now. If not, either the stream resumes later or there is nothing to
// do.
bool WebSocketStream::may_go_on() {
  // If the peer does not take its answers, the next job waits, without a thread.
  constexpr std::size_t kMuchUnsent = 1024 * 1024;
  if (cancelled_) jobs_.clear();
  if (jobs_.empty()) {
    running_ = false;
    return false;
  }
  if (peer_->unsent() <= kMuchUnsent) return true;
  waiting_self_ = shared_from_this();
  if (peer_->unsent() > kMuchUnsent) return false;
  waiting_self_.reset();  // taken meanwhile
  return true;
}

void WebSocketStream::drain() {
  // Then others have a turn on this thread. A new place is also a new check of the client's share, so one that runs
  // very much at once cannot keep its place.
  constexpr int kMostAtOnce = 64;
  Places::Place thread;
  bool seated = false;
  for (int jobs = 0;;) {
    std::unique_lock lock(mutex_);
    if (!may_go_on()) return;
    if (!seated && (name_space_->writers_room().is_full() || jobs_.front().wait_ends)) {
      lock.unlock();
      if (!take_seat()) return;
      seated = true;
      continue;
    }
    if (!thread) {
      lock.unlock();
      thread = take_thread();
      if (!thread) return;
      continue;
    }
    WebSocketJob job = std::move(jobs_.front());
    jobs_.pop_front();
    if (!is_full() && std::exchange(pausing_, false)) peer_->resume();
    lock.unlock();
    run(job);
    seat_.release();
    seated = false;
    if (++jobs < kMostAtOnce && !state_.places.is_wanted()) continue;
    thread.release();
    return schedule();
  }
}

void WebSocketStream::close() {
  cancellation_.watch(nullptr);
  close_cursor();
  session_.release();
}

DatabaseSession& WebSocketStream::session() {
  if (!session_) {
    session_ = name_space_->lease(takers_);
    session_->connection().set_change_counters(counters_);
    cancellation_.watch(session_->interrupt_state());
  }
  return *session_;
}

// Between requests the stream keeps its counters itself, so that it needs no session.
void WebSocketStream::release_if_stateless() {
  if (!session_ || cursor_ != nullptr) return;
  const Residue residue = session_->residue();
  if (residue == Residue::Session) return;
  if (engine::Connection::can_set_changes()) {
    counters_ = session_->connection().change_counters();
  } else if (residue == Residue::Counters) {
    return;
  }
  cancellation_.watch(nullptr);
  session_.release();
}

engine::Connection::ChangeCounters* WebSocketStream::counters_without_session() {
  return !session_ && engine::Connection::can_set_changes() ? &counters_ : nullptr;
}

void WebSocketStream::open_cursor() { cursor_ = std::make_unique<Cursor>(*this, std::move(*job_)); }

StreamHost::Fetched WebSocketStream::fetch_cursor(const hrana::FetchCursorRequest& request) {
  if (cursor_ == nullptr) throw StatementFailure("CURSOR_NOT_OPEN", "The cursor is not open");
  entries_.clear();
  if (!cursor_->done && request.max_count != 0) {
    const DatabaseSession::Use use(*session_);
    hrana::CursorEntryWriter entries(encoding_, hrana::CursorEntryWriter::Framing::Fetch, entries_);
    FetchPace pace(entries_, request.max_count, state_.options.limits.cursor_fetch_bytes);
    cursor_->done = cursor_->run.run(entries, pace);
  }
  return {entries_, cursor_->done};
}

void WebSocketStream::close_cursor() {
  if (cursor_ == nullptr) return;
  const DatabaseSession::Use use(*session_);
  cursor_.reset();
}

void WebSocketStream::answer(WebSocketJob& job, hrana::ResponseWriter& writer) {
  const Context context = job.context(state_, name_space_);
  ResponseShare share(state_.budgets.responses, context);
  RequestRun(*this, context, cancellation_, share).answer(job.request().request, job.texts.all(), writer);
}

void WebSocketStream::run(WebSocketJob& job) {
  job_ = &job;
  takers_ = takers_of(*job.identity, *name_space_, state_.options);
  out_.clear();
  hrana::ResponseWriter writer = hrana::ResponseWriter::web_socket(encoding_, out_);
  writer.begin(job.request().request_id);
  try {
    answer(job, writer);
  } catch (const StatementFailure& failure) {
    writer.fail({failure.what(), failure.code(), {}});
  } catch (const RequestRefused& refused) {
    writer.fail({refused.what(), refused.code(), {}});
  } catch (const Error& error) {  // the database could not be opened
    const StatementFailure failure = failure_of(error);
    writer.fail({failure.what(), failure.code(), {}});
  } catch (const std::exception&) {
    writer.fail({"Internal error", "INTERNAL_ERROR", {}});
  }
  // Before the answer, so that the client's next request finds the session free.
  release_if_stateless();
  peer_->send(encoding_ == hrana::Encoding::Json ? net::MessageType::Text : net::MessageType::Binary, out_);
  if (out_.capacity() > kKeptBuffer) std::string().swap(out_);
  if (entries_.capacity() > kKeptBuffer) std::string().swap(entries_);
}

}  // namespace libsql::server
