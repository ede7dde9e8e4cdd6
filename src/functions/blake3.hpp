// The hash function BLAKE3, unkeyed, with its usual 32 bytes.
#pragma once

#include <array>
#include <string_view>

namespace libsql::functions {

class Work;

/// `work` counts the bytes; it throws once the statement was interrupted.
std::array<unsigned char, 32> blake3(std::string_view bytes, Work& work);

}  // namespace libsql::functions
