// What the callbacks of SQL functions share: arguments as text, results within the limit, interrupts.
#pragma once

#include <string>
#include <string_view>

#ifdef SQLITE_CORE
#include "engine/connection_state.h"
#endif
#include "functions/sqlite_api.hpp"

namespace libsql::functions {

/// An argument that is not NULL, as text; valid as long as the call.
inline std::string_view text_argument(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) throw std::bad_alloc();
  return {text, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

/// The bytes of a blob, or of anything else as text.
inline std::string_view bytes_argument(sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) return text_argument(value);
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

inline bool is_null(sqlite3_value* value) noexcept { return sqlite3_value_type(value) == SQLITE_NULL; }

inline void result_text(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

inline void result_blob(sqlite3_context* context, std::string_view bytes) {
  sqlite3_result_blob64(context, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

/// The longest text or blob that the connection lets a function return, in bytes.
inline std::size_t longest_result(sqlite3_context* context) {
  return static_cast<std::size_t>(sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1));
}

/// Thrown where a result would be longer than that.
struct TooBig : std::exception {
  const char* what() const noexcept override { return "string or blob too big"; }
};
/// Thrown where a long loop has seen that the statement was interrupted.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

/// Whether the statement is to end: somebody has called sqlite3_interrupt(), or its deadline has passed. In a host that
/// is not this library, or with the system's engine, only the former, and not before 3.41.
inline bool is_interrupted(sqlite3* connection) noexcept {
#if defined(SQLITE_CORE) && !defined(LIBSQL_SYSTEM_SQLITE)
  return libsql_engine_must_end(connection) != 0;
#elif SQLITE_VERSION_NUMBER >= 3041000
  return sqlite3_libversion_number() >= 3041000 && sqlite3_is_interrupted(connection) != 0;
#else
  return false;
#endif
}

/// Counts the work of a loop; throws Interrupted once the statement was interrupted.
class Work {
 public:
  explicit Work(sqlite3_context* context) noexcept : connection_(sqlite3_context_db_handle(context)) {}
  void spend(std::size_t steps) {
    spent_ += steps;
    if (spent_ < 65536) return;
    spent_ = 0;
    if (is_interrupted(connection_)) throw Interrupted();
  }

 private:
  sqlite3* connection_;
  std::size_t spent_ = 0;
};

/// guarded(), which also knows what TooBig and Interrupted are to the engine.
template <class Body>
void guarded_work(sqlite3_context* context, Body&& body) noexcept {
  guarded(context, [&] {
    try {
      body();
    } catch (const TooBig&) {
      sqlite3_result_error_toobig(context);
    } catch (const Interrupted&) {
      sqlite3_result_error(context, "interrupted", -1);
      sqlite3_result_error_code(context, SQLITE_INTERRUPT);
    }
  });
}

}  // namespace libsql::functions
