#include "hrana/json_values.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <system_error>

#include "core/base64.hpp"

namespace libsql::hrana::json {

namespace {

using Names = std::string_view[];

ValueRef blob_of(JsonReader& reader, std::string_view text) {
  auto* bytes = reinterpret_cast<std::byte*>(reader.arena().bytes(core::base64_capacity(text.size())));
  const auto size = core::decode_base64(text, bytes);
  if (!size) reader.fail("a blob that is not base64");
  return ValueRef(BlobView(bytes, *size));
}

ValueRef integer_of(JsonReader& reader, std::string_view text) {
  const auto value = parse_int64(text);
  if (!value) reader.fail("an integer that is malformed or needs more than 64 bits");
  return ValueRef(*value);
}

ValueRef read_real(JsonReader& reader, Side side) {
  if (reader.null()) {
    if (side == Side::Client) return ValueRef(std::numeric_limits<double>::quiet_NaN());
    // What JSON makes of a NaN or an infinity; which of them it was cannot be told.
    reader.fail("a value of type float is null, as JSON has no NaN and no infinity; NULL is a value of type null");
  }
  return ValueRef(reader.real());
}

// The spelling without white space and with the type first, which nearly all writers use. False, with the reader where
// it was or somewhere behind, if this is another one.
bool read_usual_value(JsonReader& reader, Side side, ValueRef& value) {
  if (!reader.take("{\"type\":\"")) return false;
  if (reader.take("integer\",\"value\":\"")) {
    std::int64_t integer = 0;
    const auto [end, error] = std::from_chars(reader.position(), reader.text_end(), integer);
    if (error != std::errc()) return false;
    reader.rewind(end);
    value = ValueRef(integer);
    return reader.take("\"}");
  }
  if (reader.take("text\",\"value\":")) {
    value = ValueRef(reader.string());
    return reader.take("}");
  }
  if (reader.take("null\"}")) {
    value = ValueRef();
    return true;
  }
  if (reader.take("float\",\"value\":")) {
    value = read_real(reader, side);
    return reader.take("}");
  }
  if (reader.take("blob\",\"base64\":")) {
    value = blob_of(reader, reader.string());
    return reader.take("}");
  }
  return false;
}

ValueRef read_any_value(JsonReader& reader, Side side) {
  JsonObject object(reader);
  const std::string_view type = object.type();
  const bool is_blob = type == "blob";
  const Names names = {is_blob ? "base64" : "value"};
  if (type == "null") {
    object.next({});
    return {};
  }
  const bool is_integer = type == "integer";
  const bool is_float = type == "float";
  if (!is_integer && !is_float && !is_blob && type != "text") {
    reader.fail(DecodeError::Kind::UnknownType, "a value of an unknown type");
  }
  ValueRef value;
  while (object.next(names) >= 0) {
    if (is_float) {
      value = read_real(reader, side);
    } else if (is_integer && reader.peek() != '"') {
      value = integer_of(reader, reader.number());  // No writer of ours, but the digits say exactly what is meant.
    } else if (is_integer) {
      value = integer_of(reader, reader.string());
    } else if (is_blob) {
      value = blob_of(reader, reader.string());
    } else {
      value = ValueRef(reader.string());
    }
  }
  object.require(names, 0);
  return value;
}

}  // namespace

ValueRef read_value(JsonReader& reader, Side side) {
  reader.peek();
  const char* const start = reader.position();
  ValueRef value;
  if (read_usual_value(reader, side, value)) return value;
  reader.rewind(start);
  return read_any_value(reader, side);
}

std::size_t read_values(JsonReader& reader, Side side, core::ArrayBuilder<ValueRef>& to) {
  const std::size_t before = to.size();
  for (JsonArray array(reader); array.next();) to.push_back(read_value(reader, side));
  return to.size() - before;
}

std::optional<std::string_view> read_optional_string(JsonReader& reader) {
  if (reader.null()) return std::nullopt;
  return reader.string();
}

std::optional<std::uint64_t> read_optional_uint64(JsonReader& reader) {
  if (reader.null()) return std::nullopt;
  const auto value = parse_uint64(reader.peek() == '"' ? reader.string() : reader.number());
  if (!value) reader.fail("the number is not an integer, or out of range");
  return value;
}

std::optional<std::int64_t> read_optional_int64(JsonReader& reader) {
  if (reader.null()) return std::nullopt;
  const auto value = parse_int64(reader.peek() == '"' ? reader.string() : reader.number());
  if (!value) reader.fail("the number is not an integer, or out of range");
  return value;
}

WireError read_error(JsonReader& reader) {
  static constexpr Names kNames = {"message", "code", "extended_code"};
  WireError error;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      error.message = reader.string();
    } else if (member == 1) {
      error.code = read_optional_string(reader);
    } else if (reader.peek() == '"') {
      error.extended_code = reader.string();
    } else {
      reader.skip();  // Written down nowhere, so another kind of value is not a reason to lose the error.
    }
  }
  object.require(kNames, 0);
  return error;
}

std::span<const Col> read_cols(JsonReader& reader) {
  static constexpr Names kNames = {"name", "decltype"};
  core::ArrayBuilder<Col> cols(reader.arena());
  for (JsonArray array(reader); array.next();) {
    Col& col = cols.push_back({});
    JsonObject object(reader);
    for (int member; (member = object.next(kNames)) >= 0;) {
      (member == 0 ? col.name : col.decltype_name) = read_optional_string(reader);
    }
  }
  return cols.finish();
}

namespace {

StepBegin read_step_begin(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"step", "cols"};
  StepBegin entry;
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      entry.step = reader.uint32();
    } else {
      entry.cols = read_cols(reader);
    }
  }
  object.require(kNames, 0);
  object.require(kNames, 1);
  return entry;
}

CursorRow read_cursor_row(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"row"};
  core::ArrayBuilder<ValueRef> cells(reader.arena());
  while (object.next(kNames) >= 0) read_values(reader, Side::Client, cells);
  object.require(kNames, 0);
  return {cells.finish()};
}

StepEnd read_step_end(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"affected_row_count", "last_insert_rowid"};
  StepEnd entry;
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      entry.affected_row_count = reader.uint64();
    } else {
      entry.last_insert_rowid = read_optional_int64(reader);
    }
  }
  object.require(kNames, 0);
  return entry;
}

StepError read_step_error(JsonReader& reader, JsonObject& object) {
  static constexpr Names kNames = {"step", "error"};
  StepError entry;
  for (int member; (member = object.next(kNames)) >= 0;) {
    if (member == 0) {
      entry.step = reader.uint32();
    } else {
      entry.error = read_error(reader);
    }
  }
  object.require(kNames, 0);
  object.require(kNames, 1);
  return entry;
}

}  // namespace

std::optional<CursorEntry> read_cursor_entry(JsonReader& reader) {
  JsonObject object(reader);
  const std::string_view type = object.type();
  if (type == "row") return read_cursor_row(reader, object);
  if (type == "step_begin") return read_step_begin(reader, object);
  if (type == "step_end") return read_step_end(reader, object);
  if (type == "step_error") return read_step_error(reader, object);
  if (type == "error") {
    static constexpr Names kNames = {"error"};
    CursorError entry;
    while (object.next(kNames) >= 0) entry.error = read_error(reader);
    object.require(kNames, 0);
    return entry;
  }
  if (type == "replication_index") {
    static constexpr Names kNames = {"replication_index"};
    ReplicationIndex entry;
    while (object.next(kNames) >= 0) entry.value = read_optional_uint64(reader);
    return entry;
  }
  object.next({});
  return std::nullopt;
}

CursorHead read_cursor_head(JsonReader& reader) {
  static constexpr Names kNames = {"baton", "base_url"};
  CursorHead head;
  JsonObject object(reader);
  for (int member; (member = object.next(kNames)) >= 0;) {
    (member == 0 ? head.baton : head.base_url) = read_optional_string(reader);
  }
  return head;
}

}  // namespace libsql::hrana::json
