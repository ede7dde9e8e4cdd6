#include "server/auth/public_keys.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "server/auth/base64url.hpp"

namespace libsql::server {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// One block of a PEM text, as read by PEM_read_bio().
struct PemBlock {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;

  PemBlock() = default;
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
  }
};

const unsigned char* as_bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

KeyHandle own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

KeyHandle key_of(const PemBlock& block) {
  const std::string_view name = block.name;
  if (name.find("PRIVATE KEY") != std::string_view::npos) {
    throw KeyError("the key file holds a private key; tokens are checked with the public key alone");
  }
  if (name != "PUBLIC KEY") throw KeyError("the key file has a PEM block that is not a PUBLIC KEY");
  const unsigned char* data = block.data;
  KeyHandle key = own(d2i_PUBKEY(nullptr, &data, block.size));
  ERR_clear_error();
  if (key == nullptr) throw KeyError("the key file holds a PUBLIC KEY that cannot be read");
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) throw KeyError("a key in the key file is not an Ed25519 key");
  return key;
}

std::vector<KeyHandle> keys_of_pem(std::string_view text) {
  const std::unique_ptr<BIO, BioDeleter> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::vector<KeyHandle> keys;
  while (true) {
    PemBlock block;
    if (PEM_read_bio(bio.get(), &block.name, &block.header, &block.data, &block.size) == 0) {
      const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      ERR_clear_error();
      if (!at_end) throw KeyError("the key file holds a damaged PEM block");
      return keys;
    }
    keys.push_back(key_of(block));
  }
}

}  // namespace

PublicKeys PublicKeys::parse(std::string_view text) {
  PublicKeys keys;
  if (text.find("-----BEGIN") != std::string_view::npos) {
    keys.keys_ = keys_of_pem(text);
  } else {
    const auto raw = decode_base64url(trimmed(text));
    if (!raw || raw->size() != kKeyBytes) {
      throw KeyError("the key is neither PEM nor 32 bytes in base64url without padding");
    }
    keys.keys_.push_back(own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_bytes(*raw), raw->size())));
    if (keys.keys_.back() == nullptr) throw KeyError("the raw key is not an Ed25519 key");
  }
  if (keys.keys_.empty()) throw KeyError("the key file holds no PUBLIC KEY");
  return keys;
}

bool PublicKeys::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  for (const KeyHandle& key : keys_) {
    const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
    const bool valid =
        context != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
        EVP_DigestVerify(context.get(), as_bytes(signature), signature.size(), as_bytes(message), message.size()) == 1;
    if (valid) return true;
  }
  ERR_clear_error();
  return false;
}

}  // namespace libsql::server
