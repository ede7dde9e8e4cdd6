// The public Uuid.
#include <bit>
#include <ostream>
#include <random>
#include <string>

#include <libsql/uuid.hpp>

#include "core/errors.hpp"
#include "functions/uuid.hpp"

namespace libsql {

namespace uuid {

namespace {

using functions::UuidBytes;

/// Not the engine's generator: that one is copied by fork(), and parent and child would then make the same UUIDs.
UuidBytes random_bytes() {
  UuidBytes bytes;
  try {
    std::random_device device;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      const std::uint32_t word = device();
      for (std::size_t j = 0; j < 4; ++j) bytes[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
  } catch (const std::exception& failure) {
    core::throw_error(ErrorCode::Io, std::string("uuid: no random bytes: ") + failure.what());
  }
  return bytes;
}

Uuid public_form(const UuidBytes& bytes) noexcept { return Uuid(std::bit_cast<Uuid::Bytes>(bytes)); }
UuidBytes internal_form(const Uuid& uuid) noexcept { return std::bit_cast<UuidBytes>(uuid.bytes()); }

}  // namespace

Uuid Uuid::v4() { return public_form(functions::make_uuid4(random_bytes())); }

Uuid Uuid::v7() {
  return v7(std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
}

Uuid Uuid::v7(std::chrono::sys_time<std::chrono::milliseconds> time) {
  const std::int64_t milliseconds = time.time_since_epoch().count();
  if (milliseconds < 0 || milliseconds >= std::int64_t{1} << 48) {
    core::throw_error(ErrorCode::OutOfRange, "uuid: a version 7 UUID holds the years 1970 to 10889 only");
  }
  return public_form(functions::make_uuid7(random_bytes(), static_cast<std::uint64_t>(milliseconds)));
}

Uuid Uuid::parse(std::string_view text) {
  if (const auto uuid = try_parse(text)) return *uuid;
  core::throw_error(ErrorCode::TypeMismatch, "uuid: not a UUID: '" + std::string(text.substr(0, 64)) + "'");
}

std::optional<Uuid> Uuid::try_parse(std::string_view text) noexcept {
  const auto bytes = functions::parse_uuid(text);
  return bytes ? std::optional(public_form(*bytes)) : std::nullopt;
}

std::string Uuid::to_string() const {
  const functions::UuidText text = functions::format_uuid(internal_form(*this));
  return {text.begin(), text.end()};
}

std::optional<std::chrono::sys_time<std::chrono::milliseconds>> Uuid::timestamp() const noexcept {
  const auto milliseconds = functions::uuid7_milliseconds(internal_form(*this));
  if (!milliseconds) return std::nullopt;
  return std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(*milliseconds));
}

std::ostream& operator<<(std::ostream& out, const Uuid& uuid) { return out << uuid.to_string(); }

}  // namespace uuid

std::string Convert<uuid::Uuid>::to_value(const uuid::Uuid& uuid) { return uuid.to_string(); }

uuid::Uuid Convert<uuid::Uuid>::from_value(ValueRef value) {
  if (value.type() == ValueType::Text) return uuid::Uuid::parse(value.text());
  if (value.type() != ValueType::Blob || value.is_zero_blob()) detail::throw_type_mismatch(value.type(), "a UUID");
  uuid::Uuid::Bytes bytes;
  if (value.size() != bytes.size()) {
    core::throw_error(ErrorCode::TypeMismatch,
                      "uuid: a blob of " + std::to_string(value.size()) + " bytes is not a UUID");
  }
  std::copy_n(value.blob().data(), bytes.size(), bytes.begin());
  return uuid::Uuid(bytes);
}

}  // namespace libsql
