#include "replication/log/segment_cipher.hpp"

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/errors.hpp"

namespace libsql::replication {
namespace {

[[noreturn]] void fail() { core::throw_error(ErrorCode::Io, "the encryption of the replication log failed"); }

void require(int result) {
  if (result != 1) fail();
}

struct Free {
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

const unsigned char* bytes_of(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

SegmentCipher::SegmentCipher(std::span<const std::byte> database_key, const Nonce& nonce) {
  constexpr std::string_view kPurpose = "libsql replication log";
  std::array<unsigned char, 40> derived{};
  std::size_t size = derived.size();
  const std::unique_ptr<EVP_PKEY_CTX, Free> context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  if (context == nullptr) fail();
  require(EVP_PKEY_derive_init(context.get()));
  require(EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()));
  require(EVP_PKEY_CTX_set1_hkdf_salt(context.get(), bytes_of(nonce), static_cast<int>(nonce.size())));
  require(EVP_PKEY_CTX_set1_hkdf_key(context.get(), bytes_of(database_key), static_cast<int>(database_key.size())));
  require(EVP_PKEY_CTX_add1_hkdf_info(context.get(), reinterpret_cast<const unsigned char*>(kPurpose.data()),
                                      static_cast<int>(kPurpose.size())));
  require(EVP_PKEY_derive(context.get(), derived.data(), &size));
  std::copy_n(derived.begin(), key_.size(), key_.begin());
  std::memcpy(check_.data(), &derived[key_.size()], check_.size());
}

void SegmentCipher::apply(std::span<std::byte> bytes, std::uint64_t offset) const {
  constexpr std::size_t kBlock = 16;
  std::array<unsigned char, kBlock> counter{};
  std::uint64_t block = offset / kBlock;
  for (std::size_t i = kBlock; block != 0; block >>= 8U) counter[--i] = static_cast<unsigned char>(block);
  const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  if (context == nullptr) fail();
  require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, key_.data(), counter.data()));
  int done = 0;
  std::array<unsigned char, kBlock> skipped{};
  if (const auto skip = static_cast<int>(offset % kBlock); skip != 0) {
    require(EVP_EncryptUpdate(context.get(), skipped.data(), &done, skipped.data(), skip));
  }
  while (!bytes.empty()) {
    const std::span<std::byte> part = bytes.first(std::min<std::size_t>(bytes.size(), INT_MAX / 2));
    auto* const at = reinterpret_cast<unsigned char*>(part.data());
    require(EVP_EncryptUpdate(context.get(), at, &done, at, static_cast<int>(part.size())));
    bytes = bytes.subspan(part.size());
  }
}

SegmentCipher::Nonce SegmentCipher::random_nonce() {
  Nonce nonce;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(nonce.data()), static_cast<int>(nonce.size())));
  return nonce;
}

}  // namespace libsql::replication
