#include "server/dump_http.hpp"

#include <string>
#include <vector>

#include "net/url.hpp"
#include "server/failure.hpp"
#include "server/http_answer.hpp"
#include "sql/dump.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

// The client is gone; nobody is left to tell.
struct PeerGone {};

class HttpPort final : public sql::DumpPort {
 public:
  HttpPort(net::Exchange& exchange, core::Session& session) : exchange_(exchange), session_(session) {
    text_.reserve(kPieceBytes * 2);
  }

  void query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) override {
    const std::vector<ValueRef> values(arguments.begin(), arguments.end());
    const std::shared_ptr<core::Stmt> statement = session_.prepare(sql);
    statement->open({values, {}}, core::ArgumentLifetime::Borrow);
    std::vector<ValueRef> row(static_cast<std::size_t>(statement->cursor_column_count()));
    while (statement->next()) {
      statement->read_cells(row);
      on_row(row);
    }
  }

  void write(std::string_view text) override {
    text_ += text;
    if (text_.size() >= kPieceBytes) send();
  }

  void finish() {
    send();
    exchange_.end();
  }

 private:
  // The head goes out with the first piece, so that what fails before is an answer with a status.
  void send() {
    if (!exchange_.answered()) exchange_.begin(200, {kAnyOrigin, {"content-type", kPlainText}});
    if (!exchange_.write(text_)) throw PeerGone{};
    text_.clear();
  }

  net::Exchange& exchange_;
  core::Session& session_;
  std::string text_;
};

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

void answer_dump(net::Exchange& exchange, const Context& context) {
  StatementTraits read;
  read.kind = StatementClass::Read;
  context.require(read);
  sql::DumpOptions options;
  options.preserve_rowids = wants_row_ids(exchange.request().query);

  const std::shared_ptr<core::Session> session = context.name_space().connect();
  exchange.on_peer_gone([running = session->interrupt_state()] { running->interrupt(); });
  session->execute("BEGIN", {});  // One state for all that is read; the session's end ends it.
  HttpPort port(exchange, *session);
  try {
    sql::dump(port, options);
    port.finish();
  } catch (const PeerGone&) {
  }
}

}  // namespace libsql::server
