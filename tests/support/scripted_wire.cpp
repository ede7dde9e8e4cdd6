#include "support/scripted_wire.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "api/access.hpp"
#include "core/decoded.hpp"
#include "hrana/cursor_reader.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "remote/failures.hpp"
#include "remote/store.hpp"

namespace libsql::test {

namespace {

using remote::After;
using remote::Call;

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string error_json(std::string_view message, std::string_view code) {
  return "{\"message\":" + in_quotes(message) + ",\"code\":" + in_quotes(code) + "}";
}

std::string cols_json(const ScriptedStatement& statement) {
  std::string out = "[";
  for (const std::string& column : statement.columns) {
    if (out.size() > 1) out += ',';
    out += "{\"name\":" + in_quotes(column) + ",\"decltype\":null}";
  }
  return out += ']';
}

std::string row_json(const std::vector<std::int64_t>& row) {
  std::string out = "[";
  for (const std::int64_t cell : row) {
    if (out.size() > 1) out += ',';
    out += "{\"type\":\"integer\",\"value\":\"" + std::to_string(cell) + "\"}";
  }
  return out += ']';
}

std::string result_json(const ScriptedStatement& statement) {
  std::string rows = "[";
  for (const auto& row : statement.rows) {
    if (rows.size() > 1) rows += ',';
    rows += row_json(row);
  }
  return "{\"cols\":" + cols_json(statement) + ",\"rows\":" + rows +
         "],\"affected_row_count\":" + std::to_string(statement.affected) + ",\"last_insert_rowid\":null}";
}

}  // namespace

/// One connection of the server's.
class ScriptedStream final : public remote::Stream {
 public:
  ScriptedStream(std::shared_ptr<ScriptedServer> server, std::size_t number)
      : server_(std::move(server)), number_(number) {}
  ~ScriptedStream() override { drop(); }

 private:
  template <class Decode>
  auto decoded(const Call& call, Decode&& decode) {
    const remote::Standing standing = open_ ? remote::Standing::InTransaction : remote::Standing::Alone;
    try {
      return decode();
    } catch (const hrana::DecodeError& error) {
      drop();
      remote::throw_undecodable(error, call, standing);
    }
  }

 public:
  remote::Answers run(std::span<const hrana::Request> requests, After after, const Call& call) override {
    const Exchange exchange = server_->next(Exchange::Kind::Pipeline, number_, after, call);
    std::string body;
    const auto work = [&] {
      open();
      for (const hrana::Request& request : requests) {
        if (!body.empty()) body += ',';
        body += answer(request);
      }
    };
    around(exchange, call, work);
    body = "{\"baton\":\"b\",\"base_url\":null,\"results\":[" + body + "]}";
    if (server_->change) body = server_->change(exchange, std::move(body));
    if (after == After::Close || (server_->gives_up && server_->gives_up(exchange))) drop();
    return decoded(call, [&] {
      return remote::Answers(hrana::decode_pipeline_response(hrana::Encoding::Json, core::Source(std::move(body))));
    });
  }

  std::unique_ptr<remote::Cursor> open_cursor(const hrana::Batch& batch, const Call& call) override;

  bool is_open() const noexcept override { return open_; }

 private:
  friend class ScriptedCursor;

  void open() {
    if (!std::exchange(open_, true)) ++server_->open_streams;
  }
  // What is open on it is undone.
  void drop() {
    if (std::exchange(open_, false)) --server_->open_streams;
    in_transaction_ = false;
    pending_.clear();
  }

  /// Runs `work` as the faults of the script allow.
  template <class Work>
  void around(const Exchange& exchange, const Call& call, Work&& work) {
    const remote::Standing standing = open_ ? remote::Standing::InTransaction : remote::Standing::Alone;
    try {
      if (server_->before) server_->before(exchange);
    } catch (const net::NetError& error) {
      if (error.sent()) work();
      drop();
      remote::throw_network(error, call, standing);
    }
    work();
  }

  /// The statement's outcome: what it gives, or its error.
  ScriptedStatement execute(std::string_view sql) {
    server_->ran.push_back(std::to_string(number_) + (in_transaction_ ? " in " : " out ") + std::string(sql));
    const auto known = server_->statements.find(sql);
    ScriptedStatement statement = known == server_->statements.end() ? ScriptedStatement() : known->second;
    if (!statement.error.empty()) {
      if (statement.ends_transaction) {
        in_transaction_ = false;
        pending_.clear();
      }
      return statement;
    }
    const auto fail = [&](const char* why) { statement.error = why; };
    if (sql.starts_with("BEGIN")) {
      if (in_transaction_) {
        fail("cannot start a transaction within a transaction");
      } else {
        in_transaction_ = true;
      }
    } else if (sql == "COMMIT" || sql == "ROLLBACK") {
      if (!in_transaction_) {
        fail("cannot commit - no transaction is active");
      } else {
        if (sql == "COMMIT") server_->committed.insert(server_->committed.end(), pending_.begin(), pending_.end());
        in_transaction_ = false;
        pending_.clear();
      }
    } else if (sql.starts_with("SAVEPOINT") || sql.starts_with("RELEASE") || sql.starts_with("ROLLBACK TO")) {
      in_transaction_ = true;  // these tests use them inside a transaction only
    } else if (!sql.starts_with("SELECT")) {
      (in_transaction_ ? pending_ : server_->committed).emplace_back(sql);
    }
    return statement;
  }

  struct Outcomes {
    std::vector<std::optional<bool>> ok;  // none: skipped
  };
  bool holds(const hrana::BatchCond* condition, const Outcomes& outcomes) const {
    if (condition == nullptr) return true;
    using Kind = hrana::BatchCond::Kind;
    switch (condition->kind) {
      case Kind::Ok:
        return outcomes.ok.at(condition->step) == true;
      case Kind::Error:
        return outcomes.ok.at(condition->step) == false;
      case Kind::Not:
        return !holds(&condition->conds[0], outcomes);
      case Kind::And:
        for (const auto& one : condition->conds) {
          if (!holds(&one, outcomes)) return false;
        }
        return true;
      case Kind::Or:
        for (const auto& one : condition->conds) {
          if (holds(&one, outcomes)) return true;
        }
        return false;
      case Kind::IsAutocommit:
        return !in_transaction_;
    }
    return false;
  }

  std::string answer(const hrana::Request& request) {
    const auto ok = [](std::string_view type, const std::string& rest) {
      return "{\"type\":\"ok\",\"response\":{\"type\":" + in_quotes(type) + rest + "}}";
    };
    const auto failed = [](const ScriptedStatement& statement) {
      return "{\"type\":\"error\",\"error\":" + error_json(statement.error, statement.code) + "}";
    };
    if (const auto* const execute_request = std::get_if<hrana::ExecuteRequest>(&request)) {
      const ScriptedStatement done = execute(*execute_request->stmt.sql.text);
      return done.error.empty() ? ok("execute", ",\"result\":" + result_json(done)) : failed(done);
    }
    if (const auto* const batch = std::get_if<hrana::BatchRequest>(&request)) {
      Outcomes outcomes;
      std::string results;
      std::string errors;
      for (const hrana::BatchStep& step : batch->batch.steps) {
        if (!results.empty()) results += ',', errors += ',';
        if (!holds(step.condition, outcomes)) {
          outcomes.ok.emplace_back();
          results += "null", errors += "null";
          continue;
        }
        const std::string_view sql = step.stmt.sql.text ? *step.stmt.sql.text : std::string_view(stored_);
        const ScriptedStatement done = execute(sql);
        outcomes.ok.emplace_back(done.error.empty());
        results += done.error.empty() ? result_json(done) : "null";
        errors += done.error.empty() ? "null" : error_json(done.error, done.code);
      }
      return ok("batch", ",\"result\":{\"step_results\":[" + results + "],\"step_errors\":[" + errors + "]}");
    }
    if (std::holds_alternative<hrana::GetAutocommitRequest>(request)) {
      return ok("get_autocommit", std::string(",\"is_autocommit\":") + (in_transaction_ ? "false" : "true"));
    }
    if (const auto* const describe = std::get_if<hrana::DescribeRequest>(&request)) {
      const auto known = server_->statements.find(*describe->sql.text);
      const ScriptedStatement one = known == server_->statements.end() ? ScriptedStatement() : known->second;
      if (!one.error.empty()) return failed(one);
      return ok("describe", ",\"result\":{\"params\":[],\"cols\":" + cols_json(one) +
                                ",\"is_explain\":false,\"is_readonly\":" +
                                (describe->sql.text->starts_with("SELECT") ? "true" : "false") + "}");
    }
    if (const auto* const sequence = std::get_if<hrana::SequenceRequest>(&request)) {
      const ScriptedStatement done = execute(*sequence->sql.text);
      return done.error.empty() ? ok("sequence", "") : failed(done);
    }
    if (const auto* const store = std::get_if<hrana::StoreSqlRequest>(&request)) {
      stored_ = store->sql;
      return ok("store_sql", "");
    }
    return ok(std::holds_alternative<hrana::CloseSqlRequest>(request) ? "close_sql" : "close", "");
  }

  std::shared_ptr<ScriptedServer> server_;
  const std::size_t number_;
  bool open_ = false;
  bool in_transaction_ = false;
  std::vector<std::string> pending_;
  std::string stored_;
};

/// Entries of a batch that has run already.
class ScriptedCursor final : public remote::Cursor {
 public:
  ScriptedCursor(ScriptedStream& stream, const std::string& lines) : stream_(stream), reader_(hrana::Encoding::Json) {
    reader_.feed("{\"baton\":\"b\",\"base_url\":null}\n" + lines);
    reader_.finish();
  }

  std::optional<hrana::CursorEntry> next(const Call& call) override {
    const Exchange exchange = stream_.server_->next(Exchange::Kind::Entry, stream_.number_, After::Keep, call);
    stream_.around(exchange, call, [] {});
    return stream_.decoded(call, [&] { return reader_.next(); });
  }

 private:
  ScriptedStream& stream_;
  hrana::CursorReader reader_;
};

std::unique_ptr<remote::Cursor> ScriptedStream::open_cursor(const hrana::Batch& batch, const Call& call) {
  const Exchange exchange = server_->next(Exchange::Kind::OpenCursor, number_, After::Keep, call);
  std::string lines;
  const auto work = [&] {
    open();
    Outcomes outcomes;
    for (std::size_t i = 0; i < batch.steps.size(); ++i) {
      const hrana::BatchStep& step = batch.steps[i];
      if (!holds(step.condition, outcomes)) {
        outcomes.ok.emplace_back();
        continue;
      }
      const ScriptedStatement done = execute(*step.stmt.sql.text);
      outcomes.ok.emplace_back(done.error.empty());
      const std::string number = std::to_string(i);
      if (done.error.empty() || !done.rows.empty()) {
        lines += "{\"type\":\"step_begin\",\"step\":" + number + ",\"cols\":" + cols_json(done) + "}\n";
        for (const auto& row : done.rows) lines += "{\"type\":\"row\",\"row\":" + row_json(row) + "}\n";
      }
      if (done.error.empty()) {
        lines += "{\"type\":\"step_end\",\"affected_row_count\":" + std::to_string(done.affected) +
                 ",\"last_insert_rowid\":null}\n";
      } else {
        lines +=
            "{\"type\":\"step_error\",\"step\":" + number + ",\"error\":" + error_json(done.error, done.code) + "}\n";
      }
    }
  };
  around(exchange, call, work);
  if (server_->change) lines = server_->change(exchange, std::move(lines));
  if (server_->gives_up && server_->gives_up(exchange)) drop();
  return decoded(call, [&] { return std::make_unique<ScriptedCursor>(*this, lines); });
}

namespace {

class ScriptedWire final : public remote::Wire {
 public:
  explicit ScriptedWire(std::shared_ptr<ScriptedServer> server) : server_(std::move(server)) {}
  std::shared_ptr<remote::Stream> stream() override {
    return std::make_shared<ScriptedStream>(server_, server_->streams++);
  }
  int version(const Call&) override { return server_->version; }
  std::optional<net::Deadline> lock_deadline(const Call&) override {
    if (server_->keeps_to_busy_timeout) return std::nullopt;
    return net::Deadline::after(std::chrono::hours(1));
  }
  hrana::Encoding encoding() const noexcept override { return hrana::Encoding::Json; }

 private:
  std::shared_ptr<ScriptedServer> server_;
};

}  // namespace

Exchange ScriptedServer::next(Exchange::Kind kind, std::size_t stream, After after, const Call& call) {
  exchanges.push_back({kind, exchanges.size(), stream, after, call.repeatable, call.commits});
  return exchanges.back();
}

Database ScriptedServer::database(remote::Options options) {
  options.url = "http://scripted";
  options.proxy_from_environment = false;
  return detail::Access::database(std::make_shared<remote::Store>(
      std::move(options), [server = shared_from_this()] { return std::make_shared<ScriptedWire>(server); }));
}

}  // namespace libsql::test
