#include "server/run/request_run.hpp"

#include "server/base/failure.hpp"
#include "server/run/grouped_write.hpp"

namespace libsql::server {

void StreamHost::refuse() { throw ProtocolViolation("This request cannot come here"); }

template <class Run>
std::optional<std::uint64_t> RequestRun::on_session(Run&& run) {
  DatabaseSession& session = stream_.session();
  const DatabaseSession::Use use(session);
  Executor executor(session, context_, cancellation_, share_);
  run(executor);
  return context_.name_space().replication_index(session, executor.may_have_written());
}

// Runs a single statement, which may share the commit of others.
template <class Run>
std::optional<std::uint64_t> RequestRun::in_group_or_alone(std::string_view sql, hrana::ResponseWriter& writer,
                                                           Run&& run) {
  if (auto* const counters = stream_.counters_without_session()) {
    std::optional<std::uint64_t> index;
    if (GroupedWrite(context_, cancellation_, share_).run(sql, *counters, writer, index, run)) return index;
  }
  return on_session(run);
}

void RequestRun::answer(const hrana::Request& request, SqlTexts texts, hrana::ResponseWriter& writer) {
  using Type = hrana::RequestType;
  const Type type = hrana::type_of(request);
  switch (type) {
    case Type::Execute: {
      const detail::ParamsView& args = std::get<hrana::ExecuteRequest>(request).stmt.args;
      hrana::StmtTotals totals;
      const std::optional<std::uint64_t> index = in_group_or_alone(
          texts.front(), writer, [&](Executor& run) { totals = run.execute(texts.front(), args, writer); });
      totals.replication_index = index;
      return writer.end_execute(totals);
    }
    case Type::Batch: {
      const hrana::Batch& batch = std::get<hrana::BatchRequest>(request).batch;
      const auto run_batch = [&](Executor& run) { run.batch(batch, texts, writer); };
      const bool is_one_statement = batch.steps.size() == 1 && batch.steps[0].condition == nullptr;
      return writer.end_batch(is_one_statement ? in_group_or_alone(texts.front(), writer, run_batch)
                                               : on_session(run_batch));
    }
    case Type::Sequence:
      on_session([&](Executor& run) { run.sequence(texts.front()); });
      break;
    case Type::Describe:
      on_session([&](Executor& run) { run.describe(texts.front(), writer); });
      return;
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
