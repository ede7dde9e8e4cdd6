/// \file
/// How a database is opened: one builder type per mode, so options that a mode lacks do not compile.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libsql/database.hpp>
#include <libsql/export.hpp>
#include <libsql/query_log.hpp>
#include <libsql/remote_builder.hpp>
#include <libsql/replica_builder.hpp>
#include <libsql/value.hpp>

namespace libsql {

/// What a connection may do with the file.
enum class OpenMode : std::uint8_t {
  ReadWriteCreate,  ///< the default: created if it does not exist
  ReadWrite,        ///< CannotOpen if it does not exist or cannot be written
  ReadOnly,
};

/// How the engine protects a connection against use by several threads (https://www.sqlite.org/threadsafe.html).
enum class MutexMode : std::uint8_t {
  None,  ///< the default: one thread at a time, as Connection demands
  Full,  ///< serialised; Unsupported where the engine is built without it, as ours is
};

/// Where text in double quotes is a string if no column has that name, as by default in SQLite
/// (https://www.sqlite.org/quirks.html#double_quoted_string_literals_are_accepted).
enum class DoubleQuotedStrings : std::uint8_t {
  Off,     ///< only in the CHECKs, indexes and generated columns of existing tables
  Schema,  ///< the default: in the schema, including views and triggers, and in statements that create or alter it
  On,      ///< in every statement: for programs that need it
};

/// The setting of a PRAGMA: a flag, a number or a word.
using PragmaValue = Value;

/// How a local file is encrypted. The cipher's name is one of SQLite3 Multiple Ciphers': aes128cbc, aes256cbc,
/// chacha20, sqlcipher, rc4, ascon128, aegis (https://utelle.github.io/SQLite3MultipleCiphers/). The default is
/// libSQL's; aegis is faster, for new files.
struct Encryption {
  Encryption() = default;
  Encryption(std::string_view key_text, std::string_view cipher_name = "aes256cbc");
  Encryption(BlobView key_bytes, std::string_view cipher_name = "aes256cbc");

  Blob key;
  std::string cipher = "aes256cbc";
  /// Further parameters of the cipher, such as {"kdf_iter", 4001}; set before the key.
  std::vector<std::pair<std::string, std::int64_t>> parameters;
};

namespace detail {
struct LocalOptions;
}

/// Opens a local file, or a database in memory, in this process.
///
/// Defaults, which pragma() and the options override: journal_mode=WAL, synchronous=NORMAL, foreign_keys=ON,
/// busy_timeout 5 s, a statement cache of 4 MiB, no deadline. Threads: one at a time.
class LIBSQL_EXPORT LocalBuilder final {
 public:
  /// `path`: a file, UTF-8; ":memory:" (one database shared by all connections of the Database that build() gives);
  /// "" (a temporary file per connection); or a "file:" URI (https://www.sqlite.org/uri.html).
  explicit LocalBuilder(std::string path);
  LocalBuilder(const LocalBuilder&);
  LocalBuilder(LocalBuilder&&) noexcept;
  LocalBuilder& operator=(const LocalBuilder&);
  LocalBuilder& operator=(LocalBuilder&&) noexcept;
  ~LocalBuilder();

  LocalBuilder& open_mode(OpenMode mode);
  LocalBuilder& read_only() { return open_mode(OpenMode::ReadOnly); }
  LocalBuilder& no_follow(bool refuse_symbolic_links = true);
  /// Creates the file; CannotOpen if it exists.
  LocalBuilder& exclusive(bool must_not_exist = true);
  LocalBuilder& mutex_mode(MutexMode mode);
  /// The VFS, by its registered name. Configuration if there is no such VFS.
  LocalBuilder& vfs(std::string name);
  LocalBuilder& encryption(Encryption encryption);
  LocalBuilder& busy_timeout(std::chrono::milliseconds timeout);
  /// Any PRAGMA, set on every connection in the order given. Configuration if there is no such PRAGMA, or for a value
  /// that no PRAGMA takes.
  LocalBuilder& pragma(std::string name, PragmaValue value);
  /// Loads an extension on every connection.
  LocalBuilder& extension(std::filesystem::path file, std::string entry_point = {});
  /// A directory that Connection::load_extension() may load from; without any, it may load from everywhere.
  LocalBuilder& extension_directory(std::filesystem::path directory);
  /// The limit of each connection's statement cache in bytes; 0 turns it off.
  LocalBuilder& statement_cache_bytes(std::size_t bytes);
  /// The limit of this database's temporary files in bytes (sorts, temporary tables, VACUUM), for all connections
  /// together. A statement that needs more throws ResourceError with ErrorCode::Full. The default is no limit.
  LocalBuilder& max_temporary_bytes(std::uint64_t bytes);
  /// How long any one call may take before it throws Timeout.
  LocalBuilder& default_deadline(std::chrono::milliseconds limit);
  /// uuid4() and uuid7() in SQL return 16-byte blobs instead of text.
  LocalBuilder& uuid_blobs(bool on = true);
  /// Whether "x" may be a string: in old schemas, which is the default, or also in statements.
  LocalBuilder& double_quoted_strings(DoubleQuotedStrings where);
  /// All writers of this process stand in one line: first come, first served, so none gets Busy before its busy timeout
  /// has passed (docs/concurrency.md). Without it, only Immediate and Exclusive transactions stand in line. build()
  /// throws Configuration for a database that cannot use WAL: a temporary one, or one with another journal_mode.
  LocalBuilder& writers_in_line(bool on = true);
  /// A background thread, one for the process, makes the checkpoints: after a commit that leaves 1000 frames or more in
  /// the log (`PRAGMA wal_autocheckpoint`), and when the Database and everything made from it have ended. No commit and
  /// no close waits for one, so no close syncs a file. What that thread has not done when the process ends is left to
  /// whoever opens the file next, as after a crash: nothing is lost, but until then the file needs its `-wal`
  /// (docs/wal.md). build() throws Configuration for a database that cannot use WAL.
  LocalBuilder& background_checkpoints(bool on = true);
  /// The log size at which a hold on it breaks (Wal::hold()). Default 1 GiB.
  LocalBuilder& max_held_log_bytes(std::uint64_t bytes);

  /// Logs every connection, also after a reset. May be called several times. The callback is called by several threads.
  LocalBuilder& query_log(QueryLog log);

  /// Opens the database, so errors show here. Throws CannotOpen, NotADatabase, Configuration, Unsupported.
  Database build() const;

 private:
  friend struct detail::Access;
  std::unique_ptr<detail::LocalOptions> options_;
};

/// What from_url() takes besides the URL, for programs whose user chooses the mode: shells, configuration files.
/// Settings that are not given have the builder's defaults. Each one says where it applies; elsewhere it throws
/// Configuration.
struct UrlSettings {
  std::optional<std::chrono::milliseconds> busy_timeout = std::nullopt;      ///< everywhere
  std::optional<std::chrono::milliseconds> default_deadline = std::nullopt;  ///< everywhere
  std::vector<QueryLog> query_logs = {};                                     ///< everywhere
  bool read_only = false;                                                    ///< local
  std::optional<Encryption> encryption = std::nullopt;                       ///< local, replica
  std::vector<std::pair<std::string, PragmaValue>> pragmas = {};             ///< local
  std::optional<DoubleQuotedStrings> double_quoted_strings = std::nullopt;   ///< local
  std::string auth_token = {};                                               ///< remote, replica
  std::string name_space = {};                                               ///< remote, replica
  std::string remote_encryption_key = {};                                    ///< remote, replica
  std::optional<RemoteTls> tls = std::nullopt;                               ///< remote, replica
  std::string replica_file = {};  ///< the URL's database is followed by a replica, which is this file
  std::optional<std::chrono::milliseconds> sync_interval = std::nullopt;  ///< replica
  std::optional<bool> read_your_writes = std::nullopt;                    ///< replica
};

/// Where a program starts that needs more than connect().
class LIBSQL_EXPORT Builder final {
 public:
  static LocalBuilder local(std::string path) { return LocalBuilder(std::move(path)); }
  /// A database on a server. An empty token sends none.
  static RemoteBuilder remote(std::string url, std::string auth_token = {}) {
    return RemoteBuilder(std::move(url), std::move(auth_token));
  }
  /// A local file that follows the database on a server. An empty token sends none.
  static ReplicaBuilder remote_replica(std::string path, std::string url, std::string auth_token = {}) {
    return ReplicaBuilder(std::move(path), std::move(url), std::move(auth_token));
  }
  /// A local file that follows frames given by hand.
  static LocalReplicaBuilder local_replica(std::string path) { return LocalReplicaBuilder(std::move(path)); }
  /// Opens what the text names: the URL of a server (libsql:, https:, http:, wss:, ws:), or else what local() takes.
  /// With a `replica_file` the URL is that of its primary. Throws what build() of that builder throws; Configuration
  /// for a setting that the mode does not have.
  static Database from_url(std::string_view url, const UrlSettings& settings = {});
};

/// A connection in one call, for scripts and tests: `auto db = libsql::connect("app.db");`. Takes a path or a URL and
/// opens it as Builder::from_url() does, with the defaults. The connection keeps the database open, also one in memory.
/// An empty token sends none. Throws what from_url() and Database::connect() throw; Configuration for a token with a
/// local database.
LIBSQL_EXPORT Connection connect(std::string_view path_or_url, std::string_view auth_token = {});
/// The same with settings; for a replica: `libsql::connect(url, {.replica_file = "copy.db"})`.
LIBSQL_EXPORT Connection connect(std::string_view path_or_url, const UrlSettings& settings);

}  // namespace libsql
