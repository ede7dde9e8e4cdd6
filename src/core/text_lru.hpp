// What is known of texts, by the text: the least recently used is given up first, bounded by bytes.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace libsql::core {

/// An Entry has text(), which stays where it is while the entry does, and `bytes`, what it costs. Threads: one at a
/// time.
template <class Entry>
class TextLru {
 public:
  using Entries = std::list<Entry>;  // most recently used first
  using Iterator = typename Entries::iterator;

  TextLru() = default;
  TextLru(const TextLru&) = delete;
  TextLru& operator=(const TextLru&) = delete;

  Iterator begin() noexcept { return order_.begin(); }
  Iterator end() noexcept { return order_.end(); }
  std::size_t size() const noexcept { return places_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// The end if the text is not here. Leaves the order as it is.
  Iterator find(std::string_view text) noexcept {
    const auto found = places_.find(text);
    return found == places_.end() ? order_.end() : found->second;
  }
  const Entry* peek(std::string_view text) const noexcept {
    const auto found = places_.find(text);
    return found == places_.end() ? nullptr : &*found->second;
  }
  void touch(Iterator entry) noexcept {
    if (entry != order_.begin()) order_.splice(order_.begin(), order_, entry);
  }
  /// As the most recently used. Requires: its text is not here.
  Iterator insert(Entry entry) {
    order_.push_front(std::move(entry));
    try {
      places_.emplace(order_.front().text(), order_.begin());
    } catch (...) {
      order_.pop_front();
      throw;
    }
    bytes_ += order_.front().bytes;
    return order_.begin();
  }
  /// An entry costs more than it did.
  void grow(Iterator entry, std::size_t bytes) noexcept {
    entry->bytes += bytes;
    bytes_ += bytes;
  }
  void erase(Iterator entry) noexcept {
    bytes_ -= entry->bytes;
    places_.erase(entry->text());
    order_.erase(entry);
  }
  void clear() noexcept {
    places_.clear();
    order_.clear();
    bytes_ = 0;
  }

  /// Calls `give_up(entry)`, which erases it, for the least recently used that `may_go(entry)` until the rest fits. The
  /// newest stays.
  template <class MayGo, class GiveUp>
  void shrink(std::size_t max_bytes, MayGo&& may_go, GiveUp&& give_up) {
    for (Iterator entry = order_.end(); bytes_ > max_bytes && entry != std::next(order_.begin());) {
      --entry;
      if (may_go(*entry)) give_up(entry++);
    }
  }

 private:
  Entries order_;
  std::unordered_map<std::string_view, Iterator> places_;  // keys view the entries' texts
  std::size_t bytes_ = 0;
};

}  // namespace libsql::core
