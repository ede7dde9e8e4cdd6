// Whether the statements of a batch stay inside the transaction that is put around them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace libsql::sql {

/// Follows the savepoints of a batch, statement by statement.
class Nesting {
 public:
  /// False if the text has a statement that would begin or end a transaction, or release or return to a savepoint that
  /// the batch has not set itself. `text` may hold several statements, or none.
  bool stays_inside(std::string_view text);

 private:
  bool takes(std::string_view statement);

  std::vector<std::string> savepoints_;  // that the batch has set, the innermost last
};

}  // namespace libsql::sql
