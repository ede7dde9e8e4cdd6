#include "server/websocket_stream.hpp"

#include "hrana/cursor_writer.hpp"
#include "hrana/response_writer.hpp"
#include "server/executor.hpp"
#include "server/failure.hpp"
#include "server/grouped_write.hpp"

namespace libsql::server {
namespace {

// Buffers larger than this are not kept between requests.
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
  return context;
}

WebSocketStream::Cursor::Cursor(WebSocketStream& stream, WebSocketJob opened)
    : job(std::move(opened)),
      context(job.context(stream.state_, stream.name_space_)),
      run(*stream.session_, context, stream.cancellation_,
          std::get<hrana::OpenCursorRequest>(job.request().request).batch, job.texts) {}

WebSocketStream::WebSocketStream(ServerState& state, const Context& context, hrana::Encoding encoding,
                                 std::shared_ptr<net::WebSocketSession> peer)
    : state_(state),
      name_space_(context.shared_namespace()),
      encoding_(encoding),
      peer_(std::move(peer)),
      place_(state.budgets.websocket_streams, context.takers()) {}

WebSocketStream::~WebSocketStream() { close(); }

void WebSocketStream::enqueue(WebSocketJob job) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return cancelled_ || jobs_.size() < state_.options.limits.websocket_jobs; });
  if (cancelled_) return;
  jobs_.push_back(std::move(job));
  if (std::exchange(running_, true)) return;
  lock.unlock();
  state_.post([self = shared_from_this()] { self->drain(); });
}

void WebSocketStream::cancel() noexcept {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  room_.notify_all();
  cancellation_.cancel();
}

void WebSocketStream::drain() {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (cancelled_) jobs_.clear();
    if (jobs_.empty()) {
      running_ = false;
      return;
    }
    WebSocketJob job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    room_.notify_one();
    run(job);
  }
}

void WebSocketStream::close() {
  cancellation_.watch(nullptr);
  if (cursor_ != nullptr) {
    const DatabaseSession::Use use(*session_);
    cursor_.reset();
  }
  session_.release();
}

DatabaseSession& WebSocketStream::session() {
  if (!session_) {
    session_ = name_space_->lease();
    session_->connection().set_change_counters(counters_);
    cancellation_.watch(session_->interrupt_state());
  }
  return *session_;
}

// What the stream can say of its last write stays with it, not with the session.
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

void WebSocketStream::open_cursor(WebSocketJob& job, hrana::ResponseWriter& writer) {
  DatabaseSession& session = this->session();
  const Context context = job.context(state_, name_space_);
  ResponseShare share(state_.budgets.responses, context);
  const DatabaseSession::Use use(session);
  Executor(session, context, cancellation_, share)
      .validate(std::get<hrana::OpenCursorRequest>(job.request().request).batch, job.texts);
  cursor_ = std::make_unique<Cursor>(*this, std::move(job));
  writer.done(hrana::RequestType::OpenCursor);
}

void WebSocketStream::fetch_cursor(const hrana::FetchCursorRequest& request, hrana::ResponseWriter& writer) {
  if (cursor_ == nullptr) throw StatementFailure("CURSOR_NOT_OPEN", "The cursor is not open");
  entries_.clear();
  if (!cursor_->done && request.max_count != 0) {
    const DatabaseSession::Use use(*session_);
    hrana::CursorEntryWriter entries(encoding_, hrana::CursorEntryWriter::Framing::Fetch, entries_);
    FetchPace pace(entries_, request.max_count, state_.options.limits.cursor_fetch_bytes);
    cursor_->done = cursor_->run.run(entries, pace);
  }
  writer.fetched(entries_, cursor_->done);
}

void WebSocketStream::answer(WebSocketJob& job, hrana::ResponseWriter& writer) {
  using Type = hrana::RequestType;
  const hrana::Request& request = job.request().request;
  const Context context = job.context(state_, name_space_);
  ResponseShare share(state_.budgets.responses, context);
  const auto run_in_group = [&] {
    return !session_ && engine::Connection::can_set_changes() &&
           GroupedWrite(context, cancellation_, share).run(request, job.texts, counters_, writer);
  };
  const auto with_executor = [&](auto&& run) {
    DatabaseSession& session = this->session();
    const DatabaseSession::Use use(session);
    Executor executor(session, context, cancellation_, share);
    run(executor);
  };
  switch (hrana::type_of(request)) {
    case Type::Execute:
      if (run_in_group()) return;
      return with_executor([&](Executor& executor) {
        executor.execute(job.texts.front(), std::get<hrana::ExecuteRequest>(request).stmt.args, writer);
      });
    case Type::Batch:
      if (run_in_group()) return;
      return with_executor(
          [&](Executor& executor) { executor.batch(std::get<hrana::BatchRequest>(request).batch, job.texts, writer); });
    case Type::Sequence:
      with_executor([&](Executor& executor) { executor.sequence(job.texts.front()); });
      return writer.done(Type::Sequence);
    case Type::Describe:
      return with_executor([&](Executor& executor) { executor.describe(job.texts.front(), writer); });
    case Type::GetAutocommit:
      if (!session_) return writer.autocommit(true);
      return with_executor([&](Executor&) { writer.autocommit(session_->is_autocommit()); });
    case Type::OpenCursor:
      return open_cursor(job, writer);
    case Type::FetchCursor:
      return fetch_cursor(std::get<hrana::FetchCursorRequest>(request), writer);
    case Type::CloseCursor:
      if (cursor_ != nullptr) {
        const DatabaseSession::Use use(*session_);
        cursor_.reset();
      }
      return writer.done(Type::CloseCursor);
    case Type::Close:
      close();
      return writer.done(Type::Close);
    case Type::OpenStream:
    case Type::StoreSql:
    case Type::CloseSql:
      return;  // answered when they came
  }
}

void WebSocketStream::run(WebSocketJob& job) {
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
  // Before the answer, so that what comes after it finds the session free.
  release_if_stateless();
  peer_->send(encoding_ == hrana::Encoding::Json ? net::MessageType::Text : net::MessageType::Binary, out_);
  if (out_.capacity() > kKeptBuffer) std::string().swap(out_);
  if (entries_.capacity() > kKeptBuffer) std::string().swap(entries_);
}

}  // namespace libsql::server
