// What a replica makes of the frames it gets, without any of the library's own code for that.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libsql/libsql.hpp>

#include "replication/frame.hpp"
#include "replication/wal_log_messages.hpp"

namespace libsql::test {

struct PulledFrame {
  replication::FrameHeader header;
  std::string page;
  std::optional<std::int64_t> timestamp;
};

struct PulledFrames {
  std::vector<PulledFrame> frames;
  std::optional<std::uint64_t> previous_checksum;
};

/// The frames of a message Frames.
inline PulledFrames frames_in(std::string_view message) {
  PulledFrames pulled;
  replication::FramesReader reader;
  reader.feed(message);
  while (const auto frame = reader.next()) {
    const auto view = replication::decode_frame(std::as_bytes(std::span(frame->data)));
    EXPECT_TRUE(view);
    if (!view) continue;
    pulled.frames.push_back(
        {view->header, std::string(frame->data.substr(replication::kFrameHeaderSize)), frame->timestamp});
  }
  reader.finish();
  pulled.previous_checksum = reader.previous_checksum();
  return pulled;
}

/// The pages that transactions leave.
class ReplicaFile {
 public:
  void apply(const std::vector<PulledFrame>& frames) {
    for (const PulledFrame& frame : frames) {
      pages_[frame.header.page_no] = frame.page;
      if (frame.header.size_after == 0) continue;
      std::erase_if(pages_, [&](const auto& page) { return page.first > frame.header.size_after; });
      EXPECT_EQ(pages_.size(), frame.header.size_after) << "pages are missing";
    }
  }
  /// What the query's only value is there. `path` is where the file is written for that.
  std::string content(const std::filesystem::path& path, const std::string& sql) const {
    {
      std::ofstream file(path, std::ios::binary | std::ios::trunc);
      for (const auto& page : pages_) file << page.second;
    }
    auto db = Builder::local(path.string()).build();
    auto conn = db.connect();
    EXPECT_EQ(conn.query_value<std::string>("PRAGMA integrity_check"), "ok");
    return conn.query_value<std::string>(sql);
  }

 private:
  std::map<std::uint32_t, std::string> pages_;
};

}  // namespace libsql::test
