#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "functions/register.hpp"
#include "functions/sqlite_api.hpp"
#include "functions/target.hpp"
#include "functions/uuid.hpp"

namespace libsql::functions {

namespace {

// The last second whose milliseconds fit the 48 bits of a version 7 UUID.
constexpr sqlite3_int64 kLastSecond = 281474976710;

enum class Form { Text, Blob };

void result_uuid(sqlite3_context* context, const UuidBytes& uuid, Form form) {
  if (form == Form::Blob) {
    sqlite3_result_blob(context, uuid.data(), static_cast<int>(uuid.size()), SQLITE_TRANSIENT);
    return;
  }
  const UuidText text = format_uuid(uuid);
  sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

UuidBytes random_bytes() noexcept {
  UuidBytes bytes;
  sqlite3_randomness(static_cast<int>(bytes.size()), bytes.data());
  return bytes;
}

std::uint64_t unix_milliseconds_now() noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

/// The UUID that an argument holds; nothing if it holds none.
std::optional<UuidBytes> uuid_of(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      if (text == nullptr) throw std::bad_alloc();
      return parse_uuid({text, static_cast<std::size_t>(sqlite3_value_bytes(value))});
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_value_blob(value));
      UuidBytes uuid{};
      if (bytes == nullptr || sqlite3_value_bytes(value) != static_cast<int>(uuid.size())) return std::nullopt;
      std::copy_n(bytes, uuid.size(), uuid.begin());
      return uuid;
    }
    default:
      return std::nullopt;
  }
}

template <Form form>
void uuid4(sqlite3_context* context, int /*count*/, sqlite3_value** /*arguments*/) noexcept {
  guarded(context, [&] { result_uuid(context, make_uuid4(random_bytes()), form); });
}

template <Form form>
void uuid7(sqlite3_context* context, int /*count*/, sqlite3_value** /*arguments*/) noexcept {
  guarded(context, [&] { result_uuid(context, make_uuid7(random_bytes(), unix_milliseconds_now()), form); });
}

bool is_encodable(sqlite3_int64 seconds) noexcept { return seconds > 0 && seconds <= kLastSecond; }

UuidBytes uuid7_at(sqlite3_int64 seconds) noexcept {
  return make_uuid7(random_bytes(), static_cast<std::uint64_t>(seconds) * 1000);
}

/// uuid7(seconds): NULL unless it is an integer and a valid time.
template <Form form>
void uuid7_of_seconds(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded(context, [&] {
    if (sqlite3_value_type(arguments[0]) != SQLITE_INTEGER) return;
    const sqlite3_int64 seconds = sqlite3_value_int64(arguments[0]);
    if (is_encodable(seconds)) result_uuid(context, uuid7_at(seconds), form);
  });
}

/// uuid7_str(seconds): an integer, or text that is one; anything else is an error.
void uuid7_text_of_seconds(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded(context, [&] {
    if (sqlite3_value_numeric_type(arguments[0]) != SQLITE_INTEGER)
      throw std::runtime_error("Extension error: Invalid Argument");
    const sqlite3_int64 seconds = sqlite3_value_int64(arguments[0]);
    if (!is_encodable(seconds)) throw std::runtime_error("Extension error: Invalid timestamp");
    result_uuid(context, uuid7_at(seconds), Form::Text);
  });
}

template <Form form>
void convert(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded(context, [&] {
    if (const auto uuid = uuid_of(arguments[0])) result_uuid(context, *uuid, form);
  });
}

void timestamp(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded(context, [&] {
    const auto uuid = uuid_of(arguments[0]);
    if (!uuid) return;
    if (const auto milliseconds = uuid7_milliseconds(*uuid)) sqlite3_result_int64(context, *milliseconds);
  });
}

}  // namespace

int register_uuid_functions(const Target& target) noexcept {
  return target.add({{"uuid", 0, uuid4<Form::Text>, kRandomFunction},
                     {"uuid4", 0, uuid4<Form::Text>, kRandomFunction},
                     {"uuid4_str", 0, uuid4<Form::Text>, kRandomFunction},
                     {"gen_random_uuid", 0, uuid4<Form::Text>, kRandomFunction},
                     {"uuid7", 0, uuid7<Form::Text>, kRandomFunction},
                     {"uuid7", 1, uuid7_of_seconds<Form::Text>, kRandomFunction},
                     {"uuid7_str", 0, uuid7<Form::Text>, kRandomFunction},
                     {"uuid7_str", 1, uuid7_text_of_seconds, kRandomFunction},
                     {"uuid7_timestamp_ms", 1, timestamp},
                     {"uuid_str", 1, convert<Form::Text>},
                     {"uuid_blob", 1, convert<Form::Blob>}});
}

int register_uuid_blob_functions(const Target& target) noexcept {
  return target.add({{"uuid4", 0, uuid4<Form::Blob>, kRandomFunction},
                     {"uuid7", 0, uuid7<Form::Blob>, kRandomFunction},
                     {"uuid7", 1, uuid7_of_seconds<Form::Blob>, kRandomFunction}});
}

}  // namespace libsql::functions
