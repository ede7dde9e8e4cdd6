#include <libsql/builder.hpp>

#include "api/access.hpp"
#include "local/store.hpp"
#include "remote/location.hpp"

namespace libsql {

Encryption::Encryption(std::string_view key_text, std::string_view cipher_name)
    : Encryption(std::as_bytes(std::span(key_text)), cipher_name) {}
Encryption::Encryption(BlobView key_bytes, std::string_view cipher_name)
    : key(key_bytes.begin(), key_bytes.end()), cipher(cipher_name) {}

LocalBuilder::LocalBuilder(std::string path) : options_(std::make_unique<detail::LocalOptions>()) {
  options_->path = std::move(path);
}
LocalBuilder::LocalBuilder(const LocalBuilder& other)
    : options_(std::make_unique<detail::LocalOptions>(*other.options_)) {}
LocalBuilder::LocalBuilder(LocalBuilder&&) noexcept = default;
LocalBuilder& LocalBuilder::operator=(const LocalBuilder& other) {
  if (this != &other) options_ = std::make_unique<detail::LocalOptions>(*other.options_);
  return *this;
}
LocalBuilder& LocalBuilder::operator=(LocalBuilder&&) noexcept = default;
LocalBuilder::~LocalBuilder() = default;

LocalBuilder& LocalBuilder::open_mode(OpenMode mode) {
  options_->open_mode = mode;
  return *this;
}
LocalBuilder& LocalBuilder::no_follow(bool refuse_symbolic_links) {
  options_->no_follow = refuse_symbolic_links;
  return *this;
}
LocalBuilder& LocalBuilder::exclusive(bool must_not_exist) {
  options_->exclusive = must_not_exist;
  return *this;
}
LocalBuilder& LocalBuilder::mutex_mode(MutexMode mode) {
  options_->mutex_mode = mode;
  return *this;
}
LocalBuilder& LocalBuilder::vfs(std::string name) {
  options_->vfs = std::move(name);
  return *this;
}
LocalBuilder& LocalBuilder::encryption(Encryption encryption) {
  options_->encryption = std::move(encryption);
  return *this;
}
LocalBuilder& LocalBuilder::busy_timeout(std::chrono::milliseconds timeout) {
  options_->busy_timeout = timeout;
  return *this;
}
LocalBuilder& LocalBuilder::pragma(std::string name, PragmaValue value) {
  options_->pragmas.emplace_back(std::move(name), std::move(value));
  return *this;
}
LocalBuilder& LocalBuilder::extension(std::filesystem::path file, std::string entry_point) {
  options_->extensions.emplace_back(std::move(file), std::move(entry_point));
  return *this;
}
LocalBuilder& LocalBuilder::extension_directory(std::filesystem::path directory) {
  options_->extension_directories.push_back(std::move(directory));
  return *this;
}
LocalBuilder& LocalBuilder::statement_cache_bytes(std::size_t bytes) {
  options_->statement_cache_bytes = bytes;
  return *this;
}
LocalBuilder& LocalBuilder::max_temporary_bytes(std::uint64_t bytes) {
  options_->max_temporary_bytes = bytes;
  return *this;
}
LocalBuilder& LocalBuilder::default_deadline(std::chrono::milliseconds limit) {
  options_->default_deadline = limit;
  return *this;
}
LocalBuilder& LocalBuilder::query_log(QueryLog log) {
  options_->query_logs.push_back(std::move(log));
  return *this;
}
LocalBuilder& LocalBuilder::uuid_blobs(bool on) {
  options_->uuid_blobs = on;
  return *this;
}

LocalBuilder& LocalBuilder::double_quoted_strings(DoubleQuotedStrings where) {
  options_->double_quoted_strings = where;
  return *this;
}
LocalBuilder& LocalBuilder::background_checkpoints(bool on) {
  options_->checkpoints.by = on ? local::Checkpointer::Background : local::Checkpointer::Writers;
  return *this;
}
LocalBuilder& LocalBuilder::max_held_log_bytes(std::uint64_t bytes) {
  options_->checkpoints.max_held_bytes = bytes;
  return *this;
}
LocalBuilder& LocalBuilder::writers_in_line(bool on) {
  options_->writers_in_line = on;
  return *this;
}

namespace {

// A URL in place of a path would silently become a file with a strange name.
void require_path(const std::string& path) {
  const auto end = path.find("://");
  const std::string_view scheme = std::string_view(path).substr(0, end);
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";
  if (end == std::string::npos || end < 2 || scheme.find_first_not_of(kAllowed) != std::string_view::npos) return;
  if (scheme == "file") return;
  core::throw_error(ErrorCode::Misuse,
                    remote::is_remote_url(path)
                        ? "'" + path + "' is the URL of a server: open it with Builder::remote() or Builder::from_url()"
                        : "the scheme '" + std::string(scheme) +
                              ":' cannot be opened: a database is a path or one of file:, libsql:, https:, "
                              "http:, wss: and ws:");
}

}  // namespace

Database LocalBuilder::build() const {
  require_path(options_->path);
  return detail::Access::database(local::Store::open(*options_));
}

Database::Database(std::shared_ptr<core::Store> store) noexcept : store_(std::move(store)) {}
Database::Database(const Database&) noexcept = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(const Database&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Connection Database::connect() const {
  if (store_ == nullptr) core::throw_error(ErrorCode::Misuse, "the object was moved from");
  return detail::Access::connection(store_->connect());
}
Mode Database::mode() const noexcept { return store_ == nullptr ? Mode::Local : store_->mode(); }

}  // namespace libsql
