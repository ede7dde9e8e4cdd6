// The pages of a database file, whatever state it is in.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include <libsql/connection.hpp>
#include <libsql/statement.hpp>

namespace libsql::cli {

/// Where pages come from.
class PageSource {
 public:
  PageSource() = default;
  PageSource(const PageSource&) = delete;
  PageSource& operator=(const PageSource&) = delete;
  virtual ~PageSource() = default;

  /// The page of that number, from 1; empty if it cannot be read.
  virtual std::string read(std::uint32_t number) = 0;
  virtual std::uint32_t count() const noexcept = 0;
  virtual std::uint32_t page_size() const noexcept = 0;
};

/// Reads through the engine, which decrypts and knows the log.
std::unique_ptr<PageSource> pages_of(Connection& connection);
/// Reads the file itself, without its log: for what the engine does not take for a database. The size of the pages is
/// guessed if the header does not tell it. Throws CommandError.
std::unique_ptr<PageSource> pages_of_file(const std::string& path);

}  // namespace libsql::cli
