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
  Auto,       ///< by the URL: WebSocket for ws: and wss:, else HTTP
  Http,       ///< requests over HTTP/1.1
  WebSocket,  ///< one WebSocket per Connection
};

/// How messages are encoded.
enum class RemoteEncoding : std::uint8_t {
  Auto,      ///< Protobuf if the server has it, else JSON; asked once per Database
  Json,      ///< asks nothing; Hrana 3, and 2 if the server lacks 3
  Protobuf,  ///< Protocol if the server lacks it
};

/// How the server is authenticated, for https:, wss: and libsql: URLs.
struct RemoteTls {
  /// Trusted root certificates (PEM), instead of the system's.
  std::filesystem::path ca_file{};
  /// The same from memory.
  std::string ca_pem{};
  /// SHA-256 of the public keys (of the DER SubjectPublicKeyInfo) that the server's certificate may have, each in
  /// hexadecimal or base64. If there are any, they replace the checks of the certificate chain and the host name.
  std::vector<std::string> pinned_public_keys{};
  /// The host name that the certificate must have, if it is not the URL's.
  std::string server_name{};
  /// A client certificate and its key (PEM), for servers that ask for one.
  std::filesystem::path certificate_file{};
  std::filesystem::path key_file{};
  /// Accepts every certificate, so anybody in between can read and change everything. For tests only.
  bool accept_any_certificate = false;
};

namespace detail {
struct RemoteOptions;
}

/// Opens a database on a server that speaks Hrana, libSQL's remote protocol: `libsql serve`, sqld, Turso Cloud.
///
/// Defaults: protocol and encoding as the URL and the server allow, 10 s to connect, 60 s for a call, 5 s for locks,
/// three retries of what is safe to repeat, transactions kept alive. Threads: one at a time.
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

  /// The namespace (header x-namespace), if the URL does not contain it.
  RemoteBuilder& name_space(std::string name);
  /// The key, base64, with which the server decrypts the database (header x-turso-encryption-key).
  RemoteBuilder& encryption_key(std::string base64_key);
  /// Adds a header to every request. Configuration if it is not valid, or one that the client sets itself.
  RemoteBuilder& header(std::string name, std::string value);
  RemoteBuilder& tls(RemoteTls tls);
  /// An HTTP proxy, such as "http://user:password@proxy:3128"; build() throws Unsupported for other kinds. Without this
  /// call, the environment variables https_proxy, http_proxy and no_proxy apply; nullopt: no proxy.
  RemoteBuilder& proxy(std::optional<std::string> url);
  RemoteBuilder& protocol(RemoteProtocol protocol);
  RemoteBuilder& encoding(RemoteEncoding encoding);
  /// How long connecting may take, including name lookup and TLS.
  RemoteBuilder& connect_timeout(std::chrono::milliseconds timeout);
  /// How long any one call may take before it throws Timeout; nullopt: as long as it needs.
  RemoteBuilder& default_deadline(std::optional<std::chrono::milliseconds> limit);
  /// How long a write waits for another connection's lock before it throws Busy; 0: not at all. `libsql serve` keeps to
  /// it. With other servers, of version 3, the client requests the lock separately and gives up when the time has
  /// passed: for Immediate and Exclusive transactions and, if the timeout is below 4.5 s, at the cost of one more
  /// request, for single statements, execute_many() and transactional batches. In execute_batch() and in Deferred
  /// transactions such a server decides how long it waits.
  RemoteBuilder& busy_timeout(std::chrono::milliseconds timeout);
  /// How often a request that failed in transit is retried, if that is safe: nothing of it was sent, or all it does,
  /// outside a transaction, is to read or to begin one.
  RemoteBuilder& retries(unsigned attempts);
  /// The interval of the messages that keep an idle transaction alive, which the server would end otherwise (sqld after
  /// 10 s). 0: none are sent.
  RemoteBuilder& keep_transactions_alive(std::chrono::milliseconds interval);
  /// How many statements, and bytes of their arguments and texts, a batch or execute_many() sends in one request; more
  /// are sent in several.
  RemoteBuilder& batch_limits(std::size_t statements, std::size_t bytes);
  /// How many bytes of rows are buffered if a transaction runs a statement while it is still receiving rows, as its
  /// stream carries one thing at a time. Default 64 MiB; 0: none. If that is not enough, the statement throws TooBig,
  /// and the rows can still be read.
  RemoteBuilder& row_buffer(std::size_t bytes);
  /// Whether a connection remembers settings made outside a transaction (`PRAGMA foreign_keys = OFF`) and applies them
  /// again for each later statement or transaction, at the cost of one more request each. By default it does not, and
  /// such a statement throws Unsupported.
  RemoteBuilder& keep_settings(bool on = true);
  /// As LocalBuilder::query_log().
  RemoteBuilder& query_log(QueryLog log);

  /// Checks the options; the server is contacted by the first statement. Throws Configuration, Unsupported.
  Database build() const;

 private:
  friend struct detail::Access;
  std::unique_ptr<detail::RemoteOptions> options_;
};

}  // namespace libsql
