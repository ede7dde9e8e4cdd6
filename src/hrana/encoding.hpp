// How messages are written, and what is thrown when they cannot be read or written.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "core/decode_error.hpp"

namespace libsql::hrana {

enum class Encoding : std::uint8_t { Json, Protobuf };

using core::DecodeError;
using core::kMaxJsonDepth;

/// A request that the encoding cannot express: text that is not UTF-8; an infinite number in JSON.
class EncodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace libsql::hrana
