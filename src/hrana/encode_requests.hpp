// Requests written in one encoding or the other. They throw EncodeError.
#pragma once

#include <string>

#include "hrana/encoding.hpp"
#include "hrana/requests.hpp"

namespace libsql::hrana {

namespace json {
void write(const PipelineRequest& request, std::string& out);
void write(const CursorRequest& request, std::string& out);
void write(const Hello& hello, std::string& out);
void write(const WebSocketRequest& request, std::string& out);
}  // namespace json

namespace proto {
void write(const PipelineRequest& request, std::string& out);
void write(const CursorRequest& request, std::string& out);
void write(const Hello& hello, std::string& out);
void write(const WebSocketRequest& request, std::string& out);
}  // namespace proto

}  // namespace libsql::hrana
