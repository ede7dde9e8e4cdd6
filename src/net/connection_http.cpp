// The part of a connection that takes HTTP requests and sends answers.
#include <algorithm>
#include <utility>

#include "net/connection.hpp"
#include "net/error.hpp"
#include "net/exchange.hpp"

namespace libsql::net {
namespace {

// Of an answer that its peer does not take: so much may be kept also when there is no budget left for it.
constexpr std::size_t kSmallAnswer = 16 * 1024;

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
  const RequestHead* taken = repeated_.match(in.view());
  std::size_t length = 0;
  if (taken != nullptr) [[likely]] {
    length = repeated_.size();
  } else {
    while (in.view().starts_with("\r\n")) {  // RFC 9112 2.2: ignore blank lines before a request line.
      in.consume(2);
      scanned_ = 0;
    }
    length = find_head_end(in.view(), scanned_);
    if (length > core_.options().max_head_bytes || (length == 0 && in.size() > core_.options().max_head_bytes)) {
      return refuse(worker, 431, "the head of the request is too long");
    }
    if (length == 0) return Progress::NeedMore;
    const std::string_view text = in.view().substr(0, length);
    if (const auto error = worker.parser.take_request_head(text, worker.head)) {
      return refuse(worker, error->status, error->reason);
    }
    if (is_known()) repeated_.note(text, worker.head, worker.parser);
    taken = &worker.head;
  }
  const RequestHead& head = *taken;
  body_unread_ = head.framing != Framing::None;
  worker.requests.add(1);
  HttpExchange exchange(*this, worker, head, {});
  const std::size_t announced = head.framing == Framing::Length ? static_cast<std::size_t>(head.content_length) : 0;
  exchange.set_in_head(true, head.framing != Framing::Chunked && in.size() - length >= announced);
  try {
    handler_->on_head(exchange);
  } catch (...) {
    exchange.fail();
  }
  exchange.set_in_head(false, false);
  if (crowded_ && !exchange.answered()) return refuse(worker, 503, "there are too many connections");
  if (exchange.answered()) {
    if (crowded_) exchange.close_after();
    const Progress progress = handle(exchange);
    in.consume(length);
    return progress;
  }
  body_limit_ = exchange.body_limit();
  if (head.framing == Framing::Length && head.content_length > body_limit_) {
    return refuse(worker, 413, "the body of the request is too long");
  }
  if (head.framing != Framing::Chunked && in.size() - length >= announced) {
    body_unread_ = false;
    exchange.set_body(in.view().substr(length, announced));
    const Progress progress = handle(exchange);
    if (progress == Progress::Parked) {  // Then it is as a request whose body came later.
      close_asked_ = !exchange.keep_alive() && head.keep_alive;
      head_text_.assign(in.data(), length);
      body_left_ = announced;
      phase_ = Phase::Body;
      in.consume(length);
      return progress;
    }
    in.consume(length + announced);
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
  return Progress::Handled;  // take_body() continues
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
  const RequestHead* head = repeated_.match(head_text_);
  if (head == nullptr) {
    static_cast<void>(worker.parser.take_request_head(head_text_, worker.head));  // It was good before.
    head = &worker.head;
  }
  HttpExchange exchange(*this, worker, *head, body);
  const Progress progress = handle(exchange);
  if (progress != Progress::Parked) in.consume(taken);
  return progress;
}

// Lets the handler answer, unless it has in on_head(), and draws the conclusions.
Connection::Progress Connection::handle(HttpExchange& exchange) {
  if (!exchange.answered()) {
    if (out_.empty() && exchange.request().minor_version > 0) gate_.store(kAjar, std::memory_order_release);
    try {
      handler_->on_request(exchange);
    } catch (...) {
      exchange.fail();
    }
    if (exchange.is_parked()) {
      close_gate();
      parked_ = true;
      return Progress::Parked;
    }
    if (!exchange.answered()) exchange.fail();
  }
  if (exchange.stage() == HttpExchange::Stage::Sourced) {
    end_request();
    return Progress::Handled;
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
  asked_ = true;
  parked_since_.reset();
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

void Connection::park(std::int64_t until, std::shared_ptr<void> ticket) {
  parked_until_ = std::max<std::int64_t>(until, 1);
  ticket_ = std::move(ticket);
  if (!parked_since_) parked_since_ = std::chrono::steady_clock::now();
}

bool Connection::send_or_keep(Worker& worker, std::string_view first, std::string_view second) {
  close_gate();
  worker.sent.add(first.size() + second.size());
  while (out_.empty() && (!first.empty() || !second.empty())) {
    const IoResult result = stream_.write(first, second);
    if (result.state == IoState::Closed || result.state == IoState::Failed) return false;
    if (result.state != IoState::Ready) {
      if (source_ == nullptr) {
        started_ = coarse_now();
        moved_ = 0;
      }
      break;
    }
    const std::size_t of_first = std::min(result.bytes, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(result.bytes - of_first);
    if (source_ != nullptr) moved_ += result.bytes;
  }
  if (first.empty() && second.empty()) return true;
  out_.append(first);
  out_.append(second);
  // Rather this one, whose peer does not take what it asked for, than others.
  return !is_over_budget() || out_.size() <= kSmallAnswer;
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
  charge_.set(in_.size() + body_.size());
  if (blocked_since_ != 0) blocked_ += coarse_now() - std::exchange(blocked_since_, 0);
  if (source_ == nullptr) started_ = phase_ == Phase::Body ? coarse_now() : 0;
  return true;
}

}  // namespace libsql::net
