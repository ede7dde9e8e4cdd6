// Certificates made on the spot: authorities of our own, and what they or nobody signed.
#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace libsql::test {

/// A key with its certificate.
class Certificate {
 public:
  struct Options {
    std::string common_name = "test";
    std::string subject_names = {};  ///< such as "DNS:db.test,IP:127.0.0.1"; empty for an authority
    long valid_from = -3600;         ///< seconds from now
    long valid_until = 3600;
  };

  /// Signed by `issuer`, or by itself if that is null.
  Certificate(const Options& options, const Certificate* issuer) : key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    certificate_.reset(X509_new(), X509_free);
    X509* certificate = certificate_.get();
    X509_set_version(certificate, 2);
    static long serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), options.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_until);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(issuer != nullptr ? issuer->certificate_.get() : certificate));
    X509_set_pubkey(certificate, key_.get());
    if (options.subject_names.empty()) {
      extend(NID_basic_constraints, "critical,CA:TRUE");
      extend(NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
      extend(NID_subject_alt_name, options.subject_names.c_str());
    }
    if (X509_sign(certificate, issuer != nullptr ? issuer->key_.get() : key_.get(), EVP_sha256()) == 0) {
      throw std::runtime_error("the test cannot sign a certificate");
    }
  }

  /// Writes `path`.pem with the certificate and `path`.key with the key.
  void write(const std::string& path) const {
    std::ofstream(path + ".pem") << pem();
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::ofstream(path + ".key") << text_of(bio);
  }

  std::string pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate_.get());
    return text_of(bio);
  }

  /// SHA-256 of the public key, in hexadecimal.
  std::string pin() const {
    const std::array<unsigned char, 32> digest = key_digest();
    std::string text;
    for (const unsigned char byte : digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }
  /// The same in base64.
  std::string pin_base64() const {
    const std::array<unsigned char, 32> digest = key_digest();
    unsigned char text[64];
    const int size = EVP_EncodeBlock(text, digest.data(), static_cast<int>(digest.size()));
    return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
  }

 private:
  void extend(int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
    if (extension == nullptr) throw std::runtime_error("the test cannot extend a certificate");
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
  }
  std::array<unsigned char, 32> key_digest() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_.get(), &der);
    std::array<unsigned char, 32> digest{};
    EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    return digest;
  }

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace libsql::test
