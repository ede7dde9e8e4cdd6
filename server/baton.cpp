#include "server/baton.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "core/base64.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kHead = 16;
constexpr std::size_t kBytes = kHead + 32;
constexpr std::size_t kOpenCode = 16;  // bytes of the code without a secret
constexpr std::size_t kReplaceableBytes = kBytes + kOpenCode;
// No secret: what it signs is worth nothing.
constexpr std::array<std::byte, 32> kOpenKey{};
constexpr std::uint64_t kReplaceable = std::uint64_t{1} << 63;

void put(std::byte* to, std::uint64_t number) noexcept {
  for (int i = 7; i >= 0; --i, number >>= 8) to[i] = static_cast<std::byte>(number & 0xff);
}

std::uint64_t get(const std::byte* from) noexcept {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<std::uint64_t>(from[i]);
  return number;
}

void fill_randomly(void* to, std::size_t bytes) {
  if (RAND_bytes(static_cast<unsigned char*>(to), static_cast<int>(bytes)) != 1) {
    throw std::runtime_error("the system gives no random numbers");
  }
}

}  // namespace

BatonSigner::BatonSigner() { fill_randomly(key_.data(), key_.size()); }

Baton BatonSigner::random_place() {
  std::array<std::uint64_t, 2> numbers;
  do {
    fill_randomly(numbers.data(), sizeof numbers);
  } while (numbers[0] == 0);
  return {numbers[0], numbers[1] >> 2};
}

BatonSigner::Mac BatonSigner::mac(const Key& key, std::span<const std::byte> head, std::string_view name_space,
                                  std::string_view binding) {
  std::string signed_text(reinterpret_cast<const char*>(head.data()), head.size());
  signed_text += name_space;
  signed_text += '\0';  // which no name has
  signed_text += binding;
  Mac result;
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(),
       reinterpret_cast<unsigned char*>(result.data()), &length);
  return result;
}

std::string BatonSigner::sign(const Baton& baton, std::string_view name_space, std::string_view binding) const {
  std::array<std::byte, kReplaceableBytes> bytes;
  put(bytes.data(), baton.stream);
  put(bytes.data() + 8, (baton.sequence & ~kReplaceable) | (baton.is_replaceable ? kReplaceable : 0));
  const Mac code = mac(key_, std::span(bytes).first(kHead), name_space, binding);
  auto end = std::copy(code.begin(), code.end(), bytes.begin() + kHead);
  if (baton.is_replaceable) {
    const Mac open = mac(kOpenKey, std::span(bytes).first(kBytes), name_space, binding);
    end = std::copy(open.begin(), open.begin() + kOpenCode, end);
  }
  std::string text;
  core::append_base64(std::span(bytes.begin(), end), text);
  return text;
}

std::optional<Baton> BatonSigner::verify(std::string_view text, std::string_view name_space,
                                         std::string_view binding) const {
  std::array<std::byte, core::base64_capacity(core::base64_length(kReplaceableBytes))> bytes;
  const bool is_long = text.size() == core::base64_length(kReplaceableBytes);
  if (!is_long && text.size() != core::base64_length(kBytes)) return std::nullopt;
  if (core::decode_base64(text, bytes.data()) != (is_long ? kReplaceableBytes : kBytes)) return std::nullopt;
  const std::uint64_t sequence = get(bytes.data() + 8);
  Baton baton{get(bytes.data()), sequence & ~kReplaceable, (sequence & kReplaceable) != 0};
  if (baton.is_replaceable != is_long) return std::nullopt;
  // It covers the other code, too: a baton with any letter changed is none.
  if (is_long) {
    const Mac open = mac(kOpenKey, std::span(bytes).first(kBytes), name_space, binding);
    if (CRYPTO_memcmp(open.data(), bytes.data() + kBytes, kOpenCode) != 0) return std::nullopt;
  }
  const Mac code = mac(key_, std::span(bytes).first(kHead), name_space, binding);
  baton.is_foreign = CRYPTO_memcmp(code.data(), bytes.data() + kHead, code.size()) != 0;
  if (baton.is_foreign && !is_long) return std::nullopt;
  return baton;
}

}  // namespace libsql::server
