// The settings of a connection that SQL text can change, and how they are reset.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/connection.hpp"

namespace libsql::local {

class Settings {
 public:
  /// Records the settings of a connection that nobody has used yet.
  void remember(engine::Connection& connection);
  /// Resets a connection without an open transaction to those settings. A journal mode other than WAL and DELETE is
  /// left to the caller, who knows which one the database should have. Throws Configuration if a lock cannot be
  /// released.
  void restore(engine::Connection& connection) const;

 private:
  void restore_locking_mode(engine::Connection& connection) const;

  std::vector<std::pair<std::string, std::string>> initial_;
  std::string locking_mode_;
  std::string default_locking_mode_;
  bool spills_cache_ = true;
};

}  // namespace libsql::local
