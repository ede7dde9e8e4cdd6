// A set of page numbers that somebody else may choose: memory grows with how many there are, not with how large they
// are.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace libsql::local {

class PageSet final {
 public:
  /// Whether it is new.
  bool insert(std::uint32_t page) {
    auto& part = parts_[page / kPart];
    if (part == nullptr) part = std::make_unique<Part>();
    if (part->test(page % kPart)) return false;
    part->set(page % kPart);
    return true;
  }
  /// How many are in [first, last].
  std::uint32_t count(std::uint32_t first, std::uint32_t last) const noexcept {
    std::uint32_t pages = 0;
    for (const auto& [number, part] : parts_) {
      const std::uint32_t begin = number * kPart;
      if (begin >= first && begin + (kPart - 1) <= last) {
        pages += static_cast<std::uint32_t>(part->count());
      } else if (begin <= last && begin + (kPart - 1) >= first) {
        for (std::uint32_t i = 0; i < kPart; ++i) {
          if (begin + i >= first && begin + i <= last && part->test(i)) ++pages;
        }
      }
    }
    return pages;
  }
  void clear() noexcept { parts_.clear(); }

 private:
  static constexpr std::uint32_t kPart = 32768;
  using Part = std::bitset<kPart>;
  std::unordered_map<std::uint32_t, std::unique_ptr<Part>> parts_;
};

}  // namespace libsql::local
