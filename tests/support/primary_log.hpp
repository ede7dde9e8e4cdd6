// A primary for tests of replicas, in memory: a database that grows by SQL, and its log as frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "local/store.hpp"
#include "replica/primary.hpp"
#include "replication/frame.hpp"
#include "replication/uuid.hpp"
#include "support/temporary_directory.hpp"

namespace libsql::test {

/// Threads: one at a time.
class PrimaryLog {
 public:
  using Page = std::vector<std::byte>;
  using Frame = std::array<std::byte, replication::kFrameSize>;

  explicit PrimaryLog(std::uint8_t id = 1) { log_id.bytes.fill(std::byte{id}); }

  /// Runs SQL as one commit of the log.
  void commit(const std::string& sql) {
    {
      local::Options options;
      options.path = directory_.file("data");
      local::Store::open(std::move(options))->borrow()->execute_script(sql);
    }
    std::vector<Page> now = read();
    std::vector<std::uint32_t> changed;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (i >= pages.size() || pages[i] != now[i]) changed.push_back(static_cast<std::uint32_t>(i + 1));
    }
    if (changed.empty()) changed.push_back(1);
    pages = std::move(now);
    for (const std::uint32_t page : changed) {
      add(page, page == changed.back() ? static_cast<std::uint32_t>(pages.size()) : 0, pages[page - 1]);
    }
  }
  /// A frame of one's own.
  void add(std::uint32_t page_no, std::uint32_t size_after, const Page& page) {
    const replication::PageView view{page.data(), replication::kPageSize};
    const replication::FrameHeader header = chain_.append(page_no, size_after, view);
    Frame frame{};
    replication::encode_frame_header(header, std::span(frame).first<replication::kFrameHeaderSize>());
    std::copy(page.begin(), page.end(), frame.begin() + replication::kFrameHeaderSize);
    frames.push_back(frame);
  }
  std::optional<std::uint64_t> last() const {
    return frames.empty() ? std::nullopt : std::optional<std::uint64_t>(frames.size() - 1);
  }
  /// All frames from one on, one after the other.
  std::vector<std::byte> bytes(std::size_t from = 0) const {
    std::vector<std::byte> all;
    for (std::size_t i = from; i < frames.size(); ++i) all.insert(all.end(), frames[i].begin(), frames[i].end());
    return all;
  }
  /// As a stream of a snapshot: the newest image of each page, page 1 last.
  std::vector<Frame> snapshot() const {
    std::vector<Frame> stream;
    std::uint64_t number = frames.size() - 1;
    for (std::size_t i = 1; i <= pages.size(); ++i) {
      const std::size_t page = i == pages.size() ? 1 : i + 1;
      Frame frame{};
      replication::encode_frame_header(
          {number, 0, static_cast<std::uint32_t>(page), page == 1 ? static_cast<std::uint32_t>(pages.size()) : 0},
          std::span(frame).first<replication::kFrameHeaderSize>());
      std::copy(pages[page - 1].begin(), pages[page - 1].end(), frame.begin() + replication::kFrameHeaderSize);
      stream.push_back(frame);
      if (number > 0) --number;
    }
    return stream;
  }

  replication::Uuid log_id;
  std::vector<Page> pages;
  std::vector<Frame> frames;

 private:
  std::vector<Page> read() const {
    std::ifstream file(directory_.file("data"), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::vector<Page> all;
    for (std::size_t at = 0; at + replication::kPageSize <= bytes.size(); at += replication::kPageSize) {
      const auto page = std::as_bytes(std::span(bytes)).subspan(at, replication::kPageSize);
      all.emplace_back(page.begin(), page.end());
    }
    return all;
  }

  TemporaryDirectory directory_;
  replication::FrameChain chain_{0, 0};
};

/// What scripted primaries of one test share.
struct PrimaryScript {
  std::shared_ptr<PrimaryLog> log = std::make_shared<PrimaryLog>();
  std::uint64_t first = 0;                                           // older frames need a snapshot
  std::size_t batch = 1024;                                          // frames, to the next end of a transaction
  std::optional<std::uint64_t> claims;                               // in the place of log->last()
  bool joined = false;                                               // commits come joined into one
  std::function<void(std::vector<PrimaryLog::Frame>&)> on_joined;    // may change
  bool session = false;                                              // the token is good
  std::function<void(const std::string&)> before;                    // each call, by name; may throw
  std::function<void(std::uint64_t, PrimaryLog::Frame&)> on_frame;   // may change or throw
  std::function<void(std::vector<PrimaryLog::Frame>&)> on_snapshot;  // may change
  std::vector<std::string> calls;
};

class ScriptedPrimary final : public replica::Primary {
 public:
  explicit ScriptedPrimary(std::shared_ptr<PrimaryScript> script) : script_(std::move(script)) {}

  Greeting hello(const net::Wait&) override {
    note("hello");
    script_->session = true;
    return {script_->log->log_id, script_->claims ? script_->claims : script_->log->last()};
  }
  Outcome frames(std::uint64_t from, const Take& take, const net::Wait&) override {
    note(std::string("frames ").append(std::to_string(from)));
    if (!script_->session) return Outcome::NoHello;
    if (from < script_->first) return Outcome::NeedSnapshot;
    const auto& all = script_->log->frames;
    if (script_->joined && from < all.size()) {
      give_joined(from, take);
      return Outcome::Done;
    }
    std::size_t sent = 0;
    for (std::uint64_t i = from; i < all.size(); ++i) {
      PrimaryLog::Frame frame = all[i];
      if (script_->on_frame) script_->on_frame(i, frame);
      give(frame, take);
      const bool is_commit = replication::decode_frame(all[i])->header.is_commit();
      if (++sent >= script_->batch && is_commit) break;
    }
    return Outcome::Done;
  }
  Outcome snapshot(std::uint64_t from, const Take& take, const net::Wait&) override {
    note(std::string("snapshot ").append(std::to_string(from)));
    if (!script_->session) return Outcome::NoHello;
    auto stream = script_->log->snapshot();
    if (script_->on_snapshot) script_->on_snapshot(stream);
    for (PrimaryLog::Frame& frame : stream) give(frame, take);
    return Outcome::Done;
  }
  std::uint64_t bytes_received() const noexcept override { return received_; }

 private:
  void give_joined(std::uint64_t from, const Take& take) {
    const auto& all = script_->log->frames;
    std::map<std::uint32_t, std::uint64_t> newest;  // frames, by their pages
    for (std::uint64_t i = from; i < all.size(); ++i) newest[replication::decode_frame(all[i])->header.page_no] = i;
    std::set<std::uint64_t> chosen;
    for (const auto& [page, number] : newest) {
      if (page <= script_->log->pages.size()) chosen.insert(number);
    }
    std::vector<PrimaryLog::Frame> joined;
    for (const std::uint64_t number : chosen) {
      auto header = replication::decode_frame(all[number])->header;
      if (number + 1 != all.size()) header.size_after = 0;
      joined.push_back(all[number]);
      replication::encode_frame_header(header, std::span(joined.back()).first<replication::kFrameHeaderSize>());
    }
    if (script_->on_joined) script_->on_joined(joined);
    std::optional<std::uint64_t> previous;
    if (from > 0) previous = replication::decode_frame(all[from - 1])->header.checksum;
    on_joined(previous);
    for (const PrimaryLog::Frame& frame : joined) give(frame, take);
  }
  void note(const std::string& call) {
    script_->calls.push_back(call);
    if (script_->before) script_->before(call);
  }
  void give(const PrimaryLog::Frame& frame, const Take& take) {
    received_ += frame.size();
    take(frame);
  }

  std::shared_ptr<PrimaryScript> script_;
  std::uint64_t received_ = 0;
};

}  // namespace libsql::test
