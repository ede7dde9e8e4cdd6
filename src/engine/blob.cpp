#include "engine/blob.hpp"

#include <sqlite3.h>

#include <utility>

#include "core/errors.hpp"
#include "sql/quote.hpp"

namespace libsql::engine {

Blob::Blob(Connection& connection, BlobPlace place) : connection_(connection), place_(std::move(place)) { open(); }

Blob::~Blob() { drop(); }

void Blob::open() {
  connection_.require_open();
  connection_.require_sql_allowed();
  connection_.patience().start_deadline();
  if (place_.writable) connection_.before_write();
  // An open blob that may be written is a write transaction, so it stands in line as one.
  WriteGate* const gate = place_.writable ? connection_.write_gate() : nullptr;
  if (gate != nullptr) gate->before_write(connection_);
  const auto try_to_open = [&] {
    return sqlite3_blob_open(connection_.handle(), place_.schema.c_str(), place_.table.c_str(), place_.column.c_str(),
                             place_.rowid, place_.writable ? 1 : 0, &blob_);
  };
  int rc = try_to_open();
  if ((rc & 0xff) == SQLITE_ERROR && connection_.renew_schemas()) rc = try_to_open();
  if (rc == SQLITE_OK) return;
  drop();
  fail_open(rc);
}

// The engine says SQLITE_ERROR to all that can be wrong with the place, so the row itself is asked.
void Blob::fail_open(int rc) {
  if ((rc & 0xff) != SQLITE_ERROR) connection_.fail(rc);
  std::exception_ptr engine_error;
  try {
    connection_.fail(rc);
  } catch (...) {
    engine_error = std::current_exception();
  }
  const std::string name = place_.table + "." + place_.column;
  const auto type = connection_.query_text(
      "SELECT typeof(" + sql::quote_identifier(place_.column) + ") FROM " + sql::quote_identifier(place_.schema) + "." +
      sql::quote_identifier(place_.table) + " WHERE _rowid_ = " + std::to_string(place_.rowid));
  if (!type) {
    core::throw_error(ErrorCode::OutOfRange, "there is no row " + std::to_string(place_.rowid) + " in " + place_.table);
  }
  if (*type != "blob" && *type != "text") {
    core::throw_error(ErrorCode::TypeMismatch, name + " of row " + std::to_string(place_.rowid) + " is " +
                                                   (*type == "null" ? "NULL" : "a number") + ", not a blob or text");
  }
  std::rethrow_exception(engine_error);
}

void Blob::fail_access(int rc) {
  if (rc == SQLITE_ABORT) {
    detail::ErrorData data;
    data.code = ErrorCode::Expired;
    data.origin = ErrorOrigin::Engine;
    data.sqlite_code = rc;
    data.message = "the row " + std::to_string(place_.rowid) + " of " + place_.table +
                   " was changed or deleted while its blob was open: reopen the blob";
    core::throw_error(std::move(data));
  }
  connection_.fail(rc);
}

std::uint64_t Blob::size() const noexcept {
  return blob_ == nullptr ? 0 : static_cast<std::uint64_t>(sqlite3_blob_bytes(blob_));
}

void Blob::require() const {
  connection_.require_open();
  if (blob_ == nullptr) core::throw_error(ErrorCode::Misuse, "the blob is closed");
}

void Blob::check_range(std::uint64_t offset, std::size_t count) const {
  if (offset <= size() && count <= size() - offset) return;
  core::throw_error(ErrorCode::OutOfRange, "bytes " + std::to_string(offset) + " to " + std::to_string(offset + count) +
                                               " are not within the " + std::to_string(size()) + " bytes of the blob");
}

void Blob::read(std::uint64_t offset, std::span<std::byte> out) {
  require();
  // Of a lost row the size is 0, which would look like a bad range.
  if (!out.empty() && size() == 0) {
    const int rc = sqlite3_blob_read(blob_, out.data(), 0, 0);
    if (rc != SQLITE_OK) fail_access(rc);
  }
  check_range(offset, out.size());
  const int rc = sqlite3_blob_read(blob_, out.data(), static_cast<int>(out.size()), static_cast<int>(offset));
  if (rc != SQLITE_OK) fail_access(rc);
}

void Blob::write(std::uint64_t offset, std::span<const std::byte> data) {
  require();
  if (!place_.writable) core::throw_error(ErrorCode::ReadOnly, "the blob is open for reading only");
  if (!data.empty() && size() == 0) {
    const int rc = sqlite3_blob_write(blob_, data.data(), 0, 0);
    if (rc != SQLITE_OK) fail_access(rc);
  }
  check_range(offset, data.size());
  connection_.require_sql_allowed();
  connection_.before_write();
  const int rc = sqlite3_blob_write(blob_, data.data(), static_cast<int>(data.size()), static_cast<int>(offset));
  if (connection_.must_roll_back()) {  // a listener threw: what was written must not stay
    drop();
    connection_.roll_back_if_bound();
    connection_.rethrow_kept_exception();
  }
  if (rc != SQLITE_OK) fail_access(rc);
}

void Blob::reopen(std::int64_t rowid) {
  connection_.require_open();
  connection_.patience().start_deadline();
  place_.rowid = rowid;
  // A failed or expired handle stays useless to the engine, so a new one is taken then.
  if (blob_ != nullptr && sqlite3_blob_reopen(blob_, rowid) == SQLITE_OK) return;
  drop();
  open();
}

void Blob::close() {
  const int rc = drop();
  if (rc != SQLITE_OK && rc != SQLITE_ABORT) connection_.fail(rc);
}

int Blob::drop() noexcept {
  const int rc = sqlite3_blob_close(std::exchange(blob_, nullptr));
  if (connection_.handle() != nullptr && connection_.write_gate() != nullptr) {
    connection_.write_gate()->after_statement(connection_);
  }
  connection_.settle_if_needed();
  return rc;
}

}  // namespace libsql::engine
