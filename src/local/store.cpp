#include "local/store.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <thread>

#include "core/errors.hpp"
#include "engine/full_path.hpp"
#include "functions/register.hpp"
#include "local/background.hpp"
#include "local/path.hpp"
#include "local/session.hpp"
#include "sql/pragmas.hpp"
#include "sql/quote.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::local {
namespace {

bool is_set(const Options& options, std::string_view pragma) {
  return std::any_of(options.pragmas.begin(), options.pragmas.end(),
                     [&](const auto& entry) { return sql::equals_ignoring_case(entry.first, pragma); });
}

std::string pragma_text(const std::string& name, const Value& value) {
  switch (value.type()) {
    case ValueType::Integer:
      return std::to_string(value.integer());
    case ValueType::Real:
      if (std::isfinite(value.real())) return to_sql_literal(value.ref());
      break;
    case ValueType::Text:
      return sql::is_bare_pragma_value(value.text()) ? value.text() : sql::quote_literal(value.text());
    default:
      break;
  }
  core::throw_error(ErrorCode::Configuration, "PRAGMA " + name + " takes a flag, a number or a word, not " +
                                                  std::string(to_string(value.type())));
}

bool is_layout_pragma(std::string_view name) {
  const sql::PragmaInfo* const pragma = sql::find_pragma(name);
  return pragma != nullptr && pragma->layout;
}

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return sql::equals_ignoring_case(text, word); });
}

bool is_number(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Refuses values that the engine would silently take for something else.
void check_pragma_value(const std::string& name, std::string_view value) {
  static constexpr std::array<std::string_view, 8> kFlags = {"0", "1", "on", "off", "yes", "no", "true", "false"};
  const sql::PragmaInfo* const pragma = sql::find_pragma(name);
  if (pragma == nullptr) return;
  bool fits = true;
  switch (pragma->values) {
    case sql::PragmaValues::Any:
      break;
    case sql::PragmaValues::Flag:
      fits = is_one_of(value, kFlags);
      break;
    case sql::PragmaValues::Number:
      fits = is_number(value);
      break;
    case sql::PragmaValues::Word:
      fits = is_one_of(value, pragma->words);
      break;
  }
  if (fits) return;
  core::throw_error(ErrorCode::Configuration, "PRAGMA " + name + " cannot be set to '" + std::string(value) + "'");
}

bool is_cipher_pragma(std::string_view name) {
  const sql::PragmaInfo* const pragma = sql::find_pragma(name);
  return pragma != nullptr && pragma->kind == sql::PragmaKind::Cipher;
}

void require_known_pragma(engine::Connection& connection, const std::string& name) {
  const bool known = is_cipher_pragma(name)
                         ? engine::Connection::has_encryption()
                         : connection.query_integer("SELECT count(*) FROM pragma_pragma_list WHERE name = lower(" +
                                                    sql::quote_literal(name) + ")") != 0;
  if (!known) core::throw_error(ErrorCode::Configuration, "there is no PRAGMA named '" + name + "'");
}

std::string decode_percents(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      result += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

// Takes vfs= out of a URI and returns its value. Left there, it would override the VFS that this class sets.
std::optional<std::string> take_vfs_parameter(std::string& uri) {
  const std::size_t query = uri.find('?');
  if (query == std::string::npos) return std::nullopt;
  const std::size_t end = std::min(uri.find('#', query), uri.size());
  std::optional<std::string> found;
  std::string rest;
  for (std::size_t at = query + 1; at < end;) {
    const std::size_t next = std::min(uri.find('&', at), end);
    const std::string_view parameter = std::string_view(uri).substr(at, next - at);
    if (parameter.starts_with("vfs=")) {
      found = decode_percents(parameter.substr(4));
    } else {
      rest.append(rest.empty() ? "?" : "&").append(parameter);
    }
    at = next + 1;
  }
  if (found) uri.replace(query, end - query, rest);
  return found;
}

}  // namespace

std::shared_ptr<Store> Store::open(Options options) {
  if (options.checkpoints.by != Checkpointer::Background) return std::make_shared<Store>(std::move(options));
  std::shared_ptr<Store> store(new Store(std::move(options)), &Store::close_in_background);
  store->checkpoints_.listen();
  return store;
}

// The log is truncated, not removed: by the time this runs, another database may have the name.
void Store::close_in_background(Store* store) noexcept {
  try {
    std::shared_ptr<Store> last(store);
    // If no thread can be started, the log stays for whoever opens the database next.
    background::post([last = std::move(last)] { last->checkpoints_.checkpoint(Checkpoints::Extent::Cut); });
  } catch (const std::exception&) {
  }
}

Store::Store(Options options) : options_(std::move(options)), checkpoints_(*this, options_.checkpoints) {
  functions::add_to_engine();
  using namespace engine::open_flags;
  for (const auto& [name, value] : options_.pragmas) {
    if (!sql::is_pragma_name(name)) {
      core::throw_error(ErrorCode::Configuration, "'" + name + "' is not a valid PRAGMA name");
    }
    const std::string text = pragma_text(name, value);  // throws unless PRAGMAs take values of this type
    if (sql::is_heap_limit(name) && text != "0" && !engine::Connection::counts_memory()) {
      core::throw_unsupported("PRAGMA " + name, "local", "the engine was built without counting its memory");
    }
    check_pragma_value(name, value.type() == ValueType::Text ? std::string_view(value.text()) : text);
  }
  if (options_.busy_timeout < std::chrono::milliseconds(0)) {
    core::throw_error(ErrorCode::Configuration, "the busy timeout cannot be negative");
  }
  if (options_.default_deadline && *options_.default_deadline <= std::chrono::milliseconds(0)) {
    core::throw_error(ErrorCode::Configuration, "the default deadline must be positive");
  }
  open_options_.path = options_.path;
  is_memory_ = names_memory(options_.path);
  is_temporary_ = options_.path.empty();
  open_options_.flags = options_.mutex_mode == MutexMode::Full ? kFullMutex : kNoMutex;
  switch (options_.open_mode) {
    case OpenMode::ReadWriteCreate:
      open_options_.flags |= kReadWrite | kCreate;
      break;
    case OpenMode::ReadWrite:
      open_options_.flags |= kReadWrite;
      break;
    case OpenMode::ReadOnly:
      open_options_.flags |= kReadOnly;
      break;
  }
  if (options_.no_follow) open_options_.flags |= kNoFollow;
  if (options_.exclusive) {
    if (options_.open_mode != OpenMode::ReadWriteCreate) {
      core::throw_error(ErrorCode::Configuration,
                        "exclusive() creates the file, so it needs OpenMode::ReadWriteCreate");
    }
    open_options_.flags |= kExclusive;
  }
  if (is_memory_) {
    if (!options_.vfs.empty()) {
      core::throw_error(ErrorCode::Configuration, "an in-memory database has a VFS of its own");
    }
    if (options_.open_mode == OpenMode::ReadOnly) {
      core::throw_error(ErrorCode::Configuration, "an in-memory database is empty, so it cannot be read-only");
    }
    memory_.emplace();
    open_options_.path = memory_->path();
    open_options_.flags &= ~(kExclusive | kNoFollow);
  } else if (open_options_.path.starts_with("file:")) {
    open_options_.flags |= kUri;
    if (std::optional<std::string> named = take_vfs_parameter(open_options_.path)) options_.vfs = std::move(*named);
  }
  temporary_space_ = std::make_shared<engine::TemporarySpace>(options_.max_temporary_bytes, options_.temporary_owner,
                                                              options_.temporary_whole);
  temporary_files_.emplace(vfs_below(), temporary_space_);
  if (options_.encryption) temporary_files_->encrypt();
  open_options_.vfs = temporary_files_->vfs();
  for (auto& [file, entry] : options_.extensions) {
    if (file.has_parent_path()) file = std::filesystem::absolute(file);  // a bare name is searched for by the loader
  }
  for (std::filesystem::path& directory : options_.extension_directories) {
    directory = std::filesystem::absolute(directory);
  }
  // From now on names keep their meaning for all connections, even if the working directory changes. Links are resolved
  // here, except for the first connection: it gets the name as written, so that no_follow() can refuse a link.
  const std::string full = engine::full_path(open_options_.path, open_options_.vfs, (open_options_.flags & kUri) != 0);
  // The first connection reveals whatever is wrong.
  keeper_ = open_connection();
  open_options_.path = full;
  remember_pragmas(*keeper_);
  open_options_.flags &= ~kExclusive;  // the first connection has created the file
  if (keeps_log() && keeper_->query_text("PRAGMA main.journal_mode") != "wal") {
    core::throw_error(ErrorCode::Configuration,
                      std::string(options_.writers_in_line ? "writers_in_line()" : "background_checkpoints()")
                          .append(" needs a database in WAL mode, and this one is not"));
  }
  const std::string identity = keeper_->identity();
  if (!identity.empty()) write_line_ = WriteLine::of(identity);
  if (is_memory_) return;
  // Unless a connection stays open, each last one to close removes the log, and locks readers out while it does so.
  if (!keeps_log()) {
    keeper_.reset();
  } else {
    // On a new file the connection has only set the mode so far. SQLite counts it as a user of the log from its first
    // read on.
    keeper_->query_text("SELECT 1 FROM sqlite_master LIMIT 1");
  }
}

Store::~Store() = default;

std::shared_ptr<core::Session> Store::connect() { return std::make_shared<Session>(shared_from_this()); }

std::string_view Store::vfs_below() const noexcept {
  return is_memory_ ? engine::SharedMemoryDatabase::vfs() : std::string_view(options_.vfs);
}

std::unique_ptr<engine::Connection> Store::open_connection() {
  engine::OpenOptions options = open_options_;
  if (options_.max_connection_temporary_bytes != engine::TemporarySpace::kUnlimited) {
    auto files = std::make_shared<engine::TemporaryFiles>(
        vfs_below(), std::make_shared<engine::TemporarySpace>(options_.max_connection_temporary_bytes, "one connection",
                                                              temporary_space_));
    if (encryption()) files->encrypt();
    options.vfs = files->vfs();
    options.temporary_files = std::move(files);
  }
  auto connection = engine::Connection::open(options);
  set_up(*connection);
  connections_opened_.fetch_add(1, std::memory_order_relaxed);
  return connection;
}

Store::Pages Store::pages() {
  const auto ask = [](engine::Connection& connection) {
    const auto number = [&](const char* sql) { return static_cast<std::uint64_t>(connection.query_integer(sql)); };
    return Pages{number("PRAGMA main.page_size"), number("PRAGMA main.page_count"),
                 number("PRAGMA main.freelist_count")};
  };
  if (keeper_ == nullptr) return ask(*borrow());
  const std::lock_guard lock(keeper_mutex_);
  return ask(*keeper_);
}

BorrowedConnection Store::borrow() {
  std::unique_ptr<Spare> spare = spares_.take();
  if (spare == nullptr) {
    spare = std::make_unique<Spare>(open_connection());
    spares_.add(*spare);
  }
  spare->connection->patience().set_busy_timeout(options_.busy_timeout);
  return {shared_from_this(), std::move(spare)};
}

std::shared_ptr<core::Session> Store::lend_session() { return std::make_shared<Session>(shared_from_this(), borrow()); }

void Store::set_up(engine::Connection& connection) {
  connection.patience().set_busy_timeout(options_.busy_timeout);
  connection.set_double_quoted_strings(options_.double_quoted_strings != DoubleQuotedStrings::Off,
                                       options_.double_quoted_strings == DoubleQuotedStrings::On);
  if (const std::optional<Encryption> encryption = this->encryption()) {
    connection.set_key(encryption->cipher, encryption->parameters, encryption->key);
  }
  // Lets a damaged schema be opened, so it must come before the first read.
  for (const auto& [name, value] : options_.pragmas) {
    if (sql::equals_ignoring_case(name, "writable_schema")) {
      connection.query_text("PRAGMA writable_schema=" + pragma_text(name, value));
    }
  }
  // The first read. It fails if the key is wrong or the file is not a database.
  connection.query_text("SELECT 1 FROM sqlite_master LIMIT 1");
  if (options_.open_mode == OpenMode::ReadWrite && connection.is_readonly()) {
    core::throw_error(ErrorCode::CannotOpen, "the file '" + options_.path + "' is not writable");
  }
  functions::RegisterOptions functions;
  functions.uuid_flavour = options_.uuid_blobs ? functions::UuidFlavour::Blob : functions::UuidFlavour::Text;
  functions.server_database_name = options_.server_database_name;
  connection.check(functions::register_rest(connection.handle(), functions));
  connection.set_extension_directories(options_.extension_directories);
  for (const auto& [file, entry] : options_.extensions) {
    try {
      connection.load_trusted_extension(file, entry);
    } catch (const SqlError& error) {  // reported as an option that cannot be honoured
      core::throw_error(ErrorCode::Configuration, error.message());
    }
  }
  apply_pragmas(connection);
  checkpoints_.set_up(connection);
  connection.note_content();
  connection.patience().set_deadline(options_.default_deadline);
}

void Store::apply_pragmas(engine::Connection& connection) {
  // Options that shape a new file must precede its first write, which journal_mode=WAL is.
  for (const auto& [name, value] : options_.pragmas) {
    if (is_layout_pragma(name)) connection.query_text("PRAGMA " + name + "=" + pragma_text(name, value));
  }
  if (!is_temporary_ && !is_set(options_, "journal_mode") && !connection.is_readonly()) {
    // If the VFS or file cannot do WAL, the mode stays: WAL is only our default here.
    use_wal(connection);
  }
  if (!is_set(options_, "synchronous")) connection.execute_script("PRAGMA synchronous=NORMAL");
  if (!is_set(options_, "foreign_keys")) connection.execute_script("PRAGMA foreign_keys=ON");
  for (const auto& [name, value] : options_.pragmas) {
    if (!knows_pragmas_) require_known_pragma(connection, name);
    const std::string wanted = pragma_text(name, value);
    const std::string text = "PRAGMA " + name + "=" + wanted;
    const auto set = [&] { return connection.query_text(text); };
    if (sql::equals_ignoring_case(name, "page_size")) {
      // Once the file has pages, only VACUUM can change their size, and not in WAL mode.
      const std::int64_t size = connection.query_integer("PRAGMA page_size");
      if (std::to_string(size) == wanted) continue;
      core::throw_error(ErrorCode::Configuration, "the database cannot have page_size=" + wanted +
                                                      ": it has pages of " + std::to_string(size) + " bytes");
    }
    const bool is_busy_timeout = sql::equals_ignoring_case(name, "busy_timeout");
    const auto result = is_busy_timeout ? connection.patience().with_busy_timeout_lent(set) : set();
    if (sql::equals_ignoring_case(name, "journal_mode") && !sql::equals_ignoring_case(result.value_or(""), wanted)) {
      core::throw_error(ErrorCode::Configuration, "the database cannot use journal_mode=" + wanted + ": it uses " +
                                                      result.value_or("no journal"));
    }
  }
  knows_pragmas_ = true;
}

// Retries, because two connections that set the mode of a new file at once fail without waiting for each other.
void Store::use_wal(engine::Connection& connection) {
  for (const auto until = engine::Clock::now() + options_.busy_timeout;;) {
    try {
      connection.query_text("PRAGMA journal_mode=WAL");
      return;
    } catch (const Busy&) {
      if (engine::Clock::now() >= until) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
}

std::optional<Encryption> Store::encryption() const {
  const std::lock_guard lock(encryption_mutex_);
  return options_.encryption;
}

void Store::key_changed(std::span<const std::byte> key) {
  const std::lock_guard lock(encryption_mutex_);
  if (key.empty()) {
    options_.encryption.reset();
    return;
  }
  if (!options_.encryption) options_.encryption.emplace();
  options_.encryption->key.assign(key.begin(), key.end());
}

void Store::remember_pragmas(engine::Connection& connection) {
  options_.busy_timeout = connection.patience().busy_timeout();  // a PRAGMA among the options may have set it
  settings_.remember(connection);
}

void Store::restore_pragmas(engine::Connection& connection) {
  settings_.restore(connection);
  apply_pragmas(connection);
  checkpoints_.set_up(connection);
}

}  // namespace libsql::local
