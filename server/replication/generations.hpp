// A database's history as the second protocol tells it: generations, each an image of the database and the frames that
// follow it. A frame there is a frame of the replication log under another number.
//
// The file `generations` in the log's folder says where each began; beside it is the image of the newest one. Numbers
// of generations begin with the time, so that a history whose file was lost is never taken for the one before it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "replication/log/log.hpp"
#include "replication/uuid.hpp"

namespace libsql::server {

/// Threads: all members may be called by several at once.
class Generations {
 public:
  struct Generation {
    std::uint32_t number = 1;
    replication::FrameNo first = 0;            // its frame 1
    std::optional<replication::FrameNo> next;  // frame 1 of the next generation; none: it is the newest
  };

  /// Of that log, whose folder it uses. Throws Corrupt, Io.
  explicit Generations(std::filesystem::path folder);

  /// The newest one, if the log still is the one that it belongs to.
  std::optional<Generation> newest(const replication::Log& log) const;
  /// One whose frames, if they are still there, are in the log.
  std::optional<Generation> find(const replication::Log& log, std::uint32_t number) const;
  /// The highest number that was ever given out; 0: none.
  std::uint32_t highest() const;

  /// The newest one, with its image; begins one if there is none that a new client could start from. That copies the
  /// database once. Throws Error, RequestRefused.
  Generation open_newest(replication::Log& log);
  std::string folder() const { return folder_.string(); }
  /// The image of a generation. Nothing if it is not kept.
  std::optional<std::filesystem::path> image_of(std::uint32_t number) const;

 private:
  struct Begin {
    std::uint32_t number;
    replication::FrameNo first;
  };
  std::optional<Generation> newest_now(const replication::Log& log) const;
  std::filesystem::path file() const { return folder_ / "generations"; }
  std::filesystem::path image(std::uint32_t number) const;
  void load();
  void store(const replication::Uuid& id, const std::vector<Begin>& begins) const;

  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::mutex making_;  // held while an image is made, before the other
  replication::Uuid log_id_;
  std::vector<Begin> begins_;  // newest last
};

}  // namespace libsql::server
