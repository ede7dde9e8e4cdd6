// Who sent a request and what they may do: the interface between the routes and whatever checks tokens and passwords.
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

/// What an identity may do in one namespace. `attach` is the right to read it through ATTACH from another namespace.
struct Permissions {
  bool read = false;
  bool write = false;
  bool attach = false;
  bool ddl = false;

  static constexpr Permissions all() noexcept { return {true, true, true, true}; }
  constexpr bool none() const noexcept { return !read && !write && !attach && !ddl; }
};

/// The credentials sent with a request or a WebSocket's `hello`. Views are valid for the call.
struct Credentials {
  enum class Source : std::uint8_t {
    HttpHeader,  // `value` is that of `Authorization`, or else of `x-authorization`
    Hello,       // `value` is the bare token
  };
  Source source = Source::HttpHeader;
  std::optional<std::string_view> value;
};

/// A client whose credentials have been accepted.
/// Threads: may be used by several at once.
class Identity {
 public:
  Identity() : bearer_(std::make_shared<Bearer>()) {}
  /// For a bearer with several identities, one for each set of credentials.
  explicit Identity(std::shared_ptr<Bearer> bearer) noexcept : bearer_(std::move(bearer)) {}
  virtual ~Identity() = default;
  /// Without any permission, the client must not even learn whether the namespace exists.
  virtual Permissions permissions(std::string_view name_space) const = 0;
  /// Identifies the bearer: a baton is only valid for requests with the same binding. Empty if clients cannot be told
  /// apart.
  virtual std::string_view binding() const noexcept { return {}; }
  /// When the credentials expire. Whatever outlives a request (a WebSocket) ends then.
  virtual std::optional<std::chrono::system_clock::time_point> good_until() const noexcept { return std::nullopt; }
  /// What all identities with this binding use together.
  const std::shared_ptr<Bearer>& bearer() const noexcept { return bearer_; }

 private:
  std::shared_ptr<Bearer> bearer_;
};

/// The credentials were not accepted.
class AuthError : public std::runtime_error {
 public:
  AuthError(std::string code, const std::string& text, int status = 401)
      : std::runtime_error(text), code_(std::move(code)), status_(status) {}
  /// For example `AUTH_JWT_EXPIRED`.
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
  /// `namespace_key` is the `jwt_key` of the namespace's configuration, which replaces the server's own rules; empty if
  /// it has none. Throws AuthError.
  virtual std::shared_ptr<const Identity> authenticate(const Credentials& credentials, std::string_view name_space,
                                                       std::string_view namespace_key) = 0;
  /// A number that changes whenever credentials accepted before may no longer be, expiry aside. None: authenticate()
  /// must be called for every request.
  virtual std::optional<std::uint64_t> version() const noexcept { return std::nullopt; }
};

/// Permits everything to everybody, except in a namespace with a key of its own: nothing here could check its tokens,
/// so everybody is refused.
std::shared_ptr<Authenticator> open_authenticator();

}  // namespace libsql::server
