// A server without a network, for the client's side of the protocol: it knows transactions, batches with their
// conditions, and cursors, but no SQL; and any exchange with it can be broken, or its answer be made another one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/database.hpp>

#include "net/error.hpp"
#include "remote/options.hpp"
#include "remote/wire.hpp"

namespace libsql::test {

/// What one text does there.
struct ScriptedStatement {
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::int64_t>> rows = {};
  std::uint64_t affected = 0;
  std::string error = {};  // its message
  std::string code = "SQLITE_ERROR";
  bool ends_transaction = false;  // by failing
};

/// One exchange of the client with the server: a pipeline, the opening of a cursor, or an entry of it.
struct Exchange {
  enum class Kind : std::uint8_t { Pipeline, OpenCursor, Entry };
  Kind kind;
  std::size_t number;   // from 0
  std::size_t stream;   // from 0
  remote::After after;  // of a pipeline
  bool repeatable;      // what the client said of the call
  bool commits;
};

class ScriptedServer : public std::enable_shared_from_this<ScriptedServer> {
 public:
  /// Texts that are not here succeed and have no rows. BEGIN, COMMIT and their like are known.
  std::map<std::string, ScriptedStatement, std::less<>> statements;
  int version = 3;
  /// Else the client has to bound the wait for a lock, by asking for it first.
  bool keeps_to_busy_timeout = true;
  /// Asked before an exchange takes place. What it throws as a NetError breaks it, and the stream: before the server
  /// has run it, unless error.sent().
  std::function<void(const Exchange&)> before;
  /// Makes the answer (the JSON of a pipeline's answer, or the lines of a cursor) another one.
  std::function<std::string(const Exchange&, std::string)> change;
  /// The server gives up a stream after these exchanges.
  std::function<bool(const Exchange&)> gives_up;

  /// All texts that have run, with the number of the stream and whether a transaction was open: "0 in INSERT ...".
  std::vector<std::string> ran;
  /// Those whose effect lasts: outside a transaction, or in one that was committed.
  std::vector<std::string> committed;
  std::vector<Exchange> exchanges;
  std::size_t streams = 0;
  std::size_t open_streams = 0;

  /// A database whose only server this is.
  Database database(remote::Options options = {});

 private:
  friend class ScriptedStream;
  friend class ScriptedCursor;
  Exchange next(Exchange::Kind kind, std::size_t stream, remote::After after, const remote::Call& call);
};

}  // namespace libsql::test
