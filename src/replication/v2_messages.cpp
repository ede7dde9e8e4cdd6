#include "replication/v2_messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include "core/json_reader.hpp"
#include "core/json_text.hpp"

namespace libsql::replication::v2 {

using core::DecodeError;
using core::JsonObject;
using core::JsonReader;

namespace {

constexpr std::size_t kMaxBaton = 256;

// A number from 1 on, in digits alone and without a zero in front.
std::optional<std::uint32_t> number_of(std::string_view text) noexcept {
  if (text.empty() || text.front() < '1' || text.front() > '9') return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Takes the first part off a path; nothing if there is none.
std::optional<std::string_view> take_part(std::string_view& path) noexcept {
  if (path.empty() || path.front() != '/') return std::nullopt;
  path.remove_prefix(1);
  const std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

std::optional<std::uint32_t> take_number(std::string_view& path) noexcept {
  const auto part = take_part(path);
  return part ? number_of(*part) : std::nullopt;
}

// Characters of a part of a path (RFC 3986 3.3) that stand for themselves.
bool is_path_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

std::optional<Route> parse_sync_route(std::string_view path) noexcept {
  SyncRoute route;
  const auto generation = take_number(path);
  const auto start = take_number(path);
  const auto end = take_number(path);
  if (!generation || !start || !end || *end <= *start) return std::nullopt;
  if (!path.empty()) {
    route.baton = take_part(path);
    if (!route.baton || !path.empty() || !is_baton(*route.baton)) return std::nullopt;
  }
  route.generation = *generation;
  route.start = *start;
  route.end = *end;
  return route;
}

void check_size(std::string_view body) {
  if (body.size() > kMaxAnswerSize) {
    throw DecodeError(DecodeError::Kind::TooLarge, kMaxAnswerSize, "the answer is too long");
  }
}

std::uint32_t generation_of(JsonReader& reader) {
  const std::uint32_t generation = reader.uint32();
  if (generation == 0) reader.fail("the generation is 0");
  return generation;
}

// The one number of an answer in which nothing else matters.
std::uint32_t read_generation(std::string_view body, std::string_view name) {
  check_size(body);
  const std::array<std::string_view, 1> names = {name};
  core::Arena arena;
  JsonReader reader(body, arena);
  JsonObject object(reader);
  std::uint32_t generation = 0;
  while (object.next(names) >= 0) generation = generation_of(reader);
  object.require(names, 0);
  reader.end();
  return generation;
}

std::string_view text_of(SyncStatus status) noexcept {
  switch (status) {
    case SyncStatus::Ok:
      return "ok";
    case SyncStatus::Conflict:
      return "conflict";
    case SyncStatus::CheckpointNeeded:
      return "checkpoint_needed";
  }
  return "";
}

}  // namespace

bool is_baton(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxBaton && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), is_path_character);
}

std::optional<Route> parse_route(std::string_view path) noexcept {
  const auto first = take_part(path);
  if (first == "info" && path.empty()) return InfoRoute{};
  if (first == "sync") return parse_sync_route(path);
  if (first != "export") return std::nullopt;
  const auto generation = take_number(path);
  if (!generation || !path.empty()) return std::nullopt;
  return ExportRoute{*generation};
}

std::string path_of(const Route& route) {
  if (std::holds_alternative<InfoRoute>(route)) return "/info";
  if (const auto* from = std::get_if<ExportRoute>(&route)) {
    return std::string("/export/").append(std::to_string(from->generation));
  }
  const auto& sync = std::get<SyncRoute>(route);
  std::string path = "/sync";
  for (const std::uint32_t number : {sync.generation, sync.start, sync.end}) {
    path.append("/").append(std::to_string(number));
  }
  if (sync.baton) {
    if (!is_baton(*sync.baton)) throw std::invalid_argument("the baton cannot be part of a path");
    path.append("/").append(*sync.baton);
  }
  return path;
}

std::uint32_t decode_info(std::string_view body) { return read_generation(body, "current_generation"); }

std::string encode_info(std::uint32_t current_generation) {
  return std::string(R"({"current_generation":)").append(std::to_string(current_generation)).append("}");
}

SyncAnswer decode_push_answer(std::string_view body) {
  constexpr std::array<std::string_view, 4> kNames = {"status", "generation", "max_frame_no", "baton"};
  check_size(body);
  core::Arena arena;
  JsonReader reader(body, arena);
  JsonObject object(reader);
  SyncAnswer answer;
  for (int member = 0; (member = object.next(kNames)) >= 0;) {
    switch (member) {
      case 0: {
        const std::string_view status = reader.string();
        if (status != "ok" && status != "conflict") {
          reader.fail(DecodeError::Kind::UnknownType, "the status of a push is neither ok nor conflict");
        }
        answer.status = status == "ok" ? SyncStatus::Ok : SyncStatus::Conflict;
        break;
      }
      case 1:
        answer.generation = generation_of(reader);
        break;
      case 2:
        answer.max_frame_no = reader.uint32();
        break;
      default:
        if (reader.null()) break;
        answer.baton = std::string(reader.string());
        if (!is_baton(*answer.baton)) reader.fail("the baton cannot be part of a path");
    }
  }
  for (const int member : {0, 1, 2}) object.require(kNames, member);
  reader.end();
  return answer;
}

std::uint32_t decode_pull_end(std::string_view body) { return read_generation(body, "generation"); }

std::string encode_sync_answer(const SyncAnswer& answer) {
  std::string body = R"({"status":")";
  body.append(text_of(answer.status)).append(R"(","generation":)").append(std::to_string(answer.generation));
  body.append(R"(,"max_frame_no":)").append(std::to_string(answer.max_frame_no)).append(R"(,"baton":)");
  if (answer.baton) {
    core::append_json_text(*answer.baton, body, core::OnInvalid::Replace);
  } else {
    body += "null";
  }
  return body += "}";
}

}  // namespace libsql::replication::v2
