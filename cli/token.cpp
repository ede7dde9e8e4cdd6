#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <system_error>

#include "cli/errors.hpp"
#include "cli/verbs.hpp"
#include "server/auth/signing_key.hpp"
#include "server/auth/token_request.hpp"
#include "server/auth/watched_file.hpp"
#include "server/config/config.hpp"
#include "server/config/values.hpp"

namespace libsql::cli {
namespace {

constexpr const char* kHelp = R"(libsql token - keys and tokens for libsql serve

USAGE
  libsql token keygen NAME
  libsql token create --key NAME.pem [OPTIONS]

  keygen creates an Ed25519 key pair: NAME.pem, the private key, which signs tokens
  and is readable by its owner only, and NAME.pub.pem, the public key, for
  `libsql serve --auth-jwt-key-file`. Existing files are never overwritten.

  create prints a token, which clients use as their auth token.

OPTIONS OF create
  --key FILE           The private key (PEM)
  --namespace NAME     Valid for this namespace; may be repeated. Without any, and
                       without --tag, for all of them
  --tag TEXT           Valid for servers of this group (--gid); may be repeated
  --access HOW         ro (read), rw (read and write; the default), roa, rwa (the
                       same, and attach), ddl (schema changes of shared schemas)
  --expires TIME       How long it is valid: 12h, 30d, or never (default 90d)
  --subject TEXT       Whom it is for; informative only

EXAMPLES
  libsql token keygen server
  libsql token create --key server.pem --namespace shop --access ro --expires 30d
)";

// Makes a file that did not exist. `mode` is that of open().
void write_new_file(const std::string& path, const std::string& text, int mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "token: cannot create \"" + path + "\"");
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = errno;
  if (::close(fd) != 0 || written != static_cast<ssize_t>(text.size())) {
    ::unlink(path.c_str());
    throw std::system_error(error, std::generic_category(), "token: cannot write \"" + path + "\"");
  }
}

int keygen(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1 || arguments[0].empty() || arguments[0][0] == '-') {
    throw UsageError("token: keygen wants a NAME; see libsql token --help");
  }
  const std::string private_file = arguments[0] + ".pem";
  const std::string public_file = arguments[0] + ".pub.pem";
  const server::SigningKey key = server::SigningKey::generate();
  write_new_file(private_file, key.private_pem(), 0600);
  try {
    write_new_file(public_file, key.public_pem(), 0644);
  } catch (...) {
    ::unlink(private_file.c_str());
    throw;
  }
  std::printf("private key: %s (signs tokens; keep it secret)\npublic key:  %s (for libsql serve)\n",
              private_file.c_str(), public_file.c_str());
  return 0;
}

std::optional<std::chrono::sys_seconds> end_of(const std::string& expires) {
  if (expires == "never") return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() + server::parse_duration(expires));
}

int create(std::vector<std::string> arguments) {
  CLI::App app;
  app.set_help_flag();
  std::string key_file;
  std::string expires = "90d";
  server::TokenRequest request;
  app.add_option("--key", key_file)->required();
  app.add_option("--namespace", request.namespaces)->allow_extra_args(false);
  app.add_option("--tag", request.tags)->allow_extra_args(false);
  app.add_option("--access", request.access);
  app.add_option("--expires", expires);
  app.add_option("--subject", request.subject);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back.
  try {
    app.parse(arguments);
    request.expires = end_of(expires);
    const std::string claims = server::claims_of(request);
    const server::SigningKey key = server::SigningKey::parse(server::read_small_file(key_file));
    std::printf("%s\n", key.sign_token(claims).c_str());
    return 0;
  } catch (const CLI::Error& error) {
    throw UsageError(std::string("token: ") + error.what());
  } catch (const server::ConfigError& error) {
    throw UsageError(std::string("token: --expires: ") + error.what());
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string("token: --access: ") + error.what());
  }
}

}  // namespace

int run_token(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      std::fputs(kHelp, stdout);
      return 0;
    }
  }
  const std::string verb = arguments.empty() ? std::string() : arguments.front();
  const std::vector<std::string> rest(arguments.empty() ? arguments.end() : arguments.begin() + 1, arguments.end());
  if (verb == "keygen") return keygen(rest);
  if (verb == "create") return create(rest);
  throw UsageError("token: use keygen or create; see libsql token --help");
}

}  // namespace libsql::cli
