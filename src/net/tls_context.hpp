// The part of TLS that speaks OpenSSL's types, for the room's own use.
#pragma once

#include <cstdint>
#include <string>

#include "net/tls.hpp"

typedef struct ssl_st SSL;

namespace libsql::net {

/// A session on a non-blocking socket, ready for its handshake. A client's resumes an earlier one with the same host
/// and port, if the context has one: it must outlive the session. Throws NetError Tls.
SSL* new_client_session(const TlsContext& context, int descriptor, const std::string& host, std::uint16_t port);
SSL* new_server_session(const TlsContext& context, int descriptor);

/// Why the last step failed, in words; takes OpenSSL's queue of errors.
std::string handshake_failure(SSL* session);
/// The queue is per thread and has to be empty before each call.
void clear_tls_errors() noexcept;

std::string peer_subject_of(SSL* session);

}  // namespace libsql::net
