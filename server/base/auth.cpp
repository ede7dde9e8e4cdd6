#include "server/base/auth.hpp"

namespace libsql::server {
namespace {

class Everybody final : public Identity {
 public:
  Permissions permissions(std::string_view) const override { return Permissions::all(); }
};

class OpenAuthenticator final : public Authenticator {
 public:
  std::shared_ptr<const Identity> authenticate(const Credentials&, std::string_view,
                                               std::string_view namespace_key) override {
    if (!namespace_key.empty()) throw AuthError("AUTH_JWT_INVALID", "The JWT is invalid");
    return everybody_;
  }

  std::optional<std::uint64_t> version() const noexcept override { return 0; }

 private:
  std::shared_ptr<const Identity> everybody_ = std::make_shared<Everybody>();
};

}  // namespace

std::shared_ptr<Authenticator> open_authenticator() { return std::make_shared<OpenAuthenticator>(); }

}  // namespace libsql::server
