#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "net/error.hpp"
#include "net/socket_bio.hpp"
#include "net/tls_context.hpp"

namespace libsql::net {
namespace {

using Fingerprint = std::array<unsigned char, 32>;

struct Free {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};

std::string queued_errors() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!text.empty()) text += "; ";
    text += reason != nullptr ? std::string(reason) : "error " + std::to_string(code);
  }
  return text;
}

[[noreturn]] void fail(const std::string& what) {
  const std::string why = queued_errors();
  throw NetError(ErrorKind::Tls, why.empty() ? what : what + ": " + why);
}

using SessionPointer = std::unique_ptr<SSL_SESSION, Free>;

// What servers gave a client to make its next handshake short, by origin. The sessions of a context were all verified
// by its rules. Threads: used by all connections of a context.
class SessionCache {
 public:
  // A copy for the handshake to come; null if there is none.
  SessionPointer take(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(origin);
    if (found == sessions_.end()) return nullptr;
    SessionPointer session = std::move(found->second.back());
    // A ticket of TLS 1.3 that is shown twice lets others see that it is the same client (RFC 8446 C.4).
    if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION) {
      found->second.back().reset(SSL_SESSION_dup(session.get()));
      if (found->second.back() != nullptr) return session;
    }
    found->second.pop_back();
    if (found->second.empty()) sessions_.erase(found);
    return session;
  }

  // The connection that a session comes from may change it later, so a copy is kept.
  void put(const std::string& origin, SSL_SESSION* session) noexcept {
    try {
      SessionPointer copy(SSL_SESSION_dup(session));
      if (copy == nullptr) return;
      const std::lock_guard lock(mutex_);
      if (sessions_.size() >= kOrigins && !sessions_.contains(origin)) sessions_.erase(sessions_.begin());
      std::vector<SessionPointer>& kept = sessions_[origin];
      const bool replaces = SSL_SESSION_get_protocol_version(copy.get()) < TLS1_3_VERSION;
      if (!kept.empty() && (replaces || kept.size() >= kEach)) kept.erase(kept.begin());
      kept.push_back(std::move(copy));
    } catch (const std::bad_alloc&) {  // the next handshake is a long one
      return;
    }
  }

 private:
  static constexpr std::size_t kOrigins = 64;
  static constexpr std::size_t kEach = 8;  // connections that a client opens at once, about

  std::mutex mutex_;
  std::map<std::string, std::vector<SessionPointer>> sessions_;  // never an empty vector
};

class Context final : public TlsContext {
 public:
  explicit Context(const SSL_METHOD* method) : handle(SSL_CTX_new(method)) {
    clear_tls_errors();
    if (!handle) fail("no TLS context");
    SSL_CTX_set_min_proto_version(handle.get(), TLS1_2_VERSION);
    // RELEASE_BUFFERS: an idle connection then keeps no 32 KiB of buffers.
    SSL_CTX_set_mode(handle.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_options(handle.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  }

  std::unique_ptr<SSL_CTX, Free> handle;
  std::vector<Fingerprint> pins;
  std::string server_name;
  bool verify_name = false;
  mutable SessionCache sessions;  // of a client
};

SSL_CTX* raw(const Context& context) noexcept { return context.handle.get(); }

void load_identity(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    fail("the certificate " + certificate + " cannot be used");
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("the private key " + key + " cannot be used");
  }
  if (SSL_CTX_check_private_key(context) != 1) fail("the private key does not belong to the certificate");
}

void load_roots(SSL_CTX* context, const std::string& pem) {
  std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (true) {
    std::unique_ptr<X509, Free> root(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!root) break;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());
    ++count;
  }
  if (count == 0) fail("the trusted roots hold no certificate in PEM");
  ERR_clear_error();  // The end of the file is an error to PEM_read_bio_X509().
}

// Takes "sha256/" or "sha256//" away. One hash in 64 begins with a slash itself in base64, so only the length tells.
std::string_view without_prefix(std::string_view text) noexcept {
  constexpr std::string_view kPrefix = "sha256/";
  if (!text.starts_with(kPrefix)) return text;
  text.remove_prefix(kPrefix.size());
  constexpr std::size_t kBase64 = 43, kHexadecimal = 64;  // of 32 bytes, without padding
  const std::size_t size = text.find_last_not_of('=') + 1;
  if (text.starts_with('/') && (size == kBase64 + 1 || size == kHexadecimal + 1)) text.remove_prefix(1);
  return text;
}

Fingerprint parse_pin(std::string_view text) {
  text = without_prefix(text);
  Fingerprint pin{};
  if (text.size() == 64) {
    for (std::size_t i = 0; i < 32; ++i) {
      unsigned value = 0;
      for (const char c : text.substr(2 * i, 2)) {
        const char l = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9') {
          value = value * 16 + static_cast<unsigned>(c - '0');
        } else if (l >= 'a' && l <= 'f') {
          value = value * 16 + static_cast<unsigned>(l - 'a' + 10);
        } else {
          throw NetError(ErrorKind::Tls, "a pinned public key is neither hexadecimal nor base64");
        }
      }
      pin[i] = static_cast<unsigned char>(value);
    }
    return pin;
  }
  std::string padded(text);
  while (padded.size() % 4 != 0) padded += '=';
  unsigned char decoded[36];
  if (padded.size() != 44 ||
      EVP_DecodeBlock(decoded, reinterpret_cast<const unsigned char*>(padded.data()), 44) != 33 || padded[42] == '=') {
    throw NetError(ErrorKind::Tls, "a pinned public key is not a SHA-256 in hexadecimal or base64");
  }
  std::memcpy(pin.data(), decoded, pin.size());
  return pin;
}

// Called instead of the check of the chain when keys are pinned: 1 accepts.
int verify_pinned(X509_STORE_CTX* store, void* argument) {
  const auto& context = *static_cast<const Context*>(argument);
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  Fingerprint digest{};
  unsigned length = 0;
  unsigned char* der = nullptr;
  const int size = certificate == nullptr ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  const bool hashed =
      size > 0 && EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), &length, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  if (hashed && std::find(context.pins.begin(), context.pins.end(), digest) != context.pins.end()) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

// Where a connection of a client leads to, attached to it.
struct Destination {
  const Context* context;  // which the connection's SSL_CTX belongs to
  std::string origin;
};

void free_destination(void*, void* destination, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Destination*>(destination);
}

int destination_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_destination);
  return index;
}

// Called when the server has sent a session, with TLS 1.3 at any time after the handshake. 0: it is not taken over.
int keep_session(SSL* connection, SSL_SESSION* session) {
  const auto* const destination = static_cast<const Destination*>(SSL_get_ex_data(connection, destination_index()));
  if (destination != nullptr) destination->context->sessions.put(destination->origin, session);
  return 0;
}

SSL* new_session(const Context& context, int descriptor) {
  clear_tls_errors();
  SSL* session = SSL_new(raw(context));
  BIO* bio = session == nullptr ? nullptr : new_socket_bio(descriptor);
  if (bio == nullptr) {
    SSL_free(session);
    fail("no memory for a TLS session");
  }
  SSL_set_bio(session, bio, bio);
  return session;
}

// The protocol that this room speaks (RFC 7301); a client that does not offer it gets no answer about it.
constexpr unsigned char kAlpn[] = "\x08http/1.1";

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void*) {
  unsigned char* match = nullptr;
  if (SSL_select_next_proto(&match, length, kAlpn, sizeof kAlpn - 1, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = match;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsContext::~TlsContext() = default;

std::shared_ptr<const TlsContext> TlsContext::client(const TlsClientOptions& options) {
  auto context = std::make_shared<Context>(TLS_client_method());
  SSL_CTX* handle = raw(*context);
  context->server_name = options.server_name;
  for (const std::string& pin : options.pinned_public_keys) context->pins.push_back(parse_pin(pin));
  if (options.accept_any_certificate && !context->pins.empty()) {
    throw NetError(ErrorKind::Tls, "pinned public keys and accepting any certificate exclude each other");
  }
  SSL_CTX_set_verify(handle, options.accept_any_certificate ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (!context->pins.empty()) {
    SSL_CTX_set_cert_verify_callback(handle, verify_pinned, context.get());
  } else if (!options.accept_any_certificate) {
    context->verify_name = true;
    if (options.ca_file.empty() && options.ca_pem.empty()) {
      if (SSL_CTX_set_default_verify_paths(handle) != 1) fail("the system's trusted roots cannot be loaded");
    }
    if (!options.ca_file.empty() && SSL_CTX_load_verify_locations(handle, options.ca_file.c_str(), nullptr) != 1) {
      fail("the trusted roots in " + options.ca_file + " cannot be loaded");
    }
    if (!options.ca_pem.empty()) load_roots(handle, options.ca_pem);
  }
  if (!options.certificate_file.empty()) load_identity(handle, options.certificate_file, options.key_file);
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(handle, keep_session);
  if (SSL_CTX_set_alpn_protos(handle, kAlpn, sizeof kAlpn - 1) != 0) fail("no memory for a TLS context");
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::server(const TlsServerOptions& options) {
  auto context = std::make_shared<Context>(TLS_server_method());
  SSL_CTX* handle = raw(*context);
  load_identity(handle, options.certificate_file, options.key_file);
  // Only suites with forward secrecy: who gets the key later reads nothing of what was said before.
  if (SSL_CTX_set_cipher_list(handle, "DEFAULT:!kRSA:!PSK:!SRP:!aNULL:!eNULL") != 1) fail("no TLS suite is left");
  // Without it a server that asks for certificates refuses sessions, and with them the connection.
  constexpr unsigned char kSessions[] = "libsql";
  SSL_CTX_set_session_id_context(handle, kSessions, sizeof kSessions - 1);
  if (!options.client_ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(handle, options.client_ca_file.c_str(), nullptr) != 1) {
      fail("the clients' roots in " + options.client_ca_file + " cannot be loaded");
    }
    SSL_CTX_set_client_CA_list(handle, SSL_load_client_CA_file(options.client_ca_file.c_str()));
    SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  // A name for the cache of sessions is needed as soon as clients show certificates.
  static constexpr unsigned char kName[] = "libsql";
  SSL_CTX_set_session_id_context(handle, kName, sizeof kName - 1);
  SSL_CTX_set_alpn_select_cb(handle, choose_protocol, nullptr);
  return context;
}

std::shared_ptr<const TlsContext> TlsContext::default_client() {
  static const std::shared_ptr<const TlsContext> context = client({});
  return context;
}

SSL* new_client_session(const TlsContext& base, int descriptor, const std::string& host, std::uint16_t port) {
  const auto& context = static_cast<const Context&>(base);
  SSL* session = new_session(context, descriptor);
  std::string name = context.server_name.empty() ? host : context.server_name;
  if (!name.empty() && name.back() == '.') name.pop_back();
  const bool address = is_address(name);
  bool good = address || SSL_set_tlsext_host_name(session, name.c_str()) == 1;  // RFC 6066 3: no addresses in SNI.
  if (context.verify_name) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(session);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = good && (address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())
                            : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size())) == 1;
  }
  if (!good) {
    SSL_free(session);
    fail("the host name " + name + " cannot be checked");
  }
  auto destination = std::make_unique<Destination>(Destination{&context, host + ' ' + std::to_string(port)});
  if (const SessionPointer earlier = context.sessions.take(destination->origin)) {
    SSL_set_session(session, earlier.get());  // without it the handshake is a long one
  }
  if (SSL_set_ex_data(session, destination_index(), destination.get()) == 1) static_cast<void>(destination.release());
  SSL_set_connect_state(session);
  return session;
}

SSL* new_server_session(const TlsContext& base, int descriptor) {
  SSL* session = new_session(static_cast<const Context&>(base), descriptor);
  SSL_set_accept_state(session);
  return session;
}

std::string handshake_failure(SSL* session) {
  std::string why = queued_errors();
  if (const long verified = SSL_get_verify_result(session); verified != X509_V_OK) {
    why = std::string("the certificate is not accepted: ") + (verified == X509_V_ERR_CERT_REJECTED
                                                                  ? "its public key is not a pinned one"
                                                                  : X509_verify_cert_error_string(verified));
  }
  return why;
}

void clear_tls_errors() noexcept { ERR_clear_error(); }

std::string peer_subject_of(SSL* session) {
  std::unique_ptr<X509, Free> certificate(SSL_get_peer_certificate(session));
  if (!certificate) return {};
  std::unique_ptr<BIO, Free> text(BIO_new(BIO_s_mem()));
  if (!text || X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253) < 0)
    return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace libsql::net
