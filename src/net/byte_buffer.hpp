// Bytes that come in at one end and go out at the other.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace libsql::net {

/// A buffer that grows without clearing its memory. Views into it live until prepare(), append() or release().
class ByteBuffer {
 public:
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  std::size_t capacity() const noexcept { return capacity_; }
  char* data() noexcept { return memory_.get() + begin_; }
  std::string_view view() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }

  /// Room for `size` more bytes behind the ones that are there; commit() then says how many came.
  char* prepare(std::size_t size) {
    if (capacity_ - end_ < size) make_room(size);
    return memory_.get() + end_;
  }
  std::size_t room() const noexcept { return capacity_ - end_; }
  void commit(std::size_t size) noexcept { end_ += size; }

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  /// Takes away from the front.
  void consume(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() noexcept { begin_ = end_ = 0; }
  /// Gives the memory back as well.
  void release() noexcept {
    memory_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };

  void make_room(std::size_t size) {
    const std::size_t held = this->size();
    if (begin_ != 0 && held != 0) std::memmove(memory_.get(), memory_.get() + begin_, held);
    const bool was_half_empty = begin_ >= capacity_ / 2;
    begin_ = 0;
    end_ = held;
    if (held + size <= capacity_ && was_half_empty) return;
    std::size_t wanted = capacity_ < 2048 ? 4096 : capacity_ * 2;
    while (wanted < held + size) wanted *= 2;
    // Large memory is moved by its pages, so that it is never there twice.
    char* const bigger = static_cast<char*>(std::realloc(memory_.get(), wanted));
    if (bigger == nullptr) throw std::bad_alloc();
    static_cast<void>(memory_.release());
    memory_.reset(bigger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[], Free> memory_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace libsql::net
