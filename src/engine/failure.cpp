#include "engine/failure.hpp"

#include <array>
#include <fstream>
#include <string>
#include <system_error>

#include <sqlite3.h>

#include "core/errors.hpp"
#include "engine/advice.hpp"
#include "engine/connection_state.hpp"
#include "engine/vfs.hpp"
#include "sql/classify.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::engine {
namespace {

void describe_constraint([[maybe_unused]] sqlite3* db, detail::ErrorData& data) {
  core::describe_constraint(data);
#ifndef LIBSQL_SYSTEM_SQLITE
  if (db != nullptr && !data.constraint_table.empty()) {
    constexpr std::string_view kMarker = " constraint failed: ";
    const char* const names = data.message.c_str() + data.message.find(kMarker) + kMarker.size();
    std::array<const char*, 64> columns{};
    const char* table = nullptr;
    const int count =
        libsql_engine_constraint_columns(db, names, data.constraint_kind == ConstraintKind::NotNull ? 1 : 0, &table,
                                         columns.data(), static_cast<int>(columns.size()));
    if (count > 0) {
      data.constraint_table = table;
      data.constraint_columns.assign(columns.begin(), columns.begin() + count);
      return;
    }
  }
#endif
  const sql::Classification statement = sql::classify(data.sql);
  if (!statement.name.empty()) core::name_constraint_columns(data, sql::unquote(statement.name));
}

// The file that a failure of the operating system is about, as far as it can be told.
std::string failed_file(sqlite3* db) {
  std::string only;
  int files = 0;
  for (int i = 0;; ++i) {
#if SQLITE_VERSION_NUMBER >= 3039000
    const char* const name = sqlite3_db_name(db, i);
#else
    const char* const name = i == 0 ? "main" : nullptr;
#endif
    if (name == nullptr) break;
    const char* const file = sqlite3_db_filename(db, name);
    if (file == nullptr || *file == '\0') continue;
    int last = 0;
    if (sqlite3_file_control(db, name, SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK && last != 0) return file;
    only = file;
    ++files;
  }
  return files == 1 ? only : std::string();
}

bool is_in_wal_mode(const std::string& file) {
  std::array<char, 20> header{};
  std::ifstream in(file, std::ios::binary);
  // https://www.sqlite.org/fileformat2.html#file_format_version_numbers
  return in.read(header.data(), header.size()) && header[19] == 2;
}

// Which file, and what the operating system said.
void name_place(sqlite3* db, bool told, detail::ErrorData& data) {
  if (data.message.starts_with("unable to open database: ")) return;  // another one, by ATTACH or VACUUM INTO
  const std::string file = failed_file(db);
  if (!file.empty()) data.place = ": '" + file + "'";
  const int number = data.code == ErrorCode::Io || data.code == ErrorCode::CannotOpen ? sqlite3_system_errno(db) : 0;
  if (number != 0 && !told) {
    data.place += ": " + std::system_category().message(number) + " (errno " + std::to_string(number) + ")";
  }
  // What is missing is the right to write to the directory; the engine speaks of the database.
  const bool wal = is_in_wal_mode(file);
  if (wal && (data.code == ErrorCode::ReadOnly || data.code == ErrorCode::CannotOpen)) {
    data.place +=
        ". It is in WAL mode and needs the files -wal and -shm beside it: make its directory writable, or, if "
        "the file does not change meanwhile, open it as 'file:" +
        file + "?immutable=1'";
  } else if (data.code == ErrorCode::ReadOnly) {
    data.place += ". Writing needs a journal beside it: make its directory writable";
  }
  data.message += data.place;
}

bool has_place(const detail::ErrorData& data) noexcept {
  switch (data.code) {
    case ErrorCode::Io:
    case ErrorCode::Full:
    case ErrorCode::CannotOpen:
      return true;
    default:
      return data.sqlite_code == SQLITE_READONLY_DIRECTORY || data.sqlite_code == SQLITE_READONLY_CANTINIT;
  }
}

}  // namespace

detail::ErrorData engine_error(sqlite3* db, int rc, std::string_view sql) {
  detail::ErrorData data;
  data.origin = ErrorOrigin::Engine;
  data.sqlite_code = rc;
  data.sql = sql;
  bool is_of_connection = false;
  if (db != nullptr && (sqlite3_extended_errcode(db) == rc || sqlite3_errcode(db) == (rc & 0xff))) {
    is_of_connection = true;
    data.sqlite_code = sqlite3_extended_errcode(db);
    data.message = sqlite3_errmsg(db);
#if SQLITE_VERSION_NUMBER >= 3038000
    const int offset = sqlite3_error_offset(db);
    if (offset >= 0) data.offset = static_cast<std::size_t>(offset);
#endif
  } else {
    data.message = sqlite3_errstr(rc);
  }
  if (const int primary = rc & 0xff; primary == SQLITE_ERROR || primary == SQLITE_AUTH || primary == SQLITE_CORRUPT) {
    data.message.append(advice(data.message, sql));
    if (!has_random_rowids()) data.message.append(advice_on_random_rowid(data.message, sql));
  }
  const std::string_view why = take_vfs_error_text(data.sqlite_code);
  if (!why.empty()) data.message.append(": ").append(why);
  data.code = core::error_code_of(data.sqlite_code);
  data.retryable = core::is_retryable(data.sqlite_code);
  if (db != nullptr) data.transaction_open = sqlite3_get_autocommit(db) == 0;
  if (data.code == ErrorCode::Constraint) describe_constraint(db, data);
  if (is_of_connection && has_place(data)) name_place(db, !why.empty(), data);
  return data;
}

}  // namespace libsql::engine
