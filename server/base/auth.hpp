// Who sends a request and what they may do: the interface between the routes and the check of tokens and passwords.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "server/base/bearer.hpp"

namespace libsql::server {

/// What an identity may do in one namespace. Attach is the right to be read by a statement's ATTACH from another one.
struct Permissions {
  bool read = false;
  bool write = false;
  bool attach = false;
  bool ddl = false;

  static constexpr Permissions all() noexcept { return {true, true, true, true}; }
  constexpr bool none() const noexcept { return !read && !write && !attach && !ddl; }
};

/// What came with a request or a WebSocket's `hello`. Views are valid for the call.
struct Credentials {
  enum class Source : std::uint8_t {
    HttpHeader,  // `value` is that of `Authorization`, else of `x-authorization`
    Hello,       // `value` is the bare token
  };
  Source source = Source::HttpHeader;
  std::optional<std::string_view> value;
};

/// Somebody whose credentials are good.
/// Threads: may be used by several at once.
class Identity {
 public:
  Identity() : bearer_(std::make_shared<Bearer>()) {}
  /// One of several identities of the same bearer.
  explicit Identity(std::shared_ptr<Bearer> bearer) noexcept : bearer_(std::move(bearer)) {}
  virtual ~Identity() = default;
  /// None at all hides that the namespace exists.
  virtual Permissions permissions(std::string_view name_space) const = 0;
  /// Names the identity: a baton is good for requests with the same binding only. Empty if nobody is told apart.
  virtual std::string_view binding() const noexcept { return {}; }
  /// When the credentials end, and with them what lasts longer than a request.
  virtual std::optional<std::chrono::system_clock::time_point> good_until() const noexcept { return std::nullopt; }
  /// What all who have this binding take together.
  const std::shared_ptr<Bearer>& bearer() const noexcept { return bearer_; }

 private:
  std::shared_ptr<Bearer> bearer_;
};

/// The credentials are not good.
class AuthError : public std::runtime_error {
 public:
  AuthError(std::string code, const std::string& text, int status = 401)
      : std::runtime_error(text), code_(std::move(code)), status_(status) {}
  /// `AUTH_JWT_EXPIRED`, for one.
  const std::string& code() const noexcept { return code_; }
  int status() const noexcept { return status_; }

 private:
  std::string code_;
  int status_;
};

/// Threads: called by all workers at once.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// `namespace_key` is the `jwt_key` of the namespace's configuration, which takes the place of the server's own
  /// rules; empty if it has none. Throws AuthError.
  virtual std::shared_ptr<const Identity> authenticate(const Credentials& credentials, std::string_view name_space,
                                                       std::string_view namespace_key) = 0;
  /// A number that changes whenever credentials that were good may not be so any more, but for the passing of time.
  /// Without one, authenticate() is asked before each request.
  virtual std::optional<std::uint64_t> version() const noexcept { return std::nullopt; }
};

/// Lets everybody do everything; a namespace with a key of its own refuses everybody, because nothing here can check
/// it.
std::shared_ptr<Authenticator> open_authenticator();

}  // namespace libsql::server
