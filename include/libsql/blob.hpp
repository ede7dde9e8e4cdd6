/// \file
/// Large values of a row, read and written in pieces: as bytes at an offset, or as a stream.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <istream>
#include <memory>
#include <span>
#include <string_view>

#include <libsql/export.hpp>
#include <libsql/value.hpp>

namespace libsql {

class Connection;

/// Which value of which row.
struct BlobLocation {
  std::string_view table;
  std::string_view column;
  std::int64_t rowid = 0;
  std::string_view schema = "main";
};

enum class BlobMode : std::uint8_t { ReadOnly, ReadWrite };

/// One blob or text value, open for reading and writing in place. Its size is fixed: insert a ZeroBlob of the right
/// size, then fill it.
///
/// Outside a transaction, an open ReadWrite handle is a write transaction of its own, committed by close() or the
/// destructor, and a ReadOnly one is a read transaction. Inside a transaction it is part of it.
/// Ownership: moves; keeps the session alive. A reset of the connection closes it. Threads: as Connection.
class LIBSQL_EXPORT BlobHandle final {
 public:
  /// Opens the value. Throws OutOfRange if there is no such row, TypeMismatch if it holds neither blob nor text,
  /// SqlError if there is no such table or column, it is a view, virtual or WITHOUT ROWID, or for writing the column
  /// is indexed, generated or a foreign key; ReadOnly, Busy; Unsupported for a remote connection.
  BlobHandle(const Connection& connection, const BlobLocation& location, BlobMode mode = BlobMode::ReadOnly);
  BlobHandle(BlobHandle&&) noexcept;
  BlobHandle& operator=(BlobHandle&&) noexcept;
  /// Closes it and ignores an error of the commit: call close() to get it.
  ~BlobHandle();

  /// The size in bytes; 0 once it is closed or its row is lost.
  std::uint64_t size() const noexcept;
  std::int64_t rowid() const noexcept;

  /// Fills all of `out` from byte `offset` on. Throws OutOfRange unless all of it lies within the value, Expired if
  /// the row was changed or deleted since, Misuse if it is closed.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;
  /// `count` bytes from `offset` on.
  Blob read_at(std::uint64_t offset, std::size_t count) const;
  /// All of it.
  Blob read_all() const;
  /// Replaces bytes from `offset` on. Throws as read_at(), and ReadOnly.
  void write_at(std::uint64_t offset, BlobView data);

  /// Moves to the same column of another row, or to the current state of the same row: faster than a new handle. Throws
  /// as the constructor; the handle is then closed, but another reopen() may succeed.
  void reopen(std::int64_t rowid);
  /// Closes it and, if no transaction is open, commits; throws what the commit throws. The handle is closed in any
  /// case.
  void close();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A value as a std::iostream with one position for reading and writing. Writing beyond the end fails: the size is
/// fixed. Errors set badbit; after `exceptions(std::ios::badbit)` they are thrown as the library's own.
/// Ownership and threads: as BlobHandle.
class LIBSQL_EXPORT BlobStream final : public std::iostream {
 public:
  explicit BlobStream(BlobHandle blob);
  BlobStream(const Connection& connection, const BlobLocation& location, BlobMode mode = BlobMode::ReadOnly);
  /// Writes out what is buffered; call close() to see errors.
  ~BlobStream() override;

  /// Writes out what is buffered and closes the handle. Throws as BlobHandle.
  void close();
  /// The handle; it does not see what is buffered here before flush().
  BlobHandle& handle() noexcept;

 private:
  class Buffer;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace libsql
