// Decides who may use the admin API.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "server/auth/secret.hpp"
#include "server/auth/watched_file.hpp"

namespace libsql::server {

class Exchange;
class Log;

/// Threads: any number at once.
class AdminGuard final {
 public:
  /// Which names the Host header may have as long as there is no key.
  enum class Names : bool { Loopback, Any };
  /// The key as text, in a file, or neither. Throws KeyError and std::system_error.
  AdminGuard(const std::string& key, const std::filesystem::path& key_file, Names names, Log& log);

  /// True if the request must not continue; it has been answered then.
  bool refuses(Exchange& exchange) const;
  void reload_changed() noexcept;

 private:
  bool has_key() const;
  bool knows(std::string_view credential) const;

  Log& log_;
  const Names names_;
  std::optional<WatchedFile> file_;
  mutable std::mutex mutex_;
  Secret key_;
};

}  // namespace libsql::server
