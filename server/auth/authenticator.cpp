#include "server/auth/authenticator.hpp"

#include <algorithm>
#include <chrono>

#include "core/clock.hpp"
#include "server/log/log.hpp"

namespace libsql::server {
namespace {

// Codes and texts as observed in sqld 0.24.33.
AuthError header_missing() { return {"AUTH_HEADER_NOT_FOUND", "Expected authorization header but none given"}; }
AuthError header_malformed() {
  return {"AUTH_HEADER_MALFORMED", "Auth string does not conform to '<scheme> <token>' form"};
}
AuthError unsupported_scheme() {
  return {"AUTH_HTTP_HEADER_UNSUPPORTED_SCHEME",
          "The authentication scheme in the `Authorization` HTTP header is not supported"};
}
AuthError basic_rejected() {
  return {"AUTH_BASIC_REJECTED", "The `Basic` HTTP authentication credentials were rejected"};
}
AuthError token_refused(TokenProblem problem) {
  switch (problem) {
    case TokenProblem::Expired:
      return {"AUTH_JWT_EXPIRED", "The JWT has expired"};
    case TokenProblem::Immature:
      return {"AUTH_JWT_IMMATURE", "The JWT is not valid yet"};
    case TokenProblem::Rejected:
      return {"AUTH_FAILED", "Authentication failed"};
    case TokenProblem::Invalid:
      break;
  }
  return {"AUTH_JWT_INVALID", "The JWT is invalid"};
}

class Anyone final : public Identity {
 public:
  Permissions permissions(std::string_view) const override { return Permissions::all(); }
};

std::shared_ptr<const Identity> anyone() {
  static const std::shared_ptr<const Identity> identity = std::make_shared<const Anyone>();
  return identity;
}

struct Credential {
  std::string_view scheme;  // empty in a hello, which names no scheme
  std::string_view text;
};

Credential split(const Credentials& credentials) {
  if (!credentials.value) throw header_missing();
  const std::string_view value = *credentials.value;
  if (credentials.source == Credentials::Source::Hello) return {{}, value};
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos) throw header_malformed();
  const std::size_t text = value.find_first_not_of(' ', space);
  if (text == std::string_view::npos) throw header_malformed();
  return {value.substr(0, space), value.substr(text)};
}

bool is_bearer(std::string_view scheme) noexcept {
  constexpr std::string_view kBearer = "bearer";
  return std::equal(scheme.begin(), scheme.end(), kBearer.begin(), kBearer.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

std::string_view without_padding(std::string_view base64) noexcept {
  while (base64.ends_with('=')) base64.remove_suffix(1);
  return base64;
}

Secret password_of(std::string_view setting) {
  constexpr std::string_view kPrefix = "basic:";
  while (!setting.empty() && (setting.back() == '\n' || setting.back() == '\r')) setting.remove_suffix(1);
  if (!setting.starts_with(kPrefix)) throw KeyError("HTTP authentication needs \"basic:\" and base64 of USER:PASSWORD");
  setting = without_padding(setting.substr(kPrefix.size()));
  const bool is_base64 = std::all_of(setting.begin(), setting.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
  if (setting.empty() || !is_base64) throw KeyError("what follows \"basic:\" is not base64 of USER:PASSWORD");
  return Secret(setting);
}

TokenTime now() { return std::chrono::time_point_cast<std::chrono::seconds>(core::WallClock::now()); }

std::shared_ptr<const Identity> identity_of(TokenVerifier& verifier, const Credential& credential) {
  if (!credential.scheme.empty() && !is_bearer(credential.scheme)) throw unsupported_scheme();
  TokenVerifier::Result result = verifier.verify(credential.text, now());
  if (result.identity == nullptr) throw token_refused(result.problem);
  return std::move(result.identity);
}

}  // namespace

StandardAuthenticator::StandardAuthenticator(AuthSettings settings, Log& log)
    : settings_(std::move(settings)), log_(log) {
  if (!settings_.jwt_key_file.empty()) key_file_.emplace(settings_.jwt_key_file);
  if (!settings_.http_auth_file.empty()) password_file_.emplace(settings_.http_auth_file);
  rules_ = std::make_shared<const Rules>(read_rules());
}

std::shared_ptr<const Identity> StandardAuthenticator::authenticate(const Credentials& credentials, std::string_view,
                                                                    std::string_view namespace_key) {
  if (!namespace_key.empty()) return identity_of(*verifier_of(namespace_key), split(credentials));
  const std::shared_ptr<const Rules> rules = this->rules();
  switch (rules->scheme) {
    case AuthScheme::None:
      break;
    case AuthScheme::Basic:
      // The scheme is not checked: clients have a single setting for credentials and send it as a Bearer token.
      if (!rules->password.equals(without_padding(split(credentials).text))) throw basic_rejected();
      break;
    case AuthScheme::Token:
      return identity_of(*rules->verifier, split(credentials));
  }
  return anyone();
}

AuthScheme StandardAuthenticator::scheme() const { return rules()->scheme; }

void StandardAuthenticator::reload_changed() noexcept {
  const bool keys = key_file_ && key_file_->has_changed();
  const bool password = password_file_ && password_file_->has_changed();
  if (!keys && !password) return;
  try {
    auto rules = std::make_shared<const Rules>(read_rules());
    const std::lock_guard lock(mutex_);
    rules_ = std::move(rules);
    version_.fetch_add(1, std::memory_order_release);
  } catch (const std::exception& error) {
    log_.error("auth", std::string("keeping the previous credentials: ") + error.what());
    return;
  }
  log_.info("auth", keys ? "the token keys were reloaded" : "the password was reloaded");
}

StandardAuthenticator::Rules StandardAuthenticator::read_rules() const {
  Rules rules;
  if (password_file_ || !settings_.http_auth.empty()) {
    rules.scheme = AuthScheme::Basic;
    rules.password = password_of(password_file_ ? read_small_file(password_file_->path()) : settings_.http_auth);
  } else if (key_file_ || !settings_.jwt_key.empty()) {
    rules.scheme = AuthScheme::Token;
    const std::string text = key_file_ ? read_small_file(key_file_->path()) : settings_.jwt_key;
    rules.verifier = std::make_shared<TokenVerifier>(PublicKeys::parse(text), settings_.group);
  }
  return rules;
}

std::shared_ptr<const StandardAuthenticator::Rules> StandardAuthenticator::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

std::shared_ptr<TokenVerifier> StandardAuthenticator::verifier_of(std::string_view namespace_key) {
  constexpr std::size_t kMostVerifiers = 1024;
  std::string key(namespace_key);
  const std::lock_guard lock(mutex_);
  if (const auto found = namespace_verifiers_.find(key); found != namespace_verifiers_.end()) return found->second;
  try {
    auto verifier = std::make_shared<TokenVerifier>(PublicKeys::parse(key), settings_.group);
    if (namespace_verifiers_.size() >= kMostVerifiers) namespace_verifiers_.clear();
    return namespace_verifiers_.emplace(std::move(key), std::move(verifier)).first->second;
  } catch (const KeyError&) {
    throw AuthError("AUTH_FAILED", "Authentication failed");  // an unusable key lets nobody in
  }
}

}  // namespace libsql::server
