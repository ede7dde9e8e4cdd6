#include "cli/database_settings.hpp"

#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <libsql/builder.hpp>
#include <libsql/error.hpp>

#include "cli/errors.hpp"
#include "sql/classify.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::cli {
namespace {

PragmaValue pragma_value(const std::string& text) {
  std::int64_t integer = 0;
  const char* const end = text.data() + text.size();
  if (const auto parsed = std::from_chars(text.data(), end, integer); parsed.ec == std::errc() && parsed.ptr == end) {
    return integer;
  }
  return text;
}

// The journal mode of a database that exists, or nothing if there is none yet or it cannot be told. A shell that only
// looks into a file must not change how the file is written, so the mode is kept; new files get the library's default.
std::optional<std::string> journal_mode_in_use(LocalBuilder builder, const std::string& path) {
  std::error_code ignored;
  if (!path.starts_with("file:") && std::filesystem::file_size(path, ignored) == 0) return std::nullopt;
  try {
    Connection connection = builder.read_only().build().connect();
    return connection.query_value<std::string>("PRAGMA journal_mode");
  } catch (const Error&) {
    return std::nullopt;  // What is wrong shows when it is opened for good.
  }
}

std::string key_variable() {
  const char* const variable = std::getenv(kKeyVariable);
  return variable == nullptr ? std::string() : std::string(variable);
}

// In memory, or a temporary file: there is nothing to encrypt.
bool is_nameless(const std::string& path) {
  return path.empty() || path == ":memory:" || path.starts_with("file::memory:") ||
         (path.starts_with("file:") && path.find("mode=memory") != std::string::npos);
}

bool is_plain_database(const std::string& path) {
  constexpr std::string_view kStart("SQLite format 3\0", 16);
  std::string name = path;
  if (name.starts_with("file:"))
    name = name.substr(5, name.find('?') == std::string::npos ? name.npos : name.find('?') - 5);
  std::array<char, kStart.size()> start{};
  std::ifstream file(name, std::ios::binary);
  return file.read(start.data(), start.size()) && std::string_view(start.data(), start.size()) == kStart;
}

bool sets_journal_mode(const DatabaseSettings& settings) {
  for (const auto& [name, value] : settings.pragmas) {
    if (sql::equals_ignoring_case(name, "journal_mode")) return true;
  }
  return false;
}

}  // namespace

DoubleQuotedStrings double_quoted_strings_of(std::string_view name) {
  if (name == "off") return DoubleQuotedStrings::Off;
  if (name == "schema") return DoubleQuotedStrings::Schema;
  if (name == "on") return DoubleQuotedStrings::On;
  throw UsageError("--double-quoted-strings needs off, schema or on, not \"" + std::string(name) + "\"");
}

bool is_url(std::string_view path) noexcept {
  constexpr std::array<std::string_view, 5> kSchemes = {"libsql://", "http://", "https://", "ws://", "wss://"};
  for (const std::string_view scheme : kSchemes) {
    if (path.starts_with(scheme)) return true;
  }
  return false;
}

namespace {

std::string read_secret(const std::string& path, const char* what) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw CommandError(std::string("cannot read the ") + what + " \"" + path + "\"");
  std::string secret((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.empty()) throw CommandError(std::string("the ") + what + " \"" + path + "\" is empty");
  return secret;
}

}  // namespace

std::string read_key_file(const std::string& path) { return read_secret(path, "key file"); }

namespace {

std::string token(const DatabaseSettings& settings) {
  if (!settings.auth_token_file.empty()) return read_secret(settings.auth_token_file, "token file");
  const char* const variable = std::getenv(kTokenVariable);
  return variable == nullptr ? std::string() : std::string(variable);
}

void refuse(bool given, const char* option) {
  if (given) throw CommandError(std::string(option) + " is for files; the database is on a server");
}

void require_no_token_in_url(const std::string& url) {
  if (url.find("authToken=") == std::string::npos) return;
  throw CommandError("a token in the URL is visible to others: use --auth-token-file, or set " +
                     std::string(kTokenVariable));
}

Database open_remote(const DatabaseSettings& settings) {
  require_no_token_in_url(settings.path);
  refuse(settings.read_only, "--readonly");
  refuse(settings.no_follow, "--nofollow");
  refuse(!settings.vfs.empty(), "--vfs");
  refuse(!settings.cipher.empty(), "--cipher");
  refuse(!settings.key_file.empty(), "--key-file");
  refuse(!settings.pragmas.empty(), "--pragma");
  refuse(!settings.double_quoted_strings.empty(), "--double-quoted-strings");
  RemoteBuilder builder = Builder::remote(settings.path, token(settings));
  builder.default_deadline(std::nullopt);  // Ctrl-C ends what takes too long
  builder.keep_settings();                 // A script is one session, also where its statements are requests apart.
  if (!settings.name_space.empty()) builder.name_space(settings.name_space);
  if (settings.timeout) builder.busy_timeout(*settings.timeout);
  return builder.build();
}

}  // namespace

ReplicaBuilder replica_builder(const DatabaseSettings& settings) {
  if (!is_url(settings.path)) {
    throw UsageError("a replica follows the URL of a server, not \"" + settings.path + "\"");
  }
  require_no_token_in_url(settings.path);
  refuse(settings.read_only, "--readonly");
  refuse(settings.no_follow, "--nofollow");
  refuse(!settings.vfs.empty(), "--vfs");
  refuse(!settings.pragmas.empty(), "--pragma");
  refuse(!settings.double_quoted_strings.empty(), "--double-quoted-strings");
  ReplicaBuilder builder = Builder::remote_replica(settings.replica_file, settings.path, token(settings));
  DatabaseSettings file = settings;
  file.path = settings.replica_file;
  if (const auto encryption = encryption_of(file)) builder.encryption(*encryption);
  if (!settings.name_space.empty()) builder.name_space(settings.name_space);
  return builder;
}

namespace {

Database open_replica(const DatabaseSettings& settings) {
  ReplicaBuilder builder = replica_builder(settings);
  builder.statement_cache_bytes(0).sync_deadline(std::nullopt);  // Ctrl-C ends what takes too long
  if (settings.timeout) builder.busy_timeout(*settings.timeout);
  return builder.build();
}

}  // namespace

bool makes_unwanted_plain_files(const DatabaseSettings& source) {
  return source.key_file.empty() && source.cipher.empty() && !source.decrypted && is_nameless(source.path) &&
         !key_variable().empty();
}

void require_encrypted_copy(const DatabaseSettings& source) {
  if (!makes_unwanted_plain_files(source)) return;
  throw CommandError(std::string("the copy of a database in memory would not be encrypted, and ") + kKeyVariable +
                     " is set: unset it for a plain copy");
}

void require_key_for_files(std::string_view statement) {
  const sql::Classification kind = sql::classify(statement);
  const bool attaches = kind.kind == sql::StatementKind::Attach;
  if ((!attaches && kind.kind != sql::StatementKind::Vacuum) || kind.explain != sql::ExplainMode::None) return;
  sql::Tokenizer tokenizer(statement);
  static_cast<void>(tokenizer.next_significant());
  bool names_file = attaches;
  sql::Token name;
  for (sql::Token token = tokenizer.next_significant(); token.kind != sql::TokenKind::End;
       token = tokenizer.next_significant()) {
    if (attaches && name.text.empty()) {
      if (!sql::is_keyword(token, "DATABASE")) name = token;
    } else if (attaches && sql::is_keyword(token, "KEY")) {
      return;  // it says which
    } else if (!attaches && sql::is_keyword(token, "INTO")) {
      names_file = true;
      name = tokenizer.next_significant();
    }
  }
  const bool literal = name.kind == sql::TokenKind::String || name.kind == sql::TokenKind::QuotedIdentifier;
  const std::string file = literal ? sql::unquote(name.text) : std::string();
  if (!names_file ||
      (literal && (is_nameless(file) || (file.starts_with("file:") && file.find("key=") != std::string::npos))))
    return;
  throw CommandError(std::string("the file would not be encrypted, and ") + kKeyVariable +
                     " is set: unset it for a plain file" + (attaches ? ", or give the key with KEY" : ""));
}

std::optional<Encryption> encryption_of(const DatabaseSettings& settings) {
  if (settings.decrypted) return std::nullopt;
  const bool asked = !settings.key_file.empty() || !settings.cipher.empty();
  std::string key;
  if (!settings.key_file.empty()) {
    key = read_key_file(settings.key_file);
  } else if (asked || !is_nameless(settings.path)) {
    // A variable that is set for this program is meant: ignoring it would write plain text.
    key = key_variable();
    if (asked && key.empty()) {
      throw CommandError(std::string("--cipher needs a key: use --key-file FILE or set ") + kKeyVariable);
    }
    if (!asked && !key.empty() && is_plain_database(settings.path)) {
      throw CommandError("\"" + settings.path + "\" is not encrypted, and " + kKeyVariable +
                         " is set: unset it to open the file as it is");
    }
  }
  if (key.empty()) return std::nullopt;
  return settings.cipher.empty() ? Encryption(std::string_view(key))
                                 : Encryption(std::string_view(key), settings.cipher);
}

Database open_database(const DatabaseSettings& settings) {
  if (!settings.replica_file.empty()) return open_replica(settings);
  if (is_url(settings.path)) return open_remote(settings);
  if (!settings.name_space.empty()) throw CommandError("--namespace is for databases on servers");
  if (!settings.auth_token_file.empty()) throw CommandError("--auth-token-file is for databases on servers");
  LocalBuilder builder = Builder::local(settings.path);
  builder.statement_cache_bytes(0);  // hardly anything is run twice
  if (settings.read_only) builder.read_only();
  if (settings.no_follow) builder.no_follow();
  if (!settings.vfs.empty()) builder.vfs(settings.vfs);
  if (const auto encryption = encryption_of(settings)) builder.encryption(*encryption);
  if (settings.timeout) builder.busy_timeout(*settings.timeout);
  if (!settings.double_quoted_strings.empty()) {
    builder.double_quoted_strings(double_quoted_strings_of(settings.double_quoted_strings));
  }
  if (!settings.read_only && settings.path != ":memory:" && !settings.path.empty() && !sets_journal_mode(settings)) {
    if (const auto mode = journal_mode_in_use(builder, settings.path)) builder.pragma("journal_mode", *mode);
  }
  for (const auto& [name, value] : settings.pragmas) builder.pragma(name, pragma_value(value));
  return builder.build();
}

}  // namespace libsql::cli
