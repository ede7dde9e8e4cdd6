// Runs the requests of one HTTP pipeline on their stream.
#pragma once

#include "hrana/requests.hpp"
#include "hrana/response_writer.hpp"
#include "server/context.hpp"
#include "server/http_streams.hpp"

namespace libsql::server {

/// Throws ProtocolViolation and RequestRefused, after which the stream is of no further use.
class Pipeline {
 public:
  Pipeline(HttpStream& stream, const Context& context, Cancellation& cancellation, ResponseBudget& budget) noexcept
      : stream_(stream), context_(context), cancellation_(cancellation), share_(budget) {}

  void run(const hrana::Request& request, hrana::ResponseWriter& writer);

 private:
  void answer(const hrana::Request& request, hrana::ResponseWriter& writer);
  DatabaseSession& session();

  HttpStream& stream_;
  const Context& context_;
  Cancellation& cancellation_;
  ResponseBudget::Share share_;
  bool watched_ = false;
};

}  // namespace libsql::server
