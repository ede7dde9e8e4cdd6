// Runs a dump: SQL statements that form a single transaction.
#pragma once

#include <string>
#include <string_view>

#include "core/backend.hpp"

namespace libsql::server {

/// Takes the text in pieces of any size, so a dump may be larger than memory. Runs it in the engine's defensive mode.
/// Throws AdminError for statements that a dump must not contain, and errors of the engine; nothing of the dump is then
/// left in the database.
class DumpLoader final {
 public:
  explicit DumpLoader(core::Session& session);
  ~DumpLoader();
  DumpLoader(const DumpLoader&) = delete;
  DumpLoader& operator=(const DumpLoader&) = delete;

  void feed(std::string_view piece);
  /// Call after the last piece. Throws if the transaction was not committed.
  void finish();

 private:
  enum class State : unsigned char { Before, Inside, After };

  void run_complete_statements();
  void run(std::string_view statement);
  void commit(std::string_view statement);
  void add_virtual_table(std::string_view statement);

  core::Session& session_;
  State state_ = State::Before;
  int before_ = 0;  // statements before BEGIN
  std::string pending_;
  std::size_t look_again_at_ = 0;  // below this size, pending_ holds no complete statement
};

/// Throws if a database into which a dump was loaded cannot be used entirely. `session` must not have read its schema
/// yet.
void check_loaded(core::Session& session);

}  // namespace libsql::server
