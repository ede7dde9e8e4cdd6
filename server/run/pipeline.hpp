// Runs the requests of one HTTP pipeline on their stream.
#pragma once

#include <span>

#include "hrana/requests.hpp"
#include "hrana/response_writer.hpp"
#include "server/base/budgets.hpp"
#include "server/run/baton_streams.hpp"
#include "server/run/context.hpp"
#include "server/run/request_run.hpp"

namespace libsql::server {

class Pipeline final : private StreamHost {
 public:
  Pipeline(BatonStream& stream, const Context& context, Cancellation& cancellation, Budgets& budgets) noexcept
      : stream_(stream),
        context_(context),
        cancellation_(cancellation),
        budgets_(budgets),
        share_(budgets.responses, context) {}

  /// Runs all requests in order. Throws ProtocolViolation and RequestRefused; the stream must not be used any more
  /// then.
  void run(std::span<const hrana::Request> requests, hrana::ResponseWriter& writer);

 private:
  DatabaseSession& session() override;
  DatabaseSession* existing_session() override;
  engine::Connection::ChangeCounters* counters_without_session() override;
  void close() override;
  void store_sql(const hrana::StoreSqlRequest& request) override;
  void close_sql(std::int32_t id) override { stream_.stored.close(id); }
  void require_open() const;

  BatonStream& stream_;
  const Context& context_;
  Cancellation& cancellation_;
  Budgets& budgets_;
  ResponseShare share_;
  engine::Connection::ChangeCounters counters_;
  bool watched_ = false;
  bool is_single_ = false;  // a single request on a stream that ends with it
};

}  // namespace libsql::server
