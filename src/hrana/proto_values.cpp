#include "hrana/proto_values.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/utf8.hpp"

namespace libsql::hrana::proto {

namespace {

enum ValueField : std::uint32_t { kNull = 1, kInteger = 2, kFloat = 3, kText = 4, kBlob = 5 };

void read_empty(Context& context, std::string_view message) {
  Reader reader(context, message);
  while (reader.next() != 0) reader.skip();
}

ValueRef real_of(Context& context, double value) {
  // A server gives the engine what it gets, and that makes NULL of NaN. A client reads what the server means.
  if (std::isnan(value) && !context.is_client) return {};
  return ValueRef(value);
}

// A value as all writers write it: one field that fills the message, with a length of one byte. False for any other.
bool read_usual_value(Context& context, std::string_view message, ValueRef& value) {
  if (message.size() < 2) return false;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(message[i]); };
  const bool fills = byte(1) == message.size() - 2 && byte(1) < 0x80;
  switch (byte(0)) {
    case kNull << 3U | 2U:
      value = ValueRef();
      return fills && message.size() == 2;
    case kInteger << 3U | 0U: {
      std::uint64_t bits = 0;
      const std::size_t last = message.size() - 1;
      if (last > 9) return false;
      for (std::size_t i = 1; i <= last; ++i) {
        if ((byte(i) >= 0x80) == (i == last)) return false;
        bits |= std::uint64_t{byte(i) & 0x7fU} << (7 * (i - 1));
      }
      value = ValueRef(static_cast<std::int64_t>(bits >> 1U ^ (0 - (bits & 1U))));
      return true;
    }
    case kFloat << 3U | 1U: {
      if (message.size() != 9) return false;
      double real = 0;
      std::memcpy(&real, message.data() + 1, sizeof real);
      value = real_of(context, real);
      return true;
    }
    case kText << 3U | 2U:
      value = ValueRef(message.substr(2));
      return fills && core::is_utf8(message.substr(2));
    case kBlob << 3U | 2U:
      value = ValueRef(std::as_bytes(std::span(message.data() + 2, message.size() - 2)));
      return fills;
    default:
      return false;
  }
}

}  // namespace

ValueRef read_value(Context& context, std::string_view message) {
  ValueRef usual;
  if (read_usual_value(context, message, usual)) return usual;
  Reader reader(context, message);
  ValueRef value;
  bool is_there = false;
  while (const std::uint32_t field = reader.next()) {
    switch (field) {
      case kNull:
        read_empty(context, reader.bytes());
        value = ValueRef();
        break;
      case kInteger:
        value = ValueRef(reader.sint64());
        break;
      case kFloat:
        value = real_of(context, reader.real());
        break;
      case kText:
        value = ValueRef(reader.text());
        break;
      case kBlob: {
        const std::string_view bytes = reader.bytes();
        value = ValueRef(std::as_bytes(std::span(bytes.data(), bytes.size())));
        break;
      }
      default:
        reader.skip();
        continue;
    }
    is_there = true;
  }
  if (!is_there) context.fail(DecodeError::Kind::UnknownType, "a value of an unknown kind");
  return value;
}

std::size_t read_row(Context& context, std::string_view message, core::ArrayBuilder<ValueRef>& to) {
  const std::size_t before = to.size();
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      to.push_back(read_value(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
  return to.size() - before;
}

WireError read_error(Context& context, std::string_view message) {
  WireError error;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      error.message = reader.text();
    } else if (field == 2) {
      error.code = reader.text();
    } else {
      reader.skip();
    }
  }
  return error;
}

Col read_col(Context& context, std::string_view message) {
  Col col;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      col.name = reader.text();
    } else if (field == 2) {
      col.decltype_name = reader.text();
    } else {
      reader.skip();
    }
  }
  return col;
}

namespace {

StepBegin read_step_begin(Context& context, std::string_view message) {
  StepBegin entry;
  core::ArrayBuilder<Col> cols(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      entry.step = reader.uint32();
    } else if (field == 2) {
      cols.push_back(read_col(context, reader.bytes()));
    } else {
      reader.skip();
    }
  }
  entry.cols = cols.finish();
  return entry;
}

StepEnd read_step_end(Context& context, std::string_view message) {
  StepEnd entry;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      entry.affected_row_count = reader.varint();
    } else if (field == 2) {
      entry.last_insert_rowid = reader.sint64();
    } else {
      reader.skip();
    }
  }
  return entry;
}

StepError read_step_error(Context& context, std::string_view message) {
  StepError entry;
  Part error(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      entry.step = reader.uint32();
    } else if (field == 2) {
      error.add(reader.bytes());
    } else {
      reader.skip();
    }
  }
  entry.error = read_error(context, error.bytes());
  return entry;
}

}  // namespace

std::optional<CursorEntry> read_cursor_entry(Context& context, std::string_view message) {
  OneOf entry(context.arena);
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field <= 6) {
      entry.add(field, reader.bytes());
    } else {
      reader.skip();
    }
  }
  switch (entry.field()) {
    case 1:
      return read_step_begin(context, entry.bytes());
    case 2:
      return read_step_end(context, entry.bytes());
    case 3:
      return read_step_error(context, entry.bytes());
    case 4: {
      core::ArrayBuilder<ValueRef> cells(context.arena);
      read_row(context, entry.bytes(), cells);
      return CursorRow{cells.finish()};
    }
    case 5:
      return CursorError{read_error(context, entry.bytes())};
    case 6: {
      ReplicationIndex index;
      Reader inner(context, entry.bytes());
      while (const std::uint32_t field = inner.next()) {
        if (field == 1) {
          index.value = inner.varint();
        } else {
          inner.skip();
        }
      }
      return index;
    }
    default:
      return std::nullopt;
  }
}

CursorHead read_cursor_head(Context& context, std::string_view message) {
  CursorHead head;
  Reader reader(context, message);
  while (const std::uint32_t field = reader.next()) {
    if (field == 1) {
      head.baton = reader.text();
    } else if (field == 2) {
      head.base_url = reader.text();
    } else {
      reader.skip();
    }
  }
  return head;
}

}  // namespace libsql::hrana::proto
