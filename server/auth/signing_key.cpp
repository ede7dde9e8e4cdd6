#include "server/auth/signing_key.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <new>

#include "server/auth/base64url.hpp"

namespace libsql::server {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
using BioHandle = std::unique_ptr<BIO, BioDeleter>;

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

SigningKey SigningKey::generate() {
  KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  if (key == nullptr) throw KeyError("no key could be generated: the system provides no randomness");
  return SigningKey(std::move(key));
}

SigningKey SigningKey::parse(std::string_view pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // Never asks for a password: a prompt would wait for a terminal that may not exist.
  const auto refuse_password = [](char*, int, int, void*) -> int { return -1; };
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (key == nullptr) throw KeyError("the key file holds no PRIVATE KEY that can be read without a password");
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) throw KeyError("the key in the key file is not an Ed25519 key");
  return SigningKey(std::move(key));
}

std::string SigningKey::private_pem() const {
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr || PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    throw std::bad_alloc();
  }
  return text_of(bio.get());
}

std::string SigningKey::public_pem() const {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key_.get()) != 1) throw std::bad_alloc();
  return text_of(bio.get());
}

std::string SigningKey::sign_token(std::string_view claims_json) const {
  std::string token = encode_base64url(R"({"alg":"EdDSA","typ":"JWT"})") + "." + encode_base64url(claims_json);
  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (context == nullptr || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(token.data()), token.size()) != 1) {
    throw std::bad_alloc();
  }
  return token + "." + encode_base64url(signature);
}

}  // namespace libsql::server
