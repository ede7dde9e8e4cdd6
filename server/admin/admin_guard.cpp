#include "server/admin/admin_guard.hpp"

#include <exception>
#include <string_view>

#include "server/auth/public_keys.hpp"
#include "server/config/values.hpp"
#include "server/http/router.hpp"
#include "server/log/log.hpp"
#include "sql/tokenizer.hpp"

namespace libsql::server {
namespace {

std::string read_key(const std::filesystem::path& file) {
  std::string key = read_small_file(file);
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  if (key.empty()) throw KeyError("the admin key file is empty");
  return key;
}

// A web page can make its reader's browser send some requests to any address, including this one. The browser then
// names the page's origin.
bool comes_from_elsewhere(const Exchange& exchange) {
  const auto origin = exchange.header("origin");
  if (!origin) return false;
  const std::size_t scheme = origin->find("://");
  return scheme == std::string_view::npos || origin->substr(scheme + 3) != exchange.header("host");
}

// A site may point its own name at this machine, so that its pages count as coming from here. The Host header then has
// that name.
bool is_meant_for_loopback(const Exchange& exchange) {
  std::string_view host = exchange.header("host").value_or("");
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  return sql::equals_ignoring_case(host, "localhost") || is_loopback(host);
}

}  // namespace

AdminGuard::AdminGuard(const std::string& key, const std::filesystem::path& key_file, Names names, Log& log)
    : log_(log), names_(names) {
  if (!key_file.empty()) {
    file_.emplace(key_file);
    key_ = Secret(read_key(key_file));
  } else if (!key.empty()) {
    key_ = Secret(key);
  }
}

bool AdminGuard::refuses(Exchange& exchange) const {
  if (comes_from_elsewhere(exchange)) {
    exchange.answer_error(403, "The admin API does not serve pages of other sites");
    return true;
  }
  if (names_ == Names::Loopback && !has_key() && !is_meant_for_loopback(exchange)) {
    exchange.answer_error(421,
                          "Without a key the admin API is for localhost only: the Host header names another machine");
    return true;
  }
  const auto credential = exchange.header("authorization");
  if (knows(credential.value_or(std::string_view{}))) return false;
  exchange.answer_error(401, "Unauthorized");
  return true;
}

bool AdminGuard::has_key() const {
  const std::lock_guard lock(mutex_);
  return key_.is_set();
}

bool AdminGuard::knows(std::string_view credential) const {
  constexpr std::string_view kScheme = "Basic ";
  const std::lock_guard lock(mutex_);
  if (!key_.is_set()) return true;
  // The key is sent as configured, not in base64, as observed in sqld 0.24.33.
  return credential.starts_with(kScheme) && key_.equals(credential.substr(kScheme.size()));
}

void AdminGuard::reload_changed() noexcept {
  if (!file_ || !file_->has_changed()) return;
  try {
    Secret key(read_key(file_->path()));
    const std::lock_guard lock(mutex_);
    key_ = std::move(key);
  } catch (const std::exception& error) {
    log_.error("admin", std::string("keeping the previous admin key: ") + error.what());
    return;
  }
  log_.info("admin", "the admin key was reloaded");
}

}  // namespace libsql::server
