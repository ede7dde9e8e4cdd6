// What a decoder returns: a message made of views, together with the memory they point into.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/arena.hpp"

namespace libsql::core {

/// The bytes to decode: owned, so that the decoded message keeps them, or borrowed from somebody who outlives it.
class Source {
 public:
  Source(std::string&& bytes) noexcept : owned_(std::move(bytes)), is_owned_(true) {}
  /// The message will point into `bytes`.
  static Source borrowed(std::string_view bytes) noexcept { return Source(bytes); }
  /// The same bytes, and who is asked for the memory that decoding needs; it outlives the decoding.
  Source within(MemoryLimit& limit) && noexcept {
    limit_ = &limit;
    return std::move(*this);
  }

 private:
  explicit Source(std::string_view bytes) noexcept : borrowed_(bytes) {}

  friend class DecodedStorage;
  std::string owned_;
  std::string_view borrowed_;
  bool is_owned_ = false;
  MemoryLimit* limit_ = nullptr;
};

/// The memory of one decoded message. It stays where it is, so views into it survive a move of the Decoded.
class DecodedStorage {
 public:
  explicit DecodedStorage(Source source)
      : owned_(std::move(source.owned_)),
        bytes_(source.is_owned_ ? std::string_view(owned_) : source.borrowed_),
        arena_(first_) {
    arena_.set_limit(source.limit_);
  }

  std::string_view bytes() const noexcept { return bytes_; }
  Arena& arena() noexcept { return arena_; }

 private:
  std::string owned_;
  std::string_view bytes_;
  alignas(std::max_align_t) std::byte first_[1024];
  Arena arena_;
};

/// A message and its memory. Moves; the views in it are valid as long as it (and the source, if that was borrowed)
/// lives.
template <class T>
class Decoded {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Decoded(std::unique_ptr<DecodedStorage> storage, const T& value) noexcept
      : storage_(std::move(storage)), value_(value) {}

  const T& operator*() const noexcept { return value_; }
  const T* operator->() const noexcept { return &value_; }

 private:
  std::unique_ptr<DecodedStorage> storage_;
  T value_;
};

}  // namespace libsql::core
