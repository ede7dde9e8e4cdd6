// How the server classifies a statement before the engine sees it: what permission it needs, and whether clients may
// run it at all.
#pragma once

#include <cstdint>
#include <string_view>

#include "sql/classify.hpp"

namespace libsql::server {

enum class StatementClass : std::uint8_t {
  Read,
  Write,
  Ddl,
  Begin,
  End,        // COMMIT, END, ROLLBACK
  Savepoint,  // also RELEASE and ROLLBACK TO
  Attach,
  Detach,
  Unsupported,  // or not understood, in which case the engine's parser finds out what is wrong
};

struct StatementTraits {
  StatementClass kind = StatementClass::Unsupported;
  sql::BeginBehavior begin = sql::BeginBehavior::Deferred;
  bool is_dml = false;     // INSERT, REPLACE, UPDATE, DELETE: reports changes
  bool is_insert = false;  // INSERT, REPLACE: reports a rowid
  bool is_explain = false;
  bool is_pragma = false;        // acts while it is compiled
  bool lists_databases = false;  // PRAGMA database_list
  bool changes_session = false;  // leaves changed settings or attached databases on the connection
  std::string_view target;       // of Attach: the namespace's name as written
  std::string_view alias;        // of Attach: as written

  bool needs_write() const noexcept { return kind == StatementClass::Write || kind == StatementClass::Ddl; }
  /// Whether it takes the write lock before it has written anything.
  bool locks_out_writers() const noexcept {
    return kind == StatementClass::Begin &&
           (begin == sql::BeginBehavior::Immediate || begin == sql::BeginBehavior::Exclusive);
  }
  /// Whether it may leave a transaction open.
  bool may_begin() const noexcept { return kind == StatementClass::Begin || kind == StatementClass::Savepoint; }
};

/// Decides whether a client may run a statement now.
class StatementRules {
 public:
  virtual ~StatementRules() = default;
  /// Throws RequestRefused 403, StatementFailure BLOCKED.
  virtual void require(const StatementTraits& traits) const = 0;
};

/// The traits of one statement. The classes are those observed in sqld 0.24.33, except that a PRAGMA which only queries
/// a setting is a Read.
StatementTraits traits_of(std::string_view statement) noexcept;

/// Whether clients may run this PRAGMA, with or without an argument.
bool is_allowed_pragma(std::string_view name, bool has_value) noexcept;

}  // namespace libsql::server
