#include "server/hrana/cursor_body.hpp"

#include <exception>
#include <optional>
#include <utility>

namespace libsql::server {
namespace {

// Ends a piece of the answer at 16 KiB, so that it is sent while the cursor can continue later.
class PiecePace final : public CursorPace {
 public:
  explicit PiecePace(const std::string& piece) noexcept : piece_(piece) {}
  bool go_on() override {
    constexpr std::size_t kPiece = 16 * 1024;
    return piece_.size() < kPiece;
  }

 private:
  const std::string& piece_;
};

}  // namespace

CursorBody::CursorBody(BatonStreams& streams, const Context& context, hrana::Encoding encoding,
                       const std::string* base_url, Parts parts)
    : streams_(streams),
      parts_(std::move(parts)),
      context_(context),
      encoding_(encoding),
      base_url_(base_url),
      writer_(encoding, hrana::CursorEntryWriter::Framing::Body, piece_) {
  if (parts_.record != nullptr) parts_.record->begin();
  // The tally that the request's handler used ends with the handler.
  context_.count_into(parts_.record != nullptr ? &parts_.record->rows : nullptr);
  DatabaseSession& session = *parts_.stream->session;
  cancellation_.watch(session.interrupt_state());
  run_ = std::make_unique<CursorRun>(session, context_, cancellation_, parts_.request->batch, parts_.texts.all());
}

CursorBody::~CursorBody() { settle(); }

// Gives the stream back, for its next request.
void CursorBody::settle() noexcept {
  if (parts_.stream == nullptr) return;
  try {
    const DatabaseSession::Use use(*parts_.stream->session);
    run_.reset();
  } catch (const std::exception&) {  // the statement ends with its session
  }
  cancellation_.watch(nullptr);
  streams_.settle(std::move(parts_.stream));
  parts_.place.release();
}

net::BodySource::Next CursorBody::pull(std::string& to) {
  bool done = false;
  if (!std::exchange(begun_, true)) {
    writer_.head(parts_.baton, base_url_ != nullptr ? std::optional<std::string_view>(*base_url_) : std::nullopt);
  }
  PiecePace pace(piece_);
  try {
    const DatabaseSession::Use use(*parts_.stream->session);
    done = run_->run(writer_, pace);
    if (done) writer_.replication_index(run_->replication_index());
  } catch (const std::exception& error) {
    writer_.error({error.what(), "INTERNAL_ERROR", {}});
    done = true;
  }
  // Before the end is sent, as the client may send the stream's next request as soon as it has that.
  if (done) settle();
  to.swap(piece_);
  piece_.clear();
  if (parts_.record != nullptr) parts_.record->bytes += to.size();
  return done ? Next::End : Next::More;
}

}  // namespace libsql::server
