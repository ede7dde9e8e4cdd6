// What a connection's encryption rests on.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace libsql::net {

/// How a client decides whether the peer is who it should be.
struct TlsClientOptions {
  /// Trusted roots: a PEM file instead of the system's.
  std::string ca_file = {};
  /// The same from memory; used together with ca_file if both are given.
  std::string ca_pem = {};
  /// SHA-256 of the acceptable public keys (of the DER SubjectPublicKeyInfo), each as 64 hexadecimal digits or in
  /// base64, with or without "sha256/" or "sha256//" before it. If any is given, the peer's own certificate must have
  /// one of them, and that replaces the chain of trust and the host name, so a self-signed certificate can be pinned.
  std::vector<std::string> pinned_public_keys = {};
  /// The name the certificate must be made out to (and that SNI sends), if it is not the origin's host.
  std::string server_name = {};
  /// A client certificate and its key in PEM files, for servers that ask for one.
  std::string certificate_file = {};
  std::string key_file = {};
  /// Accepts every certificate. Whoever is in between reads and changes everything.
  bool accept_any_certificate = false;
};

struct TlsServerOptions {
  std::string certificate_file = {};  ///< PEM; the chain after the own certificate
  std::string key_file = {};          ///< PEM
  /// Roots that a client's certificate must come from; empty: clients need none.
  std::string client_ca_file = {};
};

/// Loaded keys and roots; TLS 1.2 or newer. Loading the system's roots takes milliseconds, so it is shared among
/// connections. Threads: may be shared by all.
class TlsContext {
 public:
  /// Throws NetError Tls if a file cannot be read or is not what it should be.
  static std::shared_ptr<const TlsContext> client(const TlsClientOptions& options);
  static std::shared_ptr<const TlsContext> server(const TlsServerOptions& options);
  /// The client context without any option, made once.
  static std::shared_ptr<const TlsContext> default_client();

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  virtual ~TlsContext();

 protected:
  TlsContext() = default;
};

}  // namespace libsql::net
