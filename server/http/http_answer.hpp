// What all HTTP answers have in common.
#pragma once

#include <exception>
#include <string_view>

#include "net/server.hpp"

namespace libsql::server {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProtobuf = "application/x-protobuf";
inline constexpr std::string_view kPlainText = "text/plain";
inline constexpr std::string_view kBytes = "application/octet-stream";

/// Pages of any site may use the server, as observed in sqld 0.24.33.
inline constexpr net::Header kAnyOrigin{"access-control-allow-origin", "*"};
inline constexpr net::Header kTypeJson{"content-type", kJson};
inline constexpr net::Header kTypeProtobuf{"content-type", kProtobuf};

void answer(net::Exchange& exchange, int status, std::string_view content_type, std::string_view body);
/// Answers `{"error":...,"message":...,"code":...}` with the text twice, as clients differ in which one they show.
void answer_error(net::Exchange& exchange, int status, std::string_view message, std::string_view code);
/// Answers with the error that a handler threw. Does nothing if an answer has begun.
void answer_exception(net::Exchange& exchange, std::exception_ptr thrown) noexcept;

}  // namespace libsql::server
