// Hashes, and encodings of bytes as text. Names and results are those of sqld's functions.
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "functions/arguments.hpp"
#include "functions/blake3.hpp"
#include "functions/register.hpp"
#include "functions/target.hpp"

namespace libsql::functions {
namespace {

template <const EVP_MD* (*algorithm)()>
void hash(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (is_null(arguments[0])) return;
    const std::string_view bytes = bytes_argument(arguments[0]);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm(), nullptr) != 1) {
      throw std::runtime_error("the cryptographic library does not offer this hash");
    }
    result_blob(context, {reinterpret_cast<const char*>(digest.data()), size});
  });
}

void hash_blake3(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (is_null(arguments[0])) return;
    Work work(context);
    const std::array<unsigned char, 32> digest = blake3(bytes_argument(arguments[0]), work);
    result_blob(context, {reinterpret_cast<const char*>(digest.data()), digest.size()});
  });
}

// -- encodings that take some bits of the text at a time

struct Alphabet {
  std::string_view digits;
  int bits;
  int group;  // a whole number of bytes in this many digits
};
constexpr Alphabet kBase32{"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8};
constexpr Alphabet kBase64{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, 4};

std::string encode_bits(std::string_view bytes, const Alphabet& alphabet) {
  std::string text;
  unsigned buffer = 0;
  int held = 0;
  for (const char byte : bytes) {
    buffer = (buffer << 8 | static_cast<unsigned char>(byte)) & 0xffff;
    for (held += 8; held >= alphabet.bits; held -= alphabet.bits) {
      text += alphabet.digits[buffer >> (held - alphabet.bits) & ((1U << alphabet.bits) - 1)];
    }
  }
  if (held > 0) text += alphabet.digits[buffer << (alphabet.bits - held) & ((1U << alphabet.bits) - 1)];
  while (text.size() % static_cast<std::size_t>(alphabet.group) != 0) text += '=';
  return text;
}

std::string decode_bits(std::string_view text, const Alphabet& alphabet) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  unsigned buffer = 0;
  int held = 0;
  for (char digit : text) {
    if (alphabet.bits == 5 && digit >= 'a' && digit <= 'z') digit = static_cast<char>(digit - 'a' + 'A');
    const std::size_t value = alphabet.digits.find(digit);
    if (value == std::string_view::npos) throw std::runtime_error("invalid input string");
    buffer = (buffer << alphabet.bits | static_cast<unsigned>(value)) & 0xffff;
    held += alphabet.bits;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(buffer >> held & 0xff);
    }
  }
  return bytes;
}

// -- base 85 as Adobe writes it, without <~ and ~>

std::string encode85(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 4) {
    const std::size_t count = std::min<std::size_t>(4, bytes.size() - at);
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) word = word << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    if (word == 0 && count == 4) {
      text += 'z';
      continue;
    }
    std::array<char, 5> digits;
    for (std::size_t i = 5; i-- > 0; word /= 85) digits[i] = static_cast<char>('!' + word % 85);
    text.append(digits.data(), count + 1);
  }
  return text;
}

std::string decode85(std::string_view text) {
  std::string bytes;
  std::uint64_t word = 0;
  std::size_t held = 0;
  const auto flush = [&](std::size_t count) {
    if (word > 0xffffffff) throw std::runtime_error("invalid input string");
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(word >> (24 - 8 * i) & 0xff);
    word = 0;
    held = 0;
  };
  for (const char digit : text) {
    if (digit == 'z' && held == 0) {
      bytes.append(4, '\0');
      continue;
    }
    if (digit < '!' || digit > 'u') throw std::runtime_error("invalid input string");
    word = word * 85 + static_cast<unsigned>(digit - '!');
    if (++held == 5) flush(4);
  }
  if (held == 1) throw std::runtime_error("invalid input string");
  if (held > 0) {
    const std::size_t count = held - 1;
    for (; held < 5; ++held) word = word * 85 + 84;
    flush(count);
  }
  return bytes;
}

// -- hex and URLs

std::optional<unsigned> hex_digit(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return std::nullopt;
}

std::string encode_hex(std::string_view bytes, std::string_view digits = "0123456789abcdef") {
  std::string text;
  for (const char byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) throw std::runtime_error("invalid input string");
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (!high || !low) throw std::runtime_error("invalid input string");
    bytes += static_cast<char>(*high << 4 | *low);
  }
  return bytes;
}

// The characters that RFC 3986 calls unreserved stay.
std::string encode_url(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const bool plain = (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || byte == '-' ||
                       byte == '.' || byte == '_' || byte == '~';
    if (plain) {
      text += byte;
    } else {
      text += '%';
      text += encode_hex({&byte, 1}, "0123456789ABCDEF");
    }
  }
  return text;
}

std::string decode_url(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
    if (!high || !low) throw std::runtime_error("invalid input string");
    bytes += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return bytes;
}

void encode(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (is_null(arguments[0])) return;
    const std::string_view bytes = bytes_argument(arguments[0]);
    if (bytes.size() > longest_result(context) / 3) throw TooBig();  // no encoding makes more of it
    const std::string_view name = is_null(arguments[1]) ? std::string_view() : text_argument(arguments[1]);
    if (name == "base64") return result_text(context, encode_bits(bytes, kBase64));
    if (name == "base32") return result_text(context, encode_bits(bytes, kBase32));
    if (name == "base85") return result_text(context, encode85(bytes));
    if (name == "hex") return result_text(context, encode_hex(bytes));
    if (name == "url") return result_text(context, encode_url(bytes));
    throw std::runtime_error("unknown encoding");
  });
}

void decode(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  guarded_work(context, [&] {
    if (is_null(arguments[0])) return;
    const std::string_view text = text_argument(arguments[0]);
    if (text.size() > longest_result(context) / 4) throw TooBig();  // a z of base 85 stands for four bytes
    const std::string_view name = is_null(arguments[1]) ? std::string_view() : text_argument(arguments[1]);
    if (name == "base64") return result_blob(context, decode_bits(text, kBase64));
    if (name == "base32") return result_blob(context, decode_bits(text, kBase32));
    if (name == "base85") return result_blob(context, decode85(text));
    if (name == "hex") return result_blob(context, decode_hex(text));
    if (name == "url") return result_blob(context, decode_url(text));
    throw std::runtime_error("unknown encoding");
  });
}

}  // namespace

int register_crypto_functions(const Target& target) noexcept {
  return target.add({
      {"crypto_blake3", 1, hash_blake3},
      {"blake3", 1, hash_blake3},
      {"crypto_md5", 1, hash<EVP_md5>},
      {"md5", 1, hash<EVP_md5>},
      {"crypto_sha1", 1, hash<EVP_sha1>},
      {"sha1", 1, hash<EVP_sha1>},
      {"crypto_sha256", 1, hash<EVP_sha256>},
      {"sha256", 1, hash<EVP_sha256>},
      {"crypto_sha384", 1, hash<EVP_sha384>},
      {"sha384", 1, hash<EVP_sha384>},
      {"crypto_sha512", 1, hash<EVP_sha512>},
      {"sha512", 1, hash<EVP_sha512>},
      {"crypto_encode", 2, encode},
      {"encode", 2, encode},
      {"crypto_decode", 2, decode},
      {"decode", 2, decode},
  });
}

}  // namespace libsql::functions
