// What the messages of both packages share: fields as proto3 has them, and how a message is decoded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/decoded.hpp"
#include "core/protobuf_reader.hpp"
#include "core/protobuf_writer.hpp"

namespace libsql::replication {

template <class T>
core::Decoded<T> decode_with(core::Source bytes, T (*read)(core::proto::Context&, std::string_view)) {
  auto storage = std::make_unique<core::DecodedStorage>(std::move(bytes));
  core::proto::Context context(storage->bytes(), storage->arena(), true);
  const T message = read(context, storage->bytes());
  return {std::move(storage), message};
}

// Fields without presence are left out if they are 0 or empty, those with presence if they are not there.

inline void put_uint(std::uint32_t field, std::uint64_t value, std::string& out) {
  if (value != 0) core::proto::append_uint(field, value, out);
}
inline void put_uint(std::uint32_t field, std::optional<std::uint64_t> value, std::string& out) {
  if (value) core::proto::append_uint(field, *value, out);
}
inline void put_int(std::uint32_t field, std::int64_t value, std::string& out) {
  if (value != 0) core::proto::append_int(field, value, out);
}
inline void put_int(std::uint32_t field, std::optional<std::int64_t> value, std::string& out) {
  if (value) core::proto::append_int(field, *value, out);
}
inline void put_bool(std::uint32_t field, bool value, std::string& out) {
  if (value) core::proto::append_bool(field, value, out);
}
inline void put_text(std::uint32_t field, std::string_view text, std::string& out) {
  if (!text.empty()) core::proto::append_text(field, text, out);
}
inline void put_text(std::uint32_t field, std::optional<std::string_view> text, std::string& out) {
  if (text) core::proto::append_text(field, *text, out);
}

}  // namespace libsql::replication
