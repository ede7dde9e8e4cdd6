#include "server/run/pipeline.hpp"

#include <memory>

#include "server/base/failure.hpp"

namespace libsql::server {

void Pipeline::require_open() const {
  if (stream_.closed) throw ProtocolViolation("Stream for this baton was closed");
}

DatabaseSession& Pipeline::session() {
  require_open();
  if (!stream_.session) {
    stream_.session = context_.lease();
    watched_ = false;
  }
  if (!watched_) cancellation_.watch(stream_.session->interrupt_state());
  watched_ = true;
  return *stream_.session;
}

DatabaseSession* Pipeline::existing_session() {
  require_open();
  return stream_.session ? &session() : nullptr;
}

// If the write is all that its stream does, nobody can ask for changes() afterwards, so scratch counters will do.
engine::Connection::ChangeCounters* Pipeline::counters_without_session() {
  return is_single_ ? &(counters_ = {}) : nullptr;
}

// A stream that only stores texts is not limited by the number of connections, so streams with texts are counted here.
void Pipeline::store_sql(const hrana::StoreSqlRequest& request) {
  if (stream_.place == nullptr) {
    auto place = std::make_unique<BudgetShare>(budgets_.http_streams, context_.takers());
    if (const Whose whose = place->take(1); whose != Whose::Nobody) throw_too_many_streams(whose);
    stream_.place = std::move(place);
  }
  stream_.stored.store(request.sql_id, request.sql, budgets_.stored_sql, context_.takers());
}

void Pipeline::close() {
  stream_.closed = true;
  cancellation_.watch(nullptr);
  stream_.session.release();
}

void Pipeline::run(std::span<const hrana::Request> requests, hrana::ResponseWriter& writer) {
  is_single_ = stream_.id == 0 && requests.size() == 2 && hrana::type_of(requests[1]) == hrana::RequestType::Close;
  RequestRun run(*this, context_, cancellation_, share_);
  for (const hrana::Request& request : requests) {
    writer.begin();
    try {
      const RequestTexts texts(request, [&](const hrana::Sql& sql) { return stream_.stored.resolve(sql); });
      run.answer(request, texts.all(), writer);
    } catch (const StatementFailure& failure) {
      writer.fail({failure.what(), failure.code(), {}});
    }
  }
}

}  // namespace libsql::server
