// Short ways to write bytes down and to look into messages.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

#include <libsql/value.hpp>

#include "core/decoded.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"
#include "hrana/messages.hpp"

namespace libsql::hrana::test {

/// The bytes that pairs of hexadecimal digits, with spaces anywhere, stand for.
inline std::string bytes(std::string_view hex) {
  std::string result;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      result += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return result;
}

inline std::string hex(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!result.empty()) result += ' ';
    result += "0123456789abcdef"[byte >> 4U];
    result += "0123456789abcdef"[byte & 15U];
  }
  return result;
}

/// A Protobuf field with bytes: what a message, a string or bytes are.
inline std::string field(std::uint32_t number, std::string_view content) {
  std::string result;
  const auto varint = [&](std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) result += static_cast<char>(value | 0x80U);
    result += static_cast<char>(value);
  };
  varint(number << 3U | 2U);
  varint(content.size());
  return result + std::string(content);
}

inline BlobView blob(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// The kind of the DecodeError that `decode` throws; the test fails if it throws none.
template <class Decode>
DecodeError::Kind fault_of(Decode&& decode) {
  try {
    decode();
  } catch (const DecodeError& error) {
    EXPECT_STRNE(error.what(), "");
    return error.kind();
  }
  ADD_FAILURE() << "no DecodeError was thrown";
  return DecodeError::Kind::TooLarge;
}

template <class Decode>
bool is_refused(Decode&& decode) {
  try {
    decode();
  } catch (const DecodeError&) {
    return true;
  }
  return false;
}

/// A pipeline of one `execute`, in JSON, with these members in the statement.
inline std::string execute_json(std::string_view members) {
  return R"({"requests":[{"type":"execute","stmt":{)" + std::string(members) + "}}]}";
}

/// A pipeline of one `execute` with one argument, written as in the bytes given.
inline std::string argument_json(std::string_view value) {
  return execute_json(R"("sql":"SELECT ?","args":[)" + std::string(value) + "]");
}
inline std::string argument_protobuf(std::string_view value) {
  return field(2, field(2, field(1, field(1, "SELECT ?") + field(3, value))));
}

inline const Stmt& stmt_of(const PipelineRequest& request, std::size_t i = 0) {
  return std::get<ExecuteRequest>(request.requests[i]).stmt;
}

/// The one argument of a pipeline of one `execute`, as an owner.
inline Value decode_argument(Encoding encoding, std::string bytes) {
  const auto request = decode_pipeline_request(encoding, std::move(bytes));
  return Value(stmt_of(*request).args.positional[0]);
}

/// The answer to a pipeline of one `execute` with one row of one cell.
inline std::string cell_json(std::string_view value) {
  return R"({"baton":null,"base_url":null,"results":[{"type":"ok","response":{"type":"execute","result":)"
         R"({"cols":[{"name":"c","decltype":null}],"rows":[[)" +
         std::string(value) + R"(]],"affected_row_count":0,"last_insert_rowid":null}}}]})";
}

inline const StmtResult& result_of(const PipelineResponse& response, std::size_t i = 0) {
  return std::get<ExecuteResponse>(std::get<Response>(response.results[i])).result;
}

}  // namespace libsql::hrana::test
