// What holds for every message that a decoder accepts: it can be written, what is written is accepted again, and
// written again it is the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/decoded.hpp"
#include "fuzz/require.hpp"
#include "hrana/decode.hpp"
#include "hrana/encode.hpp"

namespace hrana_fuzz {

using fuzz::require;

/// `decode(source)` returns a Decoded message, or throws DecodeError.
template <class Decode>
void check(libsql::hrana::Encoding encoding, std::string_view input, Decode&& decode) {
  std::string first;
  try {
    const auto decoded = decode(libsql::core::Source::borrowed(input));
    libsql::hrana::encode(encoding, *decoded, first);
  } catch (const libsql::hrana::DecodeError& error) {
    require(error.offset() <= input.size(), "the fault lies outside the message");
    return;
  }
  std::string copy = first;
  const auto again = decode(libsql::core::Source(std::move(copy)));
  std::string second;
  libsql::hrana::encode(encoding, *again, second);
  require(first == second, "a message changes when it is read and written");
}

}  // namespace hrana_fuzz
