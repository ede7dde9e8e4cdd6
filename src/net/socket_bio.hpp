// How OpenSSL reaches a socket.
#pragma once

typedef struct bio_st BIO;

namespace libsql::net {

/// A BIO on a non-blocking socket that it does not own. OpenSSL's own would raise SIGPIPE when the peer is gone, and a
/// library must not rely on how its host treats signals. Null if memory ran out.
BIO* new_socket_bio(int descriptor) noexcept;

}  // namespace libsql::net
