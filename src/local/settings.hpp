// The settings of a connection that SQL text may change, and how they get back to what a new connection has.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/connection.hpp"

namespace libsql::local {

class Settings {
 public:
  /// Takes what a connection is set to that nobody has used yet.
  void remember(engine::Connection& connection);
  /// Sets a connection, in which no transaction is open, back to that. Only a journal mode other than WAL and DELETE is
  /// left to the caller, who knows which one the database shall have. Throws Configuration if a lock cannot be let go.
  void restore(engine::Connection& connection) const;

 private:
  void restore_locking_mode(engine::Connection& connection) const;

  std::vector<std::pair<std::string, std::string>> initial_;
  std::string locking_mode_;
  std::string default_locking_mode_;
  bool spills_cache_ = true;
};

}  // namespace libsql::local
