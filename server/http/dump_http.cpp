#include "server/http/dump_http.hpp"

#include <string>
#include <vector>

#include "net/url.hpp"
#include "server/base/failure.hpp"
#include "server/http/http_answer.hpp"
#include "sql/dump.hpp"

namespace libsql::server {
namespace {

bool wants_row_ids(std::string_view query) {
  try {
    for (const auto& [name, value] : net::query_parameters(query)) {
      if (name == "preserve_row_ids") return value == "true" || value == "1";
    }
    return false;
  } catch (const net::UrlError& error) {
    throw RequestRefused(400, "QUERY_INVALID", error.what());
  }
}

}  // namespace

void answer_dump(net::Exchange& exchange, ServerState& state, const Context& context,
                 std::unique_ptr<BodyRecord> record) {
  StatementTraits read;
  read.kind = StatementClass::Read;
  context.require(read);
  sql::DumpOptions options;
  options.preserve_rowids = wants_row_ids(exchange.request().query);

  std::shared_ptr<core::Session> session = context.name_space().borrow();
  session->execute("BEGIN", {});  // so that the whole dump shows one state; ends with the session
  // Reveals a file that cannot be read at all while the answer can still have an error's status.
  session->execute("SELECT count(*) FROM sqlite_schema", {});
  exchange.answer_from(
      200, {kAnyOrigin, {"content-type", kPlainText}},
      state.dumps.begin(std::move(session), std::move(options), context, exchange.waker(), std::move(record)));
}

}  // namespace libsql::server
