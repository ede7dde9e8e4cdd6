#include "core/protobuf_reader.hpp"

#include <bit>
#include <cstring>
#include <string>

#include <protozero/varint.hpp>

#include "core/utf8.hpp"

namespace libsql::core::proto {

static_assert(std::endian::native == std::endian::little, "real() reads the bytes as they are");

void Context::fail(DecodeError::Kind kind, std::string_view what) const {
  // A part that was put together from several lies elsewhere; then there is no offset to tell.
  const std::size_t offset = at >= start && at <= end ? static_cast<std::size_t>(at - start) : 0;
  throw DecodeError(kind, offset, "Protobuf, byte " + std::to_string(offset) + ": " + std::string(what));
}

Reader::Reader(Context& context, std::string_view message)
    : context_(context), at_(message.data()), end_(message.data() + message.size()) {
  if (context.depth == kMaxDepth) fail("nested too deeply");
  ++context.depth;
}

std::uint64_t Reader::read_varint() {
  try {
    return protozero::decode_varint(&at_, end_);
  } catch (const protozero::varint_too_long_exception&) {
    fail("a number of more than ten bytes");
  } catch (const protozero::exception&) {
    fail("the message ends within a number");
  }
}

std::uint32_t Reader::next() {
  if (at_ == end_) return 0;
  context_.at = at_;
  const std::uint64_t tag = read_varint();
  const std::uint64_t field = tag >> 3U;
  if (field == 0 || field >= (1U << 29U)) fail("no such field number");
  switch (tag & 7U) {
    case 0:
    case 1:
    case 2:
    case 5:
      wire_ = static_cast<Wire>(tag & 7U);
      break;
    default:
      fail("a field of a wire type that is not used");
  }
  return static_cast<std::uint32_t>(field);
}

std::string_view Reader::take(std::uint64_t size) {
  if (size > static_cast<std::uint64_t>(end_ - at_)) fail("the message ends within a field");
  const std::string_view result(at_, static_cast<std::size_t>(size));
  at_ += size;
  return result;
}

void Reader::skip() {
  switch (wire_) {
    case Wire::Varint:
      read_varint();
      return;
    case Wire::Fixed64:
      take(8);
      return;
    case Wire::Bytes:
      take(read_varint());
      return;
    case Wire::Fixed32:
      take(4);
  }
}

void Reader::expect(Wire wire) const {
  if (wire_ != wire) fail("a field of another wire type");
}

std::uint64_t Reader::varint() {
  expect(Wire::Varint);
  return read_varint();
}

std::int64_t Reader::sint64() { return protozero::decode_zigzag64(varint()); }

double Reader::real() {
  expect(Wire::Fixed64);
  double value = 0;
  std::memcpy(&value, take(8).data(), sizeof value);
  return value;
}

std::string_view Reader::bytes() {
  expect(Wire::Bytes);
  return take(read_varint());
}

std::string_view Reader::text() {
  const std::string_view result = bytes();
  if (!is_utf8(result)) fail("a text that is not UTF-8");
  return result;
}

}  // namespace libsql::core::proto
