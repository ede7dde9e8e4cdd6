// Runs a dump: a text of SQL statements that is one transaction.
#pragma once

#include <string>
#include <string_view>

#include "core/backend.hpp"

namespace libsql::server {

/// Takes the text in pieces of any size, so that a dump may be larger than memory. It runs in the engine's defensive
/// mode. Throws AdminError for what a dump may not hold, and what running it throws; then nothing of it is in the
/// database.
class DumpLoader final {
 public:
  explicit DumpLoader(core::Session& session);
  ~DumpLoader();
  DumpLoader(const DumpLoader&) = delete;
  DumpLoader& operator=(const DumpLoader&) = delete;

  void feed(std::string_view piece);
  /// To be called after the last piece. Throws if the transaction was not committed.
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
  std::size_t look_again_at_ = 0;  // the size of pending_ below which it holds no complete statement
};

/// Throws if a database that a dump was loaded into cannot be used as a whole. By a session that has not read its
/// schema yet.
void check_loaded(core::Session& session);

}  // namespace libsql::server
