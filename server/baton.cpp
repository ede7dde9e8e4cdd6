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

std::uint64_t BatonSigner::random_number() {
  std::uint64_t number = 0;
  fill_randomly(&number, sizeof number);
  return number;
}

BatonSigner::Mac BatonSigner::mac(const std::byte* head, std::string_view name_space, std::string_view binding) const {
  std::string signed_text(reinterpret_cast<const char*>(head), kHead);
  signed_text += name_space;
  signed_text += '\0';  // which no name has
  signed_text += binding;
  Mac result;
  unsigned length = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(),
       reinterpret_cast<unsigned char*>(result.data()), &length);
  return result;
}

std::string BatonSigner::sign(const Baton& baton, std::string_view name_space, std::string_view binding) const {
  std::array<std::byte, kBytes> bytes;
  put(bytes.data(), baton.stream);
  put(bytes.data() + 8, (baton.sequence & ~kReplaceable) | (baton.is_replaceable ? kReplaceable : 0));
  const Mac code = mac(bytes.data(), name_space, binding);
  std::copy(code.begin(), code.end(), bytes.begin() + kHead);
  std::string text;
  core::append_base64(bytes, text);
  return text;
}

std::optional<Baton> BatonSigner::verify(std::string_view text, std::string_view name_space,
                                         std::string_view binding) const {
  if (text.size() != core::base64_length(kBytes)) return std::nullopt;
  std::array<std::byte, core::base64_capacity(core::base64_length(kBytes))> bytes;
  if (core::decode_base64(text, bytes.data()) != kBytes) return std::nullopt;
  const Mac code = mac(bytes.data(), name_space, binding);
  if (CRYPTO_memcmp(code.data(), bytes.data() + kHead, code.size()) != 0) return std::nullopt;
  const std::uint64_t sequence = get(bytes.data() + 8);
  return Baton{get(bytes.data()), sequence & ~kReplaceable, (sequence & kReplaceable) != 0};
}

}  // namespace libsql::server
