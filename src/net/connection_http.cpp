// The part of a connection that takes HTTP requests and sends answers.
#include <errno.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "net/connection.hpp"
#include "net/error.hpp"
#include "net/exchange.hpp"

namespace libsql::net {
namespace {

constexpr std::size_t kBodyPiece = 64 * 1024;  // the most that read_body() takes at once

}  // namespace

Connection::Progress Connection::take_request(Worker& worker, ByteBuffer& in) {
  return phase_ == Phase::Head ? take_head(worker, in) : take_body(worker, in);
}

Connection::Progress Connection::take_head(Worker& worker, ByteBuffer& in) {
  if (in.empty()) return Progress::NeedMore;
  if (started_ == 0) {
    started_ = coarse_now();
    moved_ = 0;
  }
  while (in.view().starts_with("\r\n")) {  // RFC 9112 2.2: blank lines before a request line are to be ignored.
    in.consume(2);
    scanned_ = 0;
  }
  const std::size_t length = find_head_end(in.view(), scanned_);
  if (length > core_.options().max_head_bytes || (length == 0 && in.size() > core_.options().max_head_bytes)) {
    return refuse(worker, 431, "the head of the request is too long");
  }
  if (length == 0) return Progress::NeedMore;
  if (const auto error = worker.parser.take_request_head(in.view().substr(0, length), worker.head)) {
    return refuse(worker, error->status, error->reason);
  }
  const RequestHead& head = worker.head;
  body_unread_ = head.framing != Framing::None;
  worker.requests.add(1);
  HttpExchange exchange(*this, worker, {});
  exchange.set_in_head(true);
  try {
    handler_->on_head(exchange);
  } catch (...) {
    exchange.fail();
  }
  exchange.set_in_head(false);
  if (exchange.answered()) {
    const Progress progress = handle(exchange);
    in.consume(length);
    return progress;
  }
  body_limit_ = exchange.body_limit();
  if (head.framing == Framing::Length && head.content_length > body_limit_) {
    return refuse(worker, 413, "the body of the request is too long");
  }
  const std::size_t body = head.framing == Framing::Length ? static_cast<std::size_t>(head.content_length) : 0;
  if (head.framing != Framing::Chunked && !exchange.body_streamed() && in.size() - length >= body) {
    body_unread_ = false;
    exchange.set_body(in.view().substr(length, body));
    const Progress progress = handle(exchange);
    in.consume(length + body);
    return progress;
  }
  // The head has to outlast the reads to come.
  close_asked_ = !exchange.keep_alive() && head.keep_alive;
  head_text_.assign(in.data(), length);
  in.consume(length);
  phase_ = Phase::Body;
  body_left_ = head.framing == Framing::Length ? head.content_length : 0;
  started_ = coarse_now();
  moved_ = in.size();
  parser_ = std::move(worker.parser);
  if (head.expects_continue && in.empty() && !send_or_keep(worker, "HTTP/1.1 100 Continue\r\n\r\n", {})) {
    return Progress::Broken;
  }
  if (!exchange.body_streamed()) return Progress::Handled;  // to be gone on with in take_body()
  if (&in != &in_) {
    in_.append(in.view());
    in.clear();
  }
  static_cast<void>(
      worker.parser.take_request_head(head_text_, worker.head));  // Its views move to where the head is now.
  HttpExchange streaming(*this, worker, {});
  streaming.allow_streaming();
  const Progress progress = handle(streaming);
  in_.consume(std::exchange(handed_out_, 0));
  return progress;
}

Connection::Progress Connection::take_body(Worker& worker, ByteBuffer& in) {
  std::string_view body;
  std::size_t taken = 0;
  if (body_left_ > 0) {
    if (in.size() < body_left_) return Progress::NeedMore;
    taken = static_cast<std::size_t>(body_left_);
    body = in.view().substr(0, taken);
  } else {
    while (parser_.state() == HttpParser::State::More) {
      const HttpParser::Step step = parser_.next(in.view());
      if (body_.size() + step.data.size() > body_limit_)
        return refuse(worker, 413, "the body of the request is too long");
      body_.append(step.data);
      in.consume(step.consumed);
      if (step.consumed == 0) break;
    }
    if (parser_.state() == HttpParser::State::Bad) return refuse(worker, 400, "the body's chunks are malformed");
    if (parser_.state() == HttpParser::State::More) return Progress::NeedMore;
    body = body_.view();
  }
  body_unread_ = false;
  static_cast<void>(worker.parser.take_request_head(head_text_, worker.head));  // It was parsed before, so it is good.
  HttpExchange exchange(*this, worker, body);
  const Progress progress = handle(exchange);
  in.consume(taken);
  return progress;
}

// Lets the handler answer, unless it has in on_head(), and draws the conclusions.
Connection::Progress Connection::handle(HttpExchange& exchange) {
  if (!exchange.answered()) {
    try {
      handler_->on_request(exchange);
    } catch (...) {
      exchange.fail();
    }
    if (!exchange.answered()) exchange.fail();
  }
  const bool keep_alive = exchange.keep_alive() && !body_unread_;
  if (exchange.stage() == HttpExchange::Stage::Upgraded) {
    end_request();
    return Progress::Upgraded;
  }
  if (exchange.stage() != HttpExchange::Stage::Done) return Progress::Broken;
  if (!keep_alive) {
    close_after_ = true;
    linger_ = body_unread_;
  }
  end_request();
  return Progress::Handled;
}

void Connection::end_request() {
  phase_ = Phase::Head;
  scanned_ = 0;
  body_unread_ = close_asked_ = false;
  body_left_ = 0;
  if (out_.empty()) started_ = 0;
  if (!head_text_.empty()) {
    head_text_ = std::string();
    parser_ = HttpParser();
  }
  if (body_.capacity() != 0) body_.release();
}

// Answers a request that is not let through to the handler, and ends the connection: where the next request begins is
// not known.
Connection::Progress Connection::refuse(Worker& worker, int status, std::string_view reason) {
  worker.bad_requests.add(1);
  std::string body(reason);
  body += '\n';
  std::string head = "HTTP/1.1 " + std::to_string(status) + ' ' + std::string(reason_phrase(status)) + "\r\nDate: ";
  head.append(worker.date());
  head += "\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
          "\r\n\r\n";
  if (!send_or_keep(worker, head, body)) return Progress::Broken;
  close_after_ = linger_ = true;
  end_request();
  return Progress::Handled;
}

bool Connection::send_or_keep(Worker& worker, std::string_view first, std::string_view second) {
  worker.sent.add(first.size() + second.size());
  while (out_.empty() && (!first.empty() || !second.empty())) {
    const IoResult result = stream_.write(first, second);
    if (result.state == IoState::Closed || result.state == IoState::Failed) return false;
    if (result.state != IoState::Ready) {
      started_ = coarse_now();
      moved_ = 0;
      break;
    }
    const std::size_t of_first = std::min(result.bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(result.bytes - of_first);
  }
  out_.append(first);
  out_.append(second);
  return true;
}

bool Connection::flush(Worker&) {
  while (!out_.empty()) {
    const IoResult result = stream_.write(out_.view());
    if (result.state == IoState::Closed || result.state == IoState::Failed) return false;
    if (result.state != IoState::Ready) return true;
    out_.consume(result.bytes);
    moved_ += result.bytes;
  }
  out_.release();
  started_ = phase_ == Phase::Body ? coarse_now() : 0;
  return true;
}

bool Connection::send_all(Worker& worker, std::string_view first, std::string_view second) {
  const auto stall = core_.options().stall_timeout.count();
  worker.sent.add(first.size() + second.size());
  while (!out_.empty() || !first.empty() || !second.empty()) {
    const bool kept = !out_.empty();
    const IoResult result = kept ? stream_.write(out_.view()) : stream_.write(first, second);
    if (result.state == IoState::Ready) {
      if (kept) {
        out_.consume(result.bytes);
        continue;
      }
      const std::size_t of_first = std::min(result.bytes, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(result.bytes - of_first);
      continue;
    }
    if (result.state == IoState::Closed || result.state == IoState::Failed) return false;
    pollfd waited{stream_.descriptor(), static_cast<short>(result.state == IoState::WantRead ? POLLIN : POLLOUT), 0};
    const int ready = ::poll(&waited, 1, stall > 0 ? static_cast<int>(stall) : -1);
    if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
  }
  return true;
}

std::string_view Connection::read_body(Worker& worker) {
  in_.consume(std::exchange(handed_out_, 0));
  while (body_unread_) {
    if (!in_.empty() && body_left_ > 0) {
      const std::string_view piece =
          in_.view().substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, in_.size())));
      body_left_ -= piece.size();
      body_unread_ = body_left_ > 0;
      handed_out_ = piece.size();
      return piece;
    }
    if (!in_.empty()) {
      const HttpParser::Step step = parser_.next(in_.view());
      if (parser_.state() == HttpParser::State::Bad)
        throw NetError(ErrorKind::Protocol, "the body's chunks are malformed");
      if (parser_.state() == HttpParser::State::Done) body_unread_ = false;
      if (!step.data.empty()) {
        if (step.data.size() > body_limit_) throw NetError(ErrorKind::TooLarge, "the body of the request is too long");
        body_limit_ -= step.data.size();
        handed_out_ = step.consumed;
        return step.data;
      }
      in_.consume(step.consumed);
      if (step.consumed != 0) continue;
    }
    drained_ = false;
    const IoState state = fill(worker, in_, kBodyPiece);
    if (state == IoState::Ready) continue;
    if (state == IoState::Closed || state == IoState::Failed) {
      throw NetError(ErrorKind::Closed, "the client closed the connection within the body");
    }
    const std::int64_t until = transfer_deadline(started_, moved_);
    const std::int64_t left = until - coarse_now();
    pollfd waited{stream_.descriptor(), static_cast<short>(state == IoState::WantRead ? POLLIN : POLLOUT), 0};
    if (until != 0 && left <= 0) throw NetError(ErrorKind::Timeout, "the body of the request did not come in time");
    ::poll(&waited, 1, until == 0 ? -1 : static_cast<int>(std::min<std::int64_t>(left + 4, 3'600'000)));
  }
  return {};
}

}  // namespace libsql::net
