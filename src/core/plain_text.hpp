// The bytes that a JSON string holds as they are.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace libsql::core {

/// ASCII that a JSON string holds as it is: no quote, no backslash, no control character.
inline bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

/// The first character from `at` on that is not plain.
inline const char* skip_plain(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(' ');
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Bytes from 0x80 on are negative here, so the comparison with the space finds them as well as control characters.
    const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                         _mm_cmplt_epi8(bytes, space));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return at + __builtin_ctz(mask);
  }
#endif
  while (at != end && is_plain(*at)) ++at;
  return at;
}

}  // namespace libsql::core
