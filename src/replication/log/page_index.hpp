// From each page of a database to the last frame that changed it, as far as the replication log reaches back.
#pragma once

#include <cstdint>
#include <vector>

#include "replication/log/segment.hpp"

namespace libsql::replication {

/// Eight bytes a page. Threads: one at a time.
class PageIndex {
 public:
  /// Nothing is known of frames before this one.
  void begin(FrameNo first) {
    frames_.clear();
    first_ = first;
  }
  void note(std::uint32_t page_no, FrameNo frame) {
    if (page_no >= frames_.size()) frames_.resize(page_no + 1);
    frames_[page_no] = frame + 1;
  }
  /// The last frame of that page, if it is one that is known.
  bool changed_since(std::uint32_t page_no, FrameNo from) const noexcept {
    return page_no < frames_.size() && frames_[page_no] > from;
  }
  FrameNo first() const noexcept { return first_; }

  /// In ascending order.
  std::vector<std::uint32_t> changed_since(FrameNo from) const {
    std::vector<std::uint32_t> pages;
    for (std::uint32_t page = 1; page < frames_.size(); ++page) {
      if (frames_[page] > from) pages.push_back(page);
    }
    return pages;
  }

 private:
  std::vector<FrameNo> frames_;  // one more than the frame; 0: none that is known
  FrameNo first_ = 0;
};

}  // namespace libsql::replication
