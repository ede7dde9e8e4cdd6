#include "server/run/request_run.hpp"

#include "server/base/failure.hpp"
#include "server/run/grouped_write.hpp"

namespace libsql::server {

void StreamHost::refuse() { throw ProtocolViolation("This request cannot come here"); }

template <class Run>
void RequestRun::on_session(Run&& run) {
  DatabaseSession& session = stream_.session();
  const DatabaseSession::Use use(session);
  Executor executor(session, context_, cancellation_, share_);
  run(executor);
}

// Runs a single statement, which may share the commit of others.
template <class Run>
void RequestRun::in_group_or_alone(std::string_view sql, hrana::ResponseWriter& writer, Run&& run) {
  if (auto* const counters = stream_.counters_without_session()) {
    if (GroupedWrite(context_, cancellation_, share_).run(sql, *counters, writer, run)) return;
  }
  on_session(run);
}

void RequestRun::answer(const hrana::Request& request, SqlTexts texts, hrana::ResponseWriter& writer) {
  using Type = hrana::RequestType;
  const Type type = hrana::type_of(request);
  switch (type) {
    case Type::Execute: {
      const detail::ParamsView& args = std::get<hrana::ExecuteRequest>(request).stmt.args;
      return in_group_or_alone(texts.front(), writer, [&](Executor& run) { run.execute(texts.front(), args, writer); });
    }
    case Type::Batch: {
      const hrana::Batch& batch = std::get<hrana::BatchRequest>(request).batch;
      const auto run_batch = [&](Executor& run) { run.batch(batch, texts, writer); };
      const bool is_one_statement = batch.steps.size() == 1 && batch.steps[0].condition == nullptr;
      return is_one_statement ? in_group_or_alone(texts.front(), writer, run_batch) : on_session(run_batch);
    }
    case Type::Sequence:
      on_session([&](Executor& run) { run.sequence(texts.front()); });
      break;
    case Type::Describe:
      return on_session([&](Executor& run) { run.describe(texts.front(), writer); });
    case Type::GetAutocommit: {
      DatabaseSession* const session = stream_.existing_session();
      if (session == nullptr) return writer.autocommit(true);
      const DatabaseSession::Use use(*session);
      return writer.autocommit(session->is_autocommit());
    }
    case Type::OpenCursor:
      on_session([&](Executor& run) { run.validate(std::get<hrana::OpenCursorRequest>(request).batch, texts); });
      stream_.open_cursor();
      break;
    case Type::FetchCursor: {
      const StreamHost::Fetched fetched = stream_.fetch_cursor(std::get<hrana::FetchCursorRequest>(request));
      return writer.fetched(fetched.entries, fetched.done);
    }
    case Type::CloseCursor:
      stream_.close_cursor();
      break;
    case Type::StoreSql:
      stream_.store_sql(std::get<hrana::StoreSqlRequest>(request));
      break;
    case Type::CloseSql:
      stream_.close_sql(std::get<hrana::CloseSqlRequest>(request).sql_id);
      break;
    case Type::OpenStream:
      stream_.open_stream();
      break;
    case Type::Close:
      stream_.close();
      break;
  }
  writer.done(type);
}

}  // namespace libsql::server
