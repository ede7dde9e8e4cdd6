#include "remote/http_stream.hpp"

#include <chrono>

#include "core/errors.hpp"
#include "hrana/cursor_reader.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "hrana/extensions.hpp"
#include "remote/repetition.hpp"
#include "remote/upkeep.hpp"

namespace libsql::remote {

using std::chrono::milliseconds;

namespace {

// As much of the body of an answer that is an error as is worth looking at.
std::string beginning_of_body(HttpClient::Lease& connection, const net::Wait& wait) {
  constexpr std::size_t kMost = 64 * 1024;
  std::string text;
  for (std::string_view piece = connection->read(wait); !piece.empty(); piece = connection->read(wait)) {
    text += piece;
    if (text.size() < kMost) continue;
    connection->close();
    break;
  }
  return text;
}

// Whether the server says that it holds nothing for the baton that it gives: then there is nothing to lose, to keep
// alive or to close.
bool is_stateless(const net::HttpResponse& head) noexcept {
  return head.header(hrana::kStreamHeader) == hrana::kStatelessStream;
}

}  // namespace

/// Reads the body of an answer to /v3/cursor as it comes.
class HttpCursor final : public Cursor {
 public:
  /// The first item of the body is read.
  HttpCursor(std::shared_ptr<HttpStream> stream, HttpClient::Lease connection, hrana::CursorReader reader,
             Standing standing)
      : stream_(std::move(stream)),
        connection_(std::move(connection)),
        reader_(std::move(reader)),
        standing_(standing) {}

  ~HttpCursor() override {
    {
      const std::lock_guard lock(stream_->mutex_);
      --stream_->cursors_;
    }
    if (connection_) leave();
  }

  std::optional<hrana::CursorEntry> next(const Call& call) override {
    try {
      for (;;) {
        if (auto entry = reader_.next()) return entry;
        if (!connection_) return std::nullopt;
        const std::string_view piece = (*connection_)->read(call.wait);
        if (!piece.empty()) {
          reader_.feed(piece);
        } else {
          connection_.reset();
          reader_.finish();
        }
      }
    } catch (const net::NetError& error) {
      fail();
      throw_network(error, call, standing_);
    } catch (const hrana::DecodeError& error) {
      fail();
      throw_undecodable(error, call, standing_);
    }
  }

 private:
  void fail() noexcept {
    if (connection_) (*connection_)->close();
    connection_.reset();
    const std::lock_guard lock(stream_->mutex_);
    stream_->forget();
  }

  // Nobody wants the rest. If it is short, the connection can be used again; and in a transaction it is better read
  // than cut, because a server may end a stream whose answer was not taken.
  void leave() noexcept {
    const bool patient = standing_ == Standing::InTransaction;
    std::size_t left = patient ? std::size_t{4} << 20 : std::size_t{64} << 10;
    const net::Wait wait{net::Deadline::after(patient ? milliseconds(500) : milliseconds(20)), nullptr};
    try {
      for (;;) {
        const std::string_view piece = (*connection_)->read(wait);
        if (piece.empty()) return;
        if (piece.size() > left) break;
        left -= piece.size();
      }
    } catch (const std::exception&) {  // it is closed then
    }
    (*connection_)->close();
  }

  std::shared_ptr<HttpStream> stream_;
  std::optional<HttpClient::Lease> connection_;  // until the end of the body
  hrana::CursorReader reader_;
  Standing standing_;
};

HttpStream::HttpStream(std::shared_ptr<HttpClient> client, const std::shared_ptr<Upkeep>& upkeep)
    : client_(std::move(client)), upkeep_(upkeep), endpoint_(client_->endpoint()) {}

HttpStream::~HttpStream() {
  if (!baton_) return;
  if (const auto upkeep = upkeep_.lock()) upkeep->close(std::move(endpoint_), std::move(*baton_));
}

std::unique_lock<std::mutex> HttpStream::lock(const Call& call) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  try {
    while (!lock.owns_lock()) {  // the upkeep's thread is showing it to the server
      net::sleep_for(milliseconds(1), call.wait);
      lock.try_lock();
    }
  } catch (const net::NetError& error) {
    throw_network(error, call, Standing::Alone);
  }
  return lock;
}

std::string HttpStream::target(const HttpClient::Dialect& dialect, std::string_view what) const {
  std::string target = endpoint_.path;
  target += dialect.prefix();
  target += what;
  return target;
}

// The views live until the next call.
std::span<const net::Header> HttpStream::headers(hrana::Encoding encoding, const Call& call) {
  const std::span<const net::Header> common = client_->headers(encoding);
  const auto busy_timeout = busy_timeout_of(call);
  if (!busy_timeout) return common;
  headers_.assign(common.begin(), common.end());
  busy_timeout_ = std::to_string(*busy_timeout);
  headers_.push_back({hrana::kBusyTimeoutHeader, busy_timeout_});
  return headers_;
}

void HttpStream::moved_on(std::optional<std::string_view> baton, std::optional<std::string_view> base_url) {
  used_at_ = net::Deadline::Clock::now();
  if (!baton) {
    forget();
    return;
  }
  baton_ = *baton;
  open_.store(true, std::memory_order_release);
  if (base_url && !base_url->empty()) {
    try {
      endpoint_ = follow(endpoint_, *base_url);
    } catch (...) {
      forget();
      throw;
    }
  }
  if (watched_) return;
  watched_ = true;
  if (const auto upkeep = upkeep_.lock()) upkeep->watch(weak_from_this());
}

// A stream that is opened next begins at the database's own address again.
void HttpStream::forget() noexcept {
  baton_.reset();
  open_.store(false, std::memory_order_release);
  endpoint_ = client_->endpoint();
}

// A transaction's stream lives on after a large request.
void HttpStream::trim() noexcept {
  constexpr std::size_t kKept = std::size_t{1} << 20;
  if (body_.capacity() > kKept) std::string().swap(body_);
}

// One request of the stream, and again as long as that is safe. `encode` writes the body for a dialect, `take` makes
// the result of an answer with the status 200, and `changes` says of another one whether the request is now to be sent
// in another way.
template <class Encode, class Changes, class Take>
auto HttpStream::exchange(std::string_view what, const Call& call, Encode&& encode, Changes&& changes, Take&& take) {
  const auto locked = lock(call);
  Repetition repetition(client_->options().retries);
  for (;;) {
    const HttpClient::Dialect dialect = client_->dialect(call);
    body_.clear();
    encode(dialect);
    const std::string path = target(dialect, what);
    const Standing before = standing();
    HookedHeaders hooked;
    try {
      try {
        HttpClient::Lease connection = client_->take(endpoint_.origin);
        const net::HttpResponse head = connection->open(
            {"POST", path, hooked.of(client_->options(), headers(dialect.encoding, call)), body_}, call.wait);
        const int status = head.status;
        const bool stateless = is_stateless(head);
        trim();
        if (status == 200) {
          client_->prove(dialect);
          return take(std::move(connection), dialect, before, stateless);
        }
        const std::string text = beginning_of_body(connection, call.wait);
        if (changes(status, text, dialect, before)) continue;
        if (!repetition.allows(status, call, before)) {
          forget();
          throw_status(status, text, dialect.encoding, call, before);
        }
      } catch (const net::NetError& error) {
        if (!repetition.allows(error, call, before)) throw;
      }
      repetition.wait(call.wait);
    } catch (const net::NetError& error) {
      forget();
      throw_network(error, call, before);
    } catch (const hrana::DecodeError& error) {
      forget();
      throw_undecodable(error, call, before);
    }
  }
}

Answers HttpStream::run(std::span<const hrana::Request> requests, After after, const Call& call) {
  bool closes = false;
  const auto encode = [&](const HttpClient::Dialect& dialect) {
    hrana::PipelineRequest pipeline{baton_, requests};
    closes = after == After::Close && client_->closes_streams();
    if (closes) {
      requests_.assign(requests.begin(), requests.end());
      requests_.emplace_back(hrana::CloseRequest{});
      pipeline.requests = requests_;
    }
    hrana::encode(dialect.encoding, pipeline, body_);
  };
  const auto changes = [&](int status, std::string_view text, const HttpClient::Dialect& dialect, Standing before) {
    // Paths that a server lacks run nothing.
    const bool other_dialect =
        (status == 404 || status == 405) && before == Standing::Alone && client_->give_up(dialect);
    return other_dialect || (closes && client_->give_up_close(status, text));
  };
  const auto take = [&](HttpClient::Lease connection, const HttpClient::Dialect& dialect, Standing, bool stateless) {
    auto answer =
        hrana::decode_pipeline_response(dialect.encoding, core::Source(std::string(connection->read_all(call.wait))));
    moved_on(stateless ? std::nullopt : answer->baton, answer->base_url);
    return Answers(std::move(answer));
  };
  return exchange("/pipeline", call, encode, changes, take);
}

net::Deadline HttpStream::keep_alive(milliseconds idle, const net::Interrupt& interrupt) noexcept {
  const std::unique_lock locked(mutex_, std::try_to_lock);
  if (!locked.owns_lock()) return net::Deadline::after(idle);  // it is being used
  if (!baton_) {
    watched_ = false;
    return net::Deadline::never();
  }
  const net::Deadline due = net::Deadline::at(used_at_ + idle);
  if (!due.passed()) return due;
  // Longer than it takes any server that is there; the program may be waiting for it.
  constexpr milliseconds kPatience{2'000};
  Call call;
  call.wait = {net::Deadline::after(kPatience), &interrupt};
  try {
    const HttpClient::Dialect dialect = client_->dialect(call);
    body_.clear();
    hrana::encode(dialect.encoding, hrana::PipelineRequest{baton_, {}}, body_);
    const std::string path = target(dialect, "/pipeline");
    HttpClient::Lease connection = client_->take(endpoint_.origin);
    HookedHeaders hooked;
    const net::HttpResponse response = connection->request(
        {"POST", path, hooked.of(client_->options(), client_->headers(dialect.encoding)), body_}, call.wait);
    if (response.status == 200) {
      const auto answer = hrana::decode_pipeline_response(dialect.encoding, core::Source(std::string(response.body)));
      moved_on(is_stateless(response) ? std::nullopt : answer->baton, answer->base_url);
    } else if (cursors_ == 0) {
      forget();  // while rows are being read, a server may refuse other requests to their stream
    }
  } catch (const net::NetError& error) {
    if (error.sent() && cursors_ == 0) forget();  // which baton is the newest is not known any more
  } catch (...) {                                 // a request hook may throw anything
    forget();
  }
  used_at_ = net::Deadline::Clock::now();
  watched_ = baton_.has_value();
  return watched_ ? net::Deadline::after(idle) : net::Deadline::never();
}

std::unique_ptr<Cursor> HttpStream::open_cursor(const hrana::Batch& batch, const Call& call) {
  const auto encode = [&](const HttpClient::Dialect& dialect) {
    hrana::encode(dialect.encoding, hrana::CursorRequest{baton_, batch}, body_);
  };
  const auto changes = [](int, std::string_view, const HttpClient::Dialect&, Standing) { return false; };
  const auto take = [&](HttpClient::Lease connection, const HttpClient::Dialect& dialect, Standing before, bool) {
    hrana::CursorReader reader(dialect.encoding);
    while (reader.head() == nullptr) {
      const std::string_view piece = connection->read(call.wait);
      if (piece.empty()) {
        forget();
        core::throw_error(ErrorCode::Protocol, "the server's answer to a query is empty", call.sql);
      }
      reader.feed(piece);
    }
    moved_on(reader.head()->baton, reader.head()->base_url);
    auto cursor = std::make_unique<HttpCursor>(shared_from_this(), std::move(connection), std::move(reader), before);
    ++cursors_;
    return cursor;
  };
  return exchange("/cursor", call, encode, changes, take);
}

}  // namespace libsql::remote
