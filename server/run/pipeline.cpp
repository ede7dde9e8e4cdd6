#include "server/run/pipeline.hpp"

#include <array>
#include <vector>

#include "server/base/failure.hpp"
#include "server/run/executor.hpp"
#include "server/run/grouped_write.hpp"

namespace libsql::server {

DatabaseSession& Pipeline::session() {
  if (stream_.closed) throw ProtocolViolation("Stream for this baton was closed");
  if (!stream_.session) {
    stream_.session = context_.lease();
    watched_ = false;
  }
  if (!watched_) cancellation_.watch(stream_.session->interrupt_state());
  watched_ = true;
  return *stream_.session;
}

// A write that is all its stream does: nobody can ask for its changes() afterwards.
bool Pipeline::run_in_group(const hrana::Request& request, SqlTexts texts, hrana::ResponseWriter& writer) {
  engine::Connection::ChangeCounters counters;
  return is_single_ && GroupedWrite(context_, cancellation_, share_).run(request, texts, counters, writer);
}

// A stream that only keeps texts holds no connection, so it counts by itself.
void Pipeline::store(const hrana::StoreSqlRequest& request) {
  if (stream_.place == nullptr) {
    auto place = std::make_unique<BudgetShare>(budgets_.http_streams, context_.takers());
    if (const Whose whose = place->take(1); whose != Whose::Nobody) throw_too_many_streams(whose);
    stream_.place = std::move(place);
  }
  stream_.stored.store(request.sql_id, request.sql, budgets_.stored_sql, context_.takers());
}

void Pipeline::answer(const hrana::Request& request, hrana::ResponseWriter& writer) {
  using Type = hrana::RequestType;
  const auto with_executor = [&](auto&& run) {
    DatabaseSession& session = this->session();
    const DatabaseSession::Use use(session);
    Executor executor(session, context_, cancellation_, share_);
    run(executor);
  };
  switch (hrana::type_of(request)) {
    case Type::Execute: {
      const hrana::Stmt& stmt = std::get<hrana::ExecuteRequest>(request).stmt;
      const std::string_view sql = stream_.stored.resolve(stmt.sql);
      if (run_in_group(request, {&sql, 1}, writer)) return;
      return with_executor([&](Executor& run) { run.execute(sql, stmt.args, writer); });
    }
    case Type::Batch: {
      const hrana::Batch& batch = std::get<hrana::BatchRequest>(request).batch;
      check_conditions(batch);
      std::vector<std::string_view> texts;
      texts.reserve(batch.steps.size());
      for (const hrana::BatchStep& step : batch.steps) texts.push_back(stream_.stored.resolve(step.stmt.sql));
      if (run_in_group(request, texts, writer)) return;
      return with_executor([&](Executor& run) { run.batch(batch, texts, writer); });
    }
    case Type::Sequence: {
      const std::string_view sql = stream_.stored.resolve(std::get<hrana::SequenceRequest>(request).sql);
      with_executor([&](Executor& run) { run.sequence(sql); });
      return writer.done(Type::Sequence);
    }
    case Type::Describe: {
      const std::string_view sql = stream_.stored.resolve(std::get<hrana::DescribeRequest>(request).sql);
      return with_executor([&](Executor& run) { run.describe(sql, writer); });
    }
    case Type::StoreSql:
      store(std::get<hrana::StoreSqlRequest>(request));
      return writer.done(Type::StoreSql);
    case Type::CloseSql:
      stream_.stored.close(std::get<hrana::CloseSqlRequest>(request).sql_id);
      return writer.done(Type::CloseSql);
    case Type::GetAutocommit:
      if (stream_.closed) throw ProtocolViolation("Stream for this baton was closed");
      if (!stream_.session) return writer.autocommit(true);
      return with_executor([&](Executor&) { writer.autocommit(stream_.session->is_autocommit()); });
    case Type::Close:
      stream_.closed = true;
      cancellation_.watch(nullptr);
      stream_.session.release();
      return writer.done(Type::Close);
    default:
      throw ProtocolViolation("A pipeline cannot have this request");
  }
}

void Pipeline::run(std::span<const hrana::Request> requests, hrana::ResponseWriter& writer) {
  is_single_ = stream_.id == 0 && requests.size() == 2 && hrana::type_of(requests[1]) == hrana::RequestType::Close;
  for (const hrana::Request& request : requests) run(request, writer);
}

void Pipeline::run(const hrana::Request& request, hrana::ResponseWriter& writer) {
  writer.begin();
  try {
    answer(request, writer);
  } catch (const StatementFailure& failure) {
    writer.fail({failure.what(), failure.code(), {}});
  }
}

}  // namespace libsql::server
