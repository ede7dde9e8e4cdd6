#include "remote/socket_wire.hpp"

#include <chrono>

#include "core/errors.hpp"
#include "remote/failures.hpp"
#include "remote/repetition.hpp"

namespace libsql::remote {
namespace {

using std::chrono::milliseconds;

// A message that nobody waits for is sent within this time or not at all.
constexpr milliseconds kFarewell{200};
// Entries of a cursor in one answer. The next answer is on its way while one is read, so twice as many are in memory.
constexpr std::uint32_t kFetched = 512;

// The same error, when more than the failed message had been sent.
net::NetError after_sending(const net::NetError& error, bool sent) {
  net::NetError changed(error.kind(), error.what(), error.sent() || sent);
  changed.close_code = error.close_code;
  changed.close_reason = error.close_reason;
  changed.status = error.status;
  changed.body = error.body;
  return changed;
}

[[noreturn]] void throw_failure(const net::NetError& error, const Call& call, Standing standing) {
  if (error.kind() == net::ErrorKind::Refused) {
    throw_status(error.status, error.body, hrana::Encoding::Json, call, standing);
  }
  throw_network(error, call, standing);
}

// Connects, as often as it makes sense: nothing of the call has been sent yet.
void connect(Socket& socket, const Call& call, Repetition& repetition) {
  for (;;) {
    try {
      socket.ensure_open(call);
      return;
    } catch (const net::NetError& error) {
      socket.drop();
      const bool refused = error.kind() == net::ErrorKind::Refused;
      const bool busy = refused && (error.status == 429 || error.status >= 502);
      net::NetError unsent(error.kind(), "", false);
      unsent.status = error.status;
      if (!repetition.allows(unsent, call, Standing::Alone) || (refused && !busy)) {
        throw_failure(error, call, Standing::Alone);
      }
      try {
        repetition.wait(call.wait);
      } catch (const net::NetError& ended) {
        throw_network(ended, call, Standing::Alone);
      }
    }
  }
}

class SocketStream;

class SocketCursor final : public Cursor {
 public:
  SocketCursor(std::shared_ptr<Socket> socket, Standing standing, std::int32_t stream_id, std::int32_t opened,
               std::int32_t cursor_id, std::optional<std::int32_t> fetch) noexcept
      : socket_(std::move(socket)),
        generation_(socket_->generation()),
        standing_(standing),
        stream_id_(stream_id),
        opened_(opened),
        cursor_id_(cursor_id),
        fetch_(fetch) {}

  ~SocketCursor() override {
    if (!is_alive()) return;
    try {
      if (opened_) socket_->ignore(*opened_);
      if (fetch_) socket_->ignore(*fetch_);
      if (!refused_) close();
    } catch (const std::exception&) {  // the connection's next user finds it closed
      socket_->drop();
    }
  }

  std::optional<hrana::CursorEntry> next(const Call& call) override {
    while (at_ == entries_.size()) {
      if (done_) return std::nullopt;
      try {
        if (!is_alive()) throw net::NetError(net::ErrorKind::Closed, "the WebSocket was closed", true);
        if (!fetch_more(call)) return refusal();
      } catch (const net::NetError& error) {
        done_ = true;
        socket_->drop();
        throw_network(error, call, standing_);
      } catch (const hrana::DecodeError& error) {
        done_ = true;
        socket_->drop();
        throw_undecodable(error, call, standing_);
      }
    }
    return entries_[at_++];
  }

 private:
  bool is_alive() const noexcept { return socket_->generation() == generation_ && socket_->is_open(); }

  // False if the server did not open the cursor.
  bool fetch_more(const Call& call) {
    if (opened_) {
      answer_.emplace(socket_->answer(*opened_, call));
      opened_.reset();
      if (std::holds_alternative<hrana::ResponseError>(**answer_)) return false;
    }
    if (!fetch_) fetch_ = socket_->send(stream_id_, hrana::FetchCursorRequest{cursor_id_, kFetched}, call);
    answer_.emplace(socket_->answer(*fetch_, call));
    fetch_.reset();
    const auto* const ok = std::get_if<hrana::ResponseOk>(&**answer_);
    if (ok == nullptr) return false;
    const auto* const fetched = std::get_if<hrana::FetchCursorResponse>(&ok->response);
    if (fetched == nullptr) {
      core::throw_error(ErrorCode::Protocol, "the server answered a request with an answer of another kind");
    }
    entries_ = fetched->entries;
    at_ = 0;
    done_ = fetched->done;
    if (!done_) fetch_ = socket_->send(stream_id_, hrana::FetchCursorRequest{cursor_id_, kFetched}, call);
    return true;
  }

  std::optional<hrana::CursorEntry> refusal() {
    done_ = refused_ = true;
    if (fetch_) socket_->ignore(*fetch_);
    fetch_.reset();
    return hrana::CursorError{std::get<hrana::ResponseError>(**answer_).error};
  }

  void close() {
    const net::Wait wait{net::Deadline::after(kFarewell), nullptr};
    socket_->ignore(socket_->send(stream_id_, hrana::CloseCursorRequest{cursor_id_}, wait));
  }

  std::shared_ptr<Socket> socket_;
  std::uint64_t generation_;
  Standing standing_;
  std::int32_t stream_id_;
  std::optional<std::int32_t> opened_;  // the request that opens it, until its answer was seen
  std::int32_t cursor_id_;
  std::optional<std::int32_t> fetch_;  // the request that is under way
  std::optional<core::Decoded<hrana::ServerMessage>> answer_;
  std::span<const hrana::CursorEntry> entries_;
  std::size_t at_ = 0;
  bool done_ = false;
  bool refused_ = false;
};

class SocketStream final : public Stream {
 public:
  explicit SocketStream(std::shared_ptr<Socket> socket) noexcept : socket_(std::move(socket)) {}

  ~SocketStream() override {
    if (!is_open()) return;
    try {
      const net::Wait wait{net::Deadline::after(kFarewell), nullptr};
      socket_->ignore(socket_->send(*id_, hrana::CloseRequest{}, wait));
    } catch (const std::exception&) {
      socket_->drop();
    }
  }

  bool is_open() const noexcept override {
    return id_.has_value() && socket_->generation() == generation_ && socket_->is_open();
  }

  Answers run(std::span<const hrana::Request> requests, After after, const Call& call) override {
    std::vector<std::int32_t> ids;
    std::vector<core::Decoded<hrana::ServerMessage>> answers;
    exchange(call, [&](bool& sent) {
      ids.clear();
      answers.clear();
      for (const hrana::Request& request : requests) {
        ids.push_back(socket_->send(*id_, request, call));
        sent = true;
      }
      if (after == After::Close) {
        socket_->ignore(socket_->send(*id_, hrana::CloseRequest{}, call.wait));
        id_.reset();
      }
      for (const std::int32_t id : ids) answers.push_back(socket_->answer(id, call));
    });
    return Answers(std::move(answers));
  }

  std::unique_ptr<Cursor> open_cursor(const hrana::Batch& batch, const Call& call) override {
    std::unique_ptr<Cursor> cursor;
    const Standing standing = is_open() ? Standing::InTransaction : Standing::Alone;
    exchange(call, [&](bool& sent) {
      const std::int32_t cursor_id = socket_->new_cursor_id();
      const std::int32_t opened = socket_->send(*id_, hrana::OpenCursorRequest{cursor_id, batch}, call);
      sent = true;
      // Asking for rows of a cursor that was refused may cost the connection (observed: sqld 0.24.33).
      std::optional<std::int32_t> fetch;
      if (call.proved) fetch = socket_->send(*id_, hrana::FetchCursorRequest{cursor_id, kFetched}, call);
      cursor = std::make_unique<SocketCursor>(socket_, standing, *id_, opened, cursor_id, fetch);
    });
    return cursor;
  }

 private:
  // Calls `run` with the stream open, and again if that is safe.
  template <class Run>
  void exchange(const Call& call, Run&& run) {
    Repetition repetition(socket_->retries());
    for (;;) {
      const Standing standing = id_.has_value() ? Standing::InTransaction : Standing::Alone;
      bool sent = false;
      try {
        if (standing == Standing::Alone) {
          connect(*socket_, call, repetition);
          id_ = socket_->new_stream_id();
          generation_ = socket_->generation();
          socket_->ignore(socket_->send(*id_, hrana::OpenStreamRequest{}, call.wait));
        } else {
          if (is_open()) socket_->ensure_open(call);
          if (!is_open()) throw net::NetError(net::ErrorKind::Closed, "the WebSocket was closed", false);
        }
        run(sent);
        return;
      } catch (const net::NetError& failed) {
        const net::NetError error = after_sending(failed, sent);
        socket_->drop();
        id_.reset();
        const bool again = standing == Standing::Alone && repetition.allows(error, call, standing);
        if (!again) throw_failure(error, call, standing);
        try {
          repetition.wait(call.wait);
        } catch (const net::NetError& ended) {
          throw_network(ended, call, standing);
        }
      } catch (const hrana::DecodeError& error) {
        socket_->drop();
        id_.reset();
        throw_undecodable(error, call, standing);
      } catch (...) {
        if (standing == Standing::Alone) id_.reset();
        throw;
      }
    }
  }

  std::shared_ptr<Socket> socket_;
  std::optional<std::int32_t> id_;
  std::uint64_t generation_ = 0;
};

}  // namespace

std::shared_ptr<Stream> SocketWire::stream() { return std::make_shared<SocketStream>(socket_); }

void SocketWire::ensure_asked(const Call& call) {
  Repetition repetition(socket_->retries());
  if (!socket_->is_open()) connect(*socket_, call, repetition);
}

int SocketWire::version(const Call& call) {
  ensure_asked(call);
  return socket_->version();
}

std::optional<net::Deadline> SocketWire::lock_deadline(const Call& call) {
  ensure_asked(call);
  if (socket_->keeps_busy_timeout()) return std::nullopt;
  return lock_deadline_after(call, socket_->opened_in());
}

}  // namespace libsql::remote
