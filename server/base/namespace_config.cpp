#include "server/base/namespace_config.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "core/errors.hpp"

namespace libsql::server {
namespace {

using Json = nlohmann::json;

template <class T>
void read(const Json& object, const char* name, std::optional<T>& to) {
  if (const auto found = object.find(name); found != object.end() && !found->is_null()) to = found->get<T>();
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& why) {
  core::throw_error(ErrorCode::Configuration, "the configuration '" + file.string() + "' cannot be used: " + why);
}

[[noreturn]] void fail_io(const std::filesystem::path& file) {
  core::throw_error(ErrorCode::Io, "'" + file.string() + "' cannot be written: " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::string_view to_string(Durability durability) noexcept {
  switch (durability) {
    case Durability::Off:
      return "off";
    case Durability::Relaxed:
      return "relaxed";
    case Durability::Strong:
      return "strong";
    case Durability::Extra:
      return "extra";
  }
  return {};
}

std::optional<Durability> durability_of(std::string_view name) noexcept {
  for (const Durability durability : {Durability::Off, Durability::Relaxed, Durability::Strong, Durability::Extra}) {
    if (to_string(durability) == name) return durability;
  }
  return std::nullopt;
}

NamespaceConfig read_namespace_config(const std::filesystem::path& file) {
  NamespaceConfig config;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (std::filesystem::exists(file)) fail(file, "it cannot be read");
    return config;
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    const Json object = Json::parse(text);
    config.block_reads = object.value("block_reads", false);
    config.block_writes = object.value("block_writes", false);
    config.allow_attach = object.value("allow_attach", false);
    config.jwt_key = object.value("jwt_key", std::string());
    read(object, "block_reason", config.block_reason);
    read(object, "max_db_size", config.max_db_size);
    read(object, "max_row_size", config.max_row_size);
    read(object, "offline_sync", config.offline_sync);
    std::optional<std::int64_t> seconds;
    read(object, "txn_timeout_s", seconds);
    if (seconds) config.txn_timeout = std::chrono::seconds(*seconds);
    std::optional<std::string> durability;
    read(object, "durability_mode", durability);
    if (durability) {
      config.durability = durability_of(*durability);
      if (!config.durability) fail(file, "there is no durability_mode '" + *durability + "'");
    }
  } catch (const Json::exception& error) {
    fail(file, error.what());
  }
  return config;
}

void write_namespace_config(const std::filesystem::path& file, const NamespaceConfig& config) {
  Json object = {{"block_reads", config.block_reads},
                 {"block_writes", config.block_writes},
                 {"allow_attach", config.allow_attach}};
  if (!config.jwt_key.empty()) object["jwt_key"] = config.jwt_key;
  if (config.block_reason) object["block_reason"] = *config.block_reason;
  if (config.max_db_size) object["max_db_size"] = *config.max_db_size;
  if (config.max_row_size) object["max_row_size"] = *config.max_row_size;
  if (config.offline_sync) object["offline_sync"] = *config.offline_sync;
  if (config.txn_timeout) object["txn_timeout_s"] = config.txn_timeout->count();
  if (config.durability) object["durability_mode"] = std::string(to_string(*config.durability));
  const std::string text = object.dump(2) + "\n";

  std::filesystem::path fresh = file;
  fresh += ".new";
  {
    const Descriptor to(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (to.get() < 0) fail_io(fresh);
    for (std::size_t written = 0; written < text.size();) {
      const ssize_t n = ::write(to.get(), text.data() + written, text.size() - written);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail_io(fresh);
      written += static_cast<std::size_t>(n);
    }
    if (::fsync(to.get()) != 0) fail_io(fresh);
  }
  std::error_code failed;
  std::filesystem::rename(fresh, file, failed);
  if (failed) core::throw_error(ErrorCode::Io, "'" + file.string() + "' cannot be replaced: " + failed.message());
  sync_directory(file.parent_path());
}

void sync_directory(const std::filesystem::path& directory) {
  const char* const name = directory.empty() ? "." : directory.c_str();
  const Descriptor opened(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: some file systems cannot sync a directory, and need not.
  if (opened.get() < 0 || (::fsync(opened.get()) != 0 && errno != EINVAL)) fail_io(directory);
}

}  // namespace libsql::server
