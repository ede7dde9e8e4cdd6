// Memory for what is built once and freed together: bytes and arrays of plain structs. A decoder allocates from one, so
// that a message of thousands of values costs a handful of allocations.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace libsql::core {

/// Who may refuse memory to an arena: what is small on the wire may need much when it is read.
class MemoryLimit {
 public:
  virtual ~MemoryLimit() = default;
  /// Before the arena holds that many bytes in all. Throws to refuse them.
  virtual void hold(std::size_t bytes) = 0;
};

/// Gives memory that lasts until reset() or the arena's end. Nothing is destroyed: only for trivially destructible
/// types.
class Arena {
 public:
  Arena() noexcept = default;
  /// Begins with memory of the caller's, which outlives the arena.
  explicit Arena(std::span<std::byte> first) noexcept
      : first_(first), at_(first.data()), end_(first.data() + first.size()) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { free_chunks(); }

  /// From now on it is asked before memory is taken from the heap, here and by builders. Outlives all that is
  /// allocated.
  void set_limit(MemoryLimit* limit) noexcept { limit_ = limit; }
  void charge(std::size_t bytes) {
    held_ += bytes;
    if (limit_ != nullptr) limit_->hold(held_);
  }
  void discharge(std::size_t bytes) noexcept { held_ -= bytes; }

  void* allocate(std::size_t bytes, std::size_t alignment) {
    const std::size_t padding = (0U - reinterpret_cast<std::uintptr_t>(at_)) & (alignment - 1);
    if (at_ != nullptr && bytes + padding >= bytes && bytes + padding <= static_cast<std::size_t>(end_ - at_)) {
      void* result = at_ + padding;
      at_ += padding + bytes;
      return result;
    }
    return allocate_elsewhere(bytes);
  }

  char* bytes(std::size_t count) { return static_cast<char*>(allocate(count, 1)); }

  std::string_view copy(std::string_view text) {
    char* to = bytes(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  template <class T>
  T* make(const T& value) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T(value);
  }

  /// Takes over memory from std::malloc.
  void adopt(void* block) {
    auto* holder = static_cast<Chunk*>(allocate(sizeof(Chunk), alignof(Chunk)));
    holder->next = adopted_;
    holder->block = block;
    adopted_ = holder;
  }

  /// Forgets everything that was allocated; keeps the first memory.
  void reset() noexcept {
    free_chunks();
    at_ = first_.data();
    end_ = at_ + first_.size();
  }

 private:
  struct Chunk {
    Chunk* next;
    void* block;
  };
  static_assert(sizeof(Chunk) % alignof(std::max_align_t) == 0);

  void* allocate_elsewhere(std::size_t bytes) {
    if (bytes > SIZE_MAX - sizeof(Chunk)) throw std::bad_alloc();
    const bool own_chunk = bytes > next_size_ / 2;  // A large one must not waste the rest of the current chunk.
    const std::size_t size = own_chunk ? bytes : next_size_;
    charge(size);
    auto* block = static_cast<std::byte*>(std::malloc(sizeof(Chunk) + size));
    if (block == nullptr) throw std::bad_alloc();
    chunks_ = new (block) Chunk{chunks_, block};
    std::byte* start = block + sizeof(Chunk);
    if (!own_chunk) {
      at_ = start + bytes;
      end_ = start + size;
      next_size_ = std::min(next_size_ * 2, kLargestChunk);
    }
    return start;
  }

  void free_chunks() noexcept {
    for (; adopted_ != nullptr; adopted_ = adopted_->next) std::free(adopted_->block);
    while (chunks_ != nullptr) std::free(std::exchange(chunks_, chunks_->next));
    next_size_ = kFirstChunk;
    held_ = 0;
  }

  static constexpr std::size_t kFirstChunk = 4096;
  static constexpr std::size_t kLargestChunk = std::size_t{1} << 20;

  std::span<std::byte> first_;
  std::byte* at_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t next_size_ = kFirstChunk;
  Chunk* chunks_ = nullptr;   // each begins the block it names
  Chunk* adopted_ = nullptr;  // these lie in the chunks
  std::size_t held_ = 0;
  MemoryLimit* limit_ = nullptr;
};

/// An array whose length is not known before its end. Small ones are built on the stack and copied into the arena; a
/// large one grows by std::realloc, which moves whole pages without copying them, and is then adopted.
template <class T>
class ArrayBuilder {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(alignof(T) <= alignof(std::max_align_t));

 public:
  explicit ArrayBuilder(Arena& arena) noexcept : arena_(arena) {}
  ArrayBuilder(const ArrayBuilder&) = delete;
  ArrayBuilder& operator=(const ArrayBuilder&) = delete;
  ~ArrayBuilder() {
    if (!is_heap()) return;
    std::free(data_);
    arena_.discharge(capacity_ * sizeof(T));
  }

  T& push_back(const T& value) {
    if (size_ == capacity_) grow(size_ + 1);
    return *new (data_ + size_++) T(value);
  }
  void append(std::span<const T> values) {
    if (values.size() > capacity_ - size_) grow(size_ + values.size());
    if (!values.empty()) std::memcpy(static_cast<void*>(data_ + size_), values.data(), values.size_bytes());
    size_ += values.size();
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  std::span<T> view() noexcept { return {data_, size_}; }
  void clear() noexcept { size_ = 0; }

  /// The array, which from now on is the arena's. The builder is empty again.
  std::span<T> finish() {
    if (size_ == 0) return {};
    const std::size_t size = std::exchange(size_, 0);
    if (is_heap() && capacity_ * sizeof(T) >= kAdopted) {
      T* block = data_;
      arena_.adopt(block);
      data_ = inline_data();
      capacity_ = kInline;
      return {block, size};
    }
    T* to = static_cast<T*>(arena_.allocate(size * sizeof(T), alignof(T)));
    std::memcpy(static_cast<void*>(to), data_, size * sizeof(T));
    return {to, size};
  }

 private:
  static constexpr std::size_t kInline = std::max<std::size_t>(2, 256 / sizeof(T));
  static constexpr std::size_t kAdopted = 4096;

  T* inline_data() noexcept { return reinterpret_cast<T*>(inline_); }
  bool is_heap() noexcept { return data_ != inline_data(); }

  void grow(std::size_t wanted) {
    const std::size_t capacity = std::max(wanted, capacity_ * 2);
    if (capacity > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    arena_.charge((capacity - (is_heap() ? capacity_ : 0)) * sizeof(T));
    void* block =
        is_heap() ? std::realloc(static_cast<void*>(data_), capacity * sizeof(T)) : std::malloc(capacity * sizeof(T));
    if (block == nullptr) throw std::bad_alloc();
    if (!is_heap()) std::memcpy(block, inline_, size_ * sizeof(T));
    data_ = static_cast<T*>(block);
    capacity_ = capacity;
  }

  Arena& arena_;
  alignas(T) std::byte inline_[kInline * sizeof(T)];
  T* data_ = inline_data();
  std::size_t size_ = 0;
  std::size_t capacity_ = kInline;
};

}  // namespace libsql::core
