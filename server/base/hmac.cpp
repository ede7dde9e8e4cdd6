#include "server/base/hmac.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace libsql::server {
namespace {

[[noreturn]] void fail() { throw std::runtime_error("OpenSSL cannot compute SHA-256"); }

std::shared_ptr<EVP_MD_CTX> new_context() {
  std::shared_ptr<EVP_MD_CTX> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (context == nullptr) fail();
  return context;
}

// The hash after its first block: the key, padded with zeros, each byte XORed with `pad`.
std::shared_ptr<const EVP_MD_CTX> begun(const Hmac::Key& key, std::byte pad) {
  constexpr std::size_t kBlock = 64;  // the block size of SHA-256 in bytes
  std::array<std::byte, kBlock> block{};
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = (i < key.size() ? key[i] : std::byte{0}) ^ pad;
  const std::shared_ptr<EVP_MD_CTX> context = new_context();
  if (EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), block.data(), block.size()) != 1) {
    fail();
  }
  return context;
}

}  // namespace

Hmac::Hmac(const Key& key) : inner_(begun(key, std::byte{0x36})), outer_(begun(key, std::byte{0x5c})) {}

Hmac::Code Hmac::operator()(std::initializer_list<std::string_view> parts) const {
  const std::shared_ptr<EVP_MD_CTX> context = new_context();
  Code code;
  auto* const out = reinterpret_cast<unsigned char*>(code.data());
  bool good = EVP_MD_CTX_copy_ex(context.get(), inner_.get()) == 1;
  for (const std::string_view part : parts) {
    good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  good = good && EVP_DigestFinal_ex(context.get(), out, nullptr) == 1 &&
         EVP_MD_CTX_copy_ex(context.get(), outer_.get()) == 1 &&
         EVP_DigestUpdate(context.get(), code.data(), code.size()) == 1 &&
         EVP_DigestFinal_ex(context.get(), out, nullptr) == 1;
  if (!good) fail();
  return code;
}

}  // namespace libsql::server
