// One open blob or text value of a row, read and written in place.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/connection.hpp"

struct sqlite3_blob;

namespace libsql::engine {

struct BlobPlace {
  std::string schema;
  std::string table;
  std::string column;
  std::int64_t rowid = 0;
  bool writable = false;
};

class Blob final {
 public:
  /// Throws OutOfRange if there is no such row, TypeMismatch if the value is neither blob nor text, SqlError, ReadOnly.
  Blob(Connection& connection, BlobPlace place);
  ~Blob();
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  const BlobPlace& place() const noexcept { return place_; }
  /// 0 if it was lost.
  std::uint64_t size() const noexcept;
  void read(std::uint64_t offset, std::span<std::byte> out);
  void write(std::uint64_t offset, std::span<const std::byte> data);
  void reopen(std::int64_t rowid);
  /// Throws what the commit of its writes threw, if it committed them.
  void close();

 private:
  void open();
  [[noreturn]] void fail_open(int rc);
  [[noreturn]] void fail_access(int rc);
  void check_range(std::uint64_t offset, std::size_t count) const;
  void require() const;
  int drop() noexcept;

  Connection& connection_;
  BlobPlace place_;
  sqlite3_blob* blob_ = nullptr;
};

}  // namespace libsql::engine
