#include "remote/http_client.hpp"

#include <algorithm>
#include <array>

#include <libsql/version.hpp>

#include "core/errors.hpp"
#include "hrana/encode.hpp"
#include "hrana/extensions.hpp"
#include "net/field_syntax.hpp"
#include "net/http.hpp"
#include "remote/failures.hpp"
#include "remote/repetition.hpp"

namespace libsql::remote {
namespace {

// What the client or HTTP itself sets.
constexpr std::array kOwnHeaders = {"host",           "connection",
                                    "content-length", "transfer-encoding",
                                    "upgrade",        "content-type",
                                    "authorization",  "x-namespace",
                                    "keep-alive",     "te",
                                    "trailer",        "sec-websocket-key",
                                    "expect",         "x-turso-encryption-key"};

void require_field_value(std::string_view value, const char* what) {
  if (net::is_field_value(value)) return;
  core::throw_error(ErrorCode::Configuration, std::string(what) + " has characters that a header cannot carry");
}

// That of the environment is looked up for each connection; what it is now is looked at once more here, because here
// the user is told.
void require_supported_proxy(const net::ClientOptions& client, const net::Origin& origin) {
  std::optional<net::Url> proxy = client.proxy;
  if (!proxy && client.proxy_from_environment) {
    try {
      proxy = net::proxy_for(origin);
    } catch (const net::UrlError& error) {
      core::throw_error(ErrorCode::Configuration,
                        std::string("the URL of the proxy in the environment cannot be understood: ") + error.what());
    }
  }
  if (!proxy) return;
  if (const char* const why = net::unsupported_proxy(*proxy)) {
    core::throw_unsupported("the proxy " + proxy->scheme + "://" + proxy->host, "remote", why);
  }
}

}  // namespace

net::ClientOptions client_options(const Options& options, const Location& location) {
  net::ClientOptions client;
  client.connect_timeout = options.connect_timeout;
  client.proxy_from_environment = options.proxy_from_environment;
  if (options.proxy) {
    try {
      client.proxy = net::parse_url(*options.proxy);
    } catch (const net::UrlError& error) {
      core::throw_error(ErrorCode::Configuration, std::string("the proxy's URL cannot be understood: ") + error.what());
    }
  }
  require_supported_proxy(client, location.endpoint.origin);
  if (!location.endpoint.origin.tls) return client;
  const RemoteTls& wanted = options.tls;
  net::TlsClientOptions tls;
  tls.ca_file = wanted.ca_file.string();
  tls.ca_pem = wanted.ca_pem;
  tls.pinned_public_keys = wanted.pinned_public_keys;
  tls.server_name = wanted.server_name;
  tls.certificate_file = wanted.certificate_file.string();
  tls.key_file = wanted.key_file.string();
  tls.accept_any_certificate = wanted.accept_any_certificate;
  try {
    client.tls = net::TlsContext::client(tls);
  } catch (const net::NetError& error) {
    core::throw_error(ErrorCode::Configuration, error.what());
  } catch (const std::invalid_argument& error) {
    core::throw_error(ErrorCode::Configuration, error.what());
  }
  return client;
}

std::vector<std::pair<std::string, std::string>> common_headers(const Options& options) {
  std::vector<std::pair<std::string, std::string>> headers;
  // The pattern that servers count clients by: libsql-remote-LANGUAGE-VERSION.
  headers.emplace_back("x-libsql-client-version", "libsql-remote-cpp-" + std::string(version()));
  if (!options.name_space.empty()) {
    require_field_value(options.name_space, "the name space");
    headers.emplace_back("x-namespace", options.name_space);
  }
  if (!options.encryption_key.empty()) {
    require_field_value(options.encryption_key, "the encryption key");
    headers.emplace_back("x-turso-encryption-key", options.encryption_key);
  }
  for (const auto& [name, value] : options.headers) {
    const bool own = std::any_of(kOwnHeaders.begin(), kOwnHeaders.end(), [&, &field = name](const char* known) {
      return net::equals_ignoring_case(field, known);
    });
    if (!net::is_token(name) || own) {
      core::throw_error(ErrorCode::Configuration, "'" + name + "' is not a header that can be added to requests");
    }
    require_field_value(value, "the value of a header");
    headers.emplace_back(name, value);
  }
  return headers;
}

HttpClient::HttpClient(const Options& options, Location location)
    : options_(options),
      endpoint_(location.endpoint),
      client_options_(client_options(options, location)),
      header_texts_(common_headers(options)) {
  if (!location.auth_token.empty()) header_texts_.emplace_back("authorization", "Bearer " + location.auth_token);
  for (const auto& [name, value] : header_texts_) {
    json_headers_.push_back({name, value});
    protobuf_headers_.push_back({name, value});
  }
  json_headers_.push_back({"content-type", "application/json"});
  protobuf_headers_.push_back({"content-type", "application/x-protobuf"});
  if (options_.encoding == RemoteEncoding::Protobuf) dialect_ = Dialect{3, hrana::Encoding::Protobuf};
  if (options_.encoding == RemoteEncoding::Json) dialect_ = Dialect{};
  if (dialect_) encoding_ = dialect_->encoding;
}

HttpClient::Dialect HttpClient::dialect(const Call& call) {
  {
    const std::lock_guard lock(mutex_);
    if (dialect_) return *dialect_;
  }
  const Dialect answer = ask(call);  // several sessions may ask at once; the answers are the same
  const std::lock_guard lock(mutex_);
  if (!dialect_) {
    dialect_ = answer;
    proved_ = answer.encoding == hrana::Encoding::Protobuf;
  }
  encoding_ = dialect_->encoding;
  return *dialect_;
}

void HttpClient::prove(const Dialect& dialect) noexcept {
  const std::lock_guard lock(mutex_);
  if (dialect_ && dialect_->encoding == dialect.encoding && dialect_->version == dialect.version) proved_ = true;
}

int HttpClient::version(const Call& call) {
  for (;;) {
    const Dialect dialect = this->dialect(call);
    {
      const std::lock_guard lock(mutex_);
      if (proved_) return dialect.version;
    }
    // A stream that is opened and closed at once: nothing of it stays, and any server of that version says 200. (That a
    // GET of the path is answered proves nothing: not all servers have it.)
    std::string body;
    const hrana::Request close = hrana::CloseRequest{};
    hrana::encode(dialect.encoding, hrana::PipelineRequest{std::nullopt, {&close, 1}}, body);
    const std::string target = endpoint_.path + std::string(dialect.prefix()) + "/pipeline";
    Call asking = call;
    asking.repeatable = true;
    const Reply reply = send({"POST", target, headers(dialect.encoding), body}, asking);
    if (reply.status == 200) {
      prove(dialect);
    } else if ((reply.status != 404 && reply.status != 405) || !give_up(dialect)) {
      throw_status(reply.status, reply.body, dialect.encoding, asking, Standing::Alone);
    }
  }
}

HttpClient::Dialect HttpClient::ask(const Call& call) {
  Call asking = call;
  asking.repeatable = true;  // whatever the call itself does, this only asks
  const std::string target = endpoint_.path + "/v3-protobuf";
  const Reply reply = send({"GET", target, headers(hrana::Encoding::Protobuf), {}}, asking);
  note(reply);
  if (reply.status >= 200 && reply.status < 300) return {3, hrana::Encoding::Protobuf};
  if (reply.status == 401 || reply.status == 403 || reply.status == 407 || reply.status == 429 || reply.status >= 500) {
    throw_status(reply.status, reply.body, hrana::Encoding::Json, asking, Standing::Alone);
  }
  return {};  // JSON; which version, the first request shows
}

void HttpClient::note(const Reply& reply) {
  const std::lock_guard lock(mutex_);
  manners_ = reply.manners;
}

std::optional<net::Deadline> HttpClient::lock_deadline(const Call& call) {
  const Dialect dialect = this->dialect(call);  // asking for that may answer this, too
  const auto known = [&] {
    const std::lock_guard lock(mutex_);
    return manners_;
  };
  std::optional<Manners> manners = known();
  if (!manners) {
    Call asking = call;
    asking.repeatable = true;
    const std::string target = endpoint_.path + std::string(dialect.prefix());
    note(send({"GET", target, headers(dialect.encoding), {}}, asking));
    manners = known();
  }
  if (manners->keeps_busy_timeout) return std::nullopt;
  return lock_deadline_after(call, manners->answered_in);
}

std::span<const net::Header> HookedHeaders::of(const Options& options, std::span<const net::Header> headers) {
  if (!options.request_hook) [[likely]]
    return headers;
  texts_.clear();
  for (const net::Header& header : headers) texts_.emplace_back(header.name, header.value);
  options.request_hook(texts_);
  views_.clear();
  for (const auto& [name, value] : texts_) {
    if (!net::is_token(name) || !net::is_field_value(value)) {
      core::throw_error(ErrorCode::Configuration, "the request hook made a header that cannot be sent");
    }
    views_.push_back({name, value});
  }
  return views_;
}

HttpClient::Reply HttpClient::send(net::HttpRequest request, const Call& call) {
  HookedHeaders hooked;
  request.headers = hooked.of(options_, request.headers);
  Repetition repetition(options_.retries);
  for (;;) {
    try {
      try {
        Lease connection = take(endpoint_.origin);
        const auto begun = net::Deadline::Clock::now();
        const net::HttpResponse response = connection->request(request, call.wait);
        if (!repetition.allows(response.status, call, Standing::Alone)) {
          const Manners manners{response.header(hrana::kBusyTimeoutHeader) == hrana::kKeepsBusyTimeout,
                                net::Deadline::Clock::now() - begun};
          return {response.status, std::string(response.body), manners};
        }
      } catch (const net::NetError& error) {
        if (!repetition.allows(error, call, Standing::Alone)) throw;
      }
      repetition.wait(call.wait);
    } catch (const net::NetError& error) {
      throw_network(error, call, Standing::Alone);
    }
  }
}

bool HttpClient::give_up(const Dialect& dialect) {
  const std::lock_guard lock(mutex_);
  proved_ = false;
  if (dialect.encoding == hrana::Encoding::Protobuf) {
    if (options_.encoding == RemoteEncoding::Protobuf) return false;
    dialect_ = Dialect{};  // another server answers now
    manners_.reset();
  } else if (dialect.version == 3) {
    dialect_ = Dialect{2, hrana::Encoding::Json};
    proved_ = true;
  } else {
    dialect_.reset();  // to be asked again by the next call
    if (options_.encoding == RemoteEncoding::Json) dialect_ = Dialect{};
    return false;
  }
  encoding_ = dialect_->encoding;
  return true;
}

bool HttpClient::give_up_close(int status, std::string_view body) noexcept {
  if (status != 500 || body.find("unknown variant `close`") == std::string_view::npos) return false;
  closes_streams_.store(false, std::memory_order_relaxed);
  return true;
}

HttpClient::Lease HttpClient::take(const net::Origin& origin) {
  {
    const std::lock_guard lock(mutex_);
    for (auto at = resting_.rbegin(); at != resting_.rend(); ++at) {
      if (at->origin() != origin) continue;
      net::HttpConnection connection = std::move(*at);
      resting_.erase(std::next(at).base());
      return {*this, std::move(connection)};
    }
  }
  return {*this, net::HttpConnection(origin, client_options_)};
}

void HttpClient::give_back(net::HttpConnection connection) noexcept {
  constexpr std::size_t kKept = 32;
  connection.trim();
  try {
    const std::lock_guard lock(mutex_);
    if (resting_.size() < kKept) resting_.push_back(std::move(connection));
  } catch (const std::bad_alloc&) {
    connection.close();
  }
}

}  // namespace libsql::remote
