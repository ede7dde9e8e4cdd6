// The second protocol: frames of SQLite's own log over plain HTTP, with answers in JSON. Its routes and those answers;
// bodies of frames are in frame.hpp.
//
// A database has generations 1, 2, 3 and so on, each a file and the frames 1, 2, 3 and so on that follow it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace libsql::replication::v2 {

// ---- Routes --------------------------------------------------------------------------------------------------------

/// GET /info
struct InfoRoute {
  friend bool operator==(const InfoRoute&, const InfoRoute&) = default;
};

/// GET /export/{generation}: the file that a generation begins with.
struct ExportRoute {
  std::uint32_t generation = 1;

  friend bool operator==(const ExportRoute&, const ExportRoute&) = default;
};

/// GET or POST /sync/{generation}/{start}/{end}, the latter perhaps with /{baton}: frames from `start` to before `end`.
struct SyncRoute {
  std::uint32_t generation = 1;
  std::uint32_t start = 1;
  std::uint32_t end = 2;
  std::optional<std::string_view> baton;  // what the last answer of this push said

  std::uint32_t frame_count() const noexcept { return end - start; }
  friend bool operator==(const SyncRoute&, const SyncRoute&) = default;
};

using Route = std::variant<InfoRoute, ExportRoute, SyncRoute>;

/// The route that a path without its query names, whose baton is a view of it. Nothing for another path, and for one
/// with generation 0, frame 0 or no frames.
std::optional<Route> parse_route(std::string_view path) noexcept;
/// The path of a route. Throws std::invalid_argument for a baton that cannot be part of one.
std::string path_of(const Route& route);

/// Whether a text can be a baton: 1 to 256 characters that a part of a path may have as they are.
bool is_baton(std::string_view text) noexcept;

// ---- Answers -------------------------------------------------------------------------------------------------------
// Decoders throw core::DecodeError. Unknown members are skipped.

/// No answer in JSON may be longer.
inline constexpr std::size_t kMaxAnswerSize = 65536;

/// The answer to /info: `{"current_generation":1}`.
std::uint32_t decode_info(std::string_view body);
std::string encode_info(std::uint32_t current_generation);

enum class SyncStatus : std::uint8_t { Ok, Conflict, CheckpointNeeded };

/// The answer to a push, and what a pull gets (with status 400) if there are no more frames in its generation:
/// `{"status":"ok","generation":1,"max_frame_no":5,"baton":null}`.
struct SyncAnswer {
  SyncStatus status = SyncStatus::Ok;
  std::uint32_t generation = 1;    // the server's newest
  std::uint32_t max_frame_no = 0;  // the last frame that the server has
  std::optional<std::string> baton;

  friend bool operator==(const SyncAnswer&, const SyncAnswer&) = default;
};

/// The answer to a push. Only `ok` and `conflict` are answers to one.
SyncAnswer decode_push_answer(std::string_view body);
/// The generation that the end of a pull tells of, which is all that has to be there.
std::uint32_t decode_pull_end(std::string_view body);
std::string encode_sync_answer(const SyncAnswer& answer);

}  // namespace libsql::replication::v2
