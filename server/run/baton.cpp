#include "server/run/baton.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>

#include "core/base64.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kHead = 16;
constexpr std::size_t kBytes = kHead + 32;
constexpr std::size_t kOpenCode = 16;  // bytes of the keyless code
constexpr std::size_t kReplaceableBytes = kBytes + kOpenCode;
constexpr std::uint64_t kReplaceable = std::uint64_t{1} << 63;

void put(std::byte* to, std::uint64_t number) noexcept {
  for (int i = 7; i >= 0; --i, number >>= 8) to[i] = static_cast<std::byte>(number & 0xff);
}

std::uint64_t get(const std::byte* from) noexcept {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<std::uint64_t>(from[i]);
  return number;
}

template <class Value>
Value random() {
  Value value;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) != 1) {
    throw std::runtime_error("the system gives no random numbers");
  }
  return value;
}

// The NUL separates name and binding: no namespace's name contains one, so the boundary cannot be moved.
Hmac::Code code_of(const Hmac& hmac, std::span<const std::byte> head, std::string_view name_space,
                   std::string_view binding) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  return hmac({text, name_space, std::string_view("", 1), binding});
}

// A key of zeros: this code keeps nothing secret, it only tells a baton from garbage.
const Hmac& open_hmac() {
  static const Hmac hmac{Hmac::Key{}};
  return hmac;
}

}  // namespace

BatonSigner::BatonSigner() : BatonSigner(random<Hmac::Key>()) {}
// Starts at random, and never at 0, which stands for no stream.
BatonSigner::BatonSigner(const Hmac::Key& key) : hmac_(key), first_((random<std::uint64_t>() >> 2) + 1) {}

std::string BatonSigner::sign(const Baton& baton, std::string_view name_space, std::string_view binding) const {
  std::array<std::byte, kReplaceableBytes> bytes;
  put(bytes.data(), baton.stream);
  put(bytes.data() + 8, (baton.sequence & ~kReplaceable) | (baton.is_replaceable ? kReplaceable : 0));
  const Hmac::Code code = code_of(hmac_, std::span(bytes).first(kHead), name_space, binding);
  auto end = std::copy(code.begin(), code.end(), bytes.begin() + kHead);
  if (baton.is_replaceable) {
    const Hmac::Code open = code_of(open_hmac(), std::span(bytes).first(kBytes), name_space, binding);
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
  // The keyless code also covers the signature, so a baton with any letter changed is invalid.
  if (is_long) {
    const Hmac::Code open = code_of(open_hmac(), std::span(bytes).first(kBytes), name_space, binding);
    if (CRYPTO_memcmp(open.data(), bytes.data() + kBytes, kOpenCode) != 0) return std::nullopt;
  }
  const Hmac::Code code = code_of(hmac_, std::span(bytes).first(kHead), name_space, binding);
  baton.is_foreign = CRYPTO_memcmp(code.data(), bytes.data() + kHead, code.size()) != 0;
  if (baton.is_foreign && !is_long) return std::nullopt;
  return baton;
}

}  // namespace libsql::server
