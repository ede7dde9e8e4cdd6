/// \file
/// How a database on a server is opened.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/database.hpp>
#include <libsql/export.hpp>
#include <libsql/query_log.hpp>

namespace libsql {

/// How the client speaks with the server.
enum class RemoteProtocol : std::uint8_t {
  Auto,       ///< what the URL says: WebSocket for ws: and wss:, else HTTP
  Http,       ///< requests over HTTP/1.1
  WebSocket,  ///< one WebSocket per Connection
};

/// How messages are written.
enum class RemoteEncoding : std::uint8_t {
  Auto,      ///< Protobuf if the server has it, else JSON; asked once per Database
  Json,      ///< asks nothing; Hrana 3, and 2 if the server lacks 3
  Protobuf,  ///< Protocol if the server lacks it
};

/// How the server proves who it is, for https:, wss: and libsql: URLs.
struct RemoteTls {
  /// Trusted roots (PEM) in place of the system's.
  std::filesystem::path ca_file{};
  /// The same from memory.
  std::string ca_pem{};
  /// SHA-256 of the public keys (of the DER SubjectPublicKeyInfo) that the server's certificate may have, each in
  /// hexadecimal or base64. If any is given, it replaces the chain of trust and the host name.
  std::vector<std::string> pinned_public_keys{};
  /// The name that the certificate must be made out to, if it is not the URL's host.
  std::string server_name{};
  /// A client certificate and its key (PEM), for servers that ask for one.
  std::filesystem::path certificate_file{};
  std::filesystem::path key_file{};
  /// Accepts every certificate: whoever is in between reads and changes everything. For tests.
  bool accept_any_certificate = false;
};

namespace detail {
struct RemoteOptions;
}

/// Opens a database on a server that speaks Hrana, libSQL's remote protocol: `libsql serve`, sqld, Turso Cloud.
///
/// Defaults: protocol and encoding as the URL and the server say, 10 s to connect, 60 s for a call, 5 s for locks,
/// three more attempts for what is safe to repeat, transactions kept alive. Threads: one at a time.
class LIBSQL_EXPORT RemoteBuilder final {
 public:
  /// `url`: libsql:, https:, http:, wss: or ws:, with an optional path; `?tls=0` or `1` and `?authToken=` may follow.
  /// An empty token sends none. The URL's token replaces `auth_token`.
  RemoteBuilder(std::string url, std::string auth_token);
  RemoteBuilder(const RemoteBuilder&);
  RemoteBuilder(RemoteBuilder&&) noexcept;
  RemoteBuilder& operator=(const RemoteBuilder&);
  RemoteBuilder& operator=(RemoteBuilder&&) noexcept;
  ~RemoteBuilder();

  /// The database among those of the server (header x-namespace), where its name is not part of the URL.
  RemoteBuilder& name_space(std::string name);
  /// The key, base64, with which the server decrypts the database (header x-turso-encryption-key).
  RemoteBuilder& encryption_key(std::string base64_key);
  /// A further header of every request. Configuration if it is none, or one that the client sets itself.
  RemoteBuilder& header(std::string name, std::string value);
  RemoteBuilder& tls(RemoteTls tls);
  /// A proxy such as "http://user:password@proxy:3128", which is spoken to in plain HTTP: build() throws Unsupported
  /// for another kind. Without it https_proxy, http_proxy and no_proxy of the environment count; nullopt: none of them
  /// does.
  RemoteBuilder& proxy(std::optional<std::string> url);
  RemoteBuilder& protocol(RemoteProtocol protocol);
  RemoteBuilder& encoding(RemoteEncoding encoding);
  /// How long a connection may take to come about, name lookup and TLS included.
  RemoteBuilder& connect_timeout(std::chrono::milliseconds timeout);
  /// How long any one call may take before it throws Timeout; nullopt: as long as it needs.
  RemoteBuilder& default_deadline(std::optional<std::chrono::milliseconds> limit);
  /// How long what writes waits for another connection's lock, before it throws Busy. 0: not at all. A server of ours
  /// is told. For another one of version 3 the client takes the lock in a request of its own, and leaves when the time
  /// has passed: what begins Immediate or Exclusive, and, where the timeout is under 4.5 s, at the price of one request
  /// more, single statements, execute_many() and transactional batches. In execute_batch(), and in a transaction that
  /// began Deferred, such a server waits as long as it likes.
  RemoteBuilder& busy_timeout(std::chrono::milliseconds timeout);
  /// How often a request that failed on the way is tried again, if that is safe: no byte of it was sent, or it only
  /// reads and stands in no transaction.
  RemoteBuilder& retries(unsigned attempts);
  /// How often a transaction in which the program does nothing is shown to the server, which else ends it (sqld after
  /// 10 s). 0: not at all.
  RemoteBuilder& keep_transactions_alive(std::chrono::milliseconds interval);
  /// What a batch or execute_many() sends at most in one request, in statements and in bytes of their arguments and
  /// texts; more becomes several requests.
  RemoteBuilder& batch_limits(std::size_t statements, std::size_t bytes);
  /// How many bytes of rows are kept when a transaction runs something else while rows of it are still coming: its
  /// stream carries one thing at a time. Default 64 MiB. What needs more throws TooBig, and the rows go on. 0: none are
  /// kept.
  RemoteBuilder& row_buffer(std::size_t bytes);
  /// Whether a connection remembers the settings that statements of their own make (`PRAGMA foreign_keys = OFF`) and
  /// makes them again wherever it goes on, at the price of one request more for each statement or transaction that
  /// follows. Without it, the default, such a statement outside a transaction throws Unsupported.
  RemoteBuilder& keep_settings(bool on = true);
  /// As LocalBuilder::query_log().
  RemoteBuilder& query_log(QueryLog log);

  /// Checks the options; the server is first asked by the first statement. Throws Configuration, Unsupported.
  Database build() const;

 private:
  friend struct detail::Access;
  std::unique_ptr<detail::RemoteOptions> options_;
};

}  // namespace libsql
