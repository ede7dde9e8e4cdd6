// .dump: a database as SQL that recreates it.
#pragma once

#include <cstdint>
#include <libsql/error.hpp>

#include "sql/dump.hpp"

namespace libsql::cli {

class Shell;

/// Reads the shell's main database for a dump, and reports what cannot be read.
class DumpReader : public sql::DumpPort {
 public:
  explicit DumpReader(Shell& shell) noexcept : shell_(shell) {}

  void query(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row) override;
  void damaged(std::string_view what, const Error& error) override;
  /// How often there was something that could not be read.
  std::uint64_t damages() const noexcept { return damages_; }

 protected:
  Shell& shell() noexcept { return shell_; }

 private:
  void read(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row,
            std::uint64_t& read_rows);
  void read_as_bytes(const std::string& sql, std::span<const std::string_view> arguments, const OnRow& on_row,
                     std::uint64_t rows);
  bool is_about_encoding(const Error& error);

  Shell& shell_;
  std::uint64_t damages_ = 0;
};

/// Writes the main database to the shell's output, all of it as it is at one moment.
void dump(Shell& shell, const sql::DumpOptions& options);

}  // namespace libsql::cli
