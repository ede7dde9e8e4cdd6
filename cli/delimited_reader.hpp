// Reading files of delimited fields: CSV as RFC 4180 has it, and plain separated text.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace libsql::cli {

struct DelimitedFormat {
  std::string column_separator = ",";
  std::string row_separator = "\n";
  bool quotes = true;  // fields may be in double quotes
};

/// Yields records one by one, with constant memory.
class DelimitedReader {
 public:
  /// Called for what is odd but can be read, with the line where it is.
  using Warning = std::function<void(std::uint64_t line, std::string_view message)>;

  DelimitedReader(std::FILE* stream, DelimitedFormat format, Warning warning);

  /// Reads the next record; false at the end. A line break at the end of the file makes no record. With the row
  /// separator "\n" a "\r" before it is dropped.
  bool next(std::vector<std::string>& fields);

  /// The line on which the last record began, from 1.
  std::uint64_t line() const noexcept { return record_line_; }
  std::uint64_t bytes_read() const noexcept { return bytes_; }

 private:
  enum class Ended : unsigned char { Column, Row, File };

  int get();
  Ended read_field(std::string& field);
  Ended read_quoted(std::string& field);
  bool ends_with(const std::string& field, const std::string& separator, std::size_t from) const noexcept;

  std::FILE* stream_;
  DelimitedFormat format_;
  Warning warning_;
  std::uint64_t line_ = 1;
  std::uint64_t record_line_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace libsql::cli
