// What keeps an answer from coming, as the errors that users catch.
#pragma once

#include <string_view>

#include <libsql/error.hpp>

#include "hrana/encoding.hpp"
#include "hrana/responses.hpp"
#include "net/error.hpp"
#include "remote/text.hpp"
#include "remote/wire.hpp"

namespace libsql::remote {

/// Whether the request belonged to a stream that a transaction may be open on.
enum class Standing : std::uint8_t { Alone, InTransaction };

/// Whether the status says that the server or a proxy is busy now (RFC 9110 15.6, RFC 6585 4).
bool is_passing(int status) noexcept;

/// Whether the server closed the WebSocket because a message was too long for it, which it then has not read.
bool is_too_long(const net::NetError& error) noexcept;

/// Throws what a failure of the network means for the call: TransactionLost in a transaction, unless it is known less
/// than that; outcome_known() says whether what it wrote may be there.
[[noreturn]] void throw_network(const net::NetError& error, const Call& call, Standing standing);

/// Throws what an HTTP answer other than 200 means. 400 and 404 for a stream that was open mean that it is gone.
[[noreturn]] void throw_status(int status, std::string_view body, hrana::Encoding encoding, const Call& call,
                               Standing standing);

/// Throws Protocol for an answer that cannot be read.
[[noreturn]] void throw_undecodable(const hrana::DecodeError& error, const Call& call, Standing standing);

/// The data of an error that the server sent in answer to a request.
detail::ErrorData error_of(const hrana::WireError& error);
/// The same for a statement: with its text, and the place of the fault in it.
detail::ErrorData error_of(const hrana::WireError& error, const Text& text);

}  // namespace libsql::remote
