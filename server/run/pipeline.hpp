// Runs the requests of one HTTP pipeline on their stream.
#pragma once

#include <span>
#include <string_view>

#include "hrana/requests.hpp"
#include "hrana/response_writer.hpp"
#include "server/base/budgets.hpp"
#include "server/run/context.hpp"
#include "server/run/executor.hpp"
#include "server/run/http_streams.hpp"

namespace libsql::server {

/// Throws ProtocolViolation and RequestRefused, after which the stream is of no further use.
class Pipeline {
 public:
  Pipeline(HttpStream& stream, const Context& context, Cancellation& cancellation, Budgets& budgets) noexcept
      : stream_(stream),
        context_(context),
        cancellation_(cancellation),
        budgets_(budgets),
        share_(budgets.responses, context) {}

  void run(const hrana::Request& request, hrana::ResponseWriter& writer);

  /// All requests, one after the other.
  void run(std::span<const hrana::Request> requests, hrana::ResponseWriter& writer);

 private:
  void answer(const hrana::Request& request, hrana::ResponseWriter& writer);
  DatabaseSession& session();
  void store(const hrana::StoreSqlRequest& request);
  bool run_in_group(const hrana::Request& request, SqlTexts texts, hrana::ResponseWriter& writer);

  HttpStream& stream_;
  const Context& context_;
  Cancellation& cancellation_;
  Budgets& budgets_;
  ResponseShare share_;
  bool watched_ = false;
  bool is_single_ = false;  // one request on a stream that ends with it
};

}  // namespace libsql::server
