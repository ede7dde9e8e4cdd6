// Compression by zstd (RFC 8878), for messages between ends that both have it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace libsql::replication::zstd {

/// The name by which peers agree on it, in grpc-accept-encoding and grpc-encoding.
inline constexpr std::string_view kName = "zstd";

/// Appends `bytes` as one zstd frame with a checksum of its content. Throws std::bad_alloc.
void compress(std::string_view bytes, std::string& out);

/// Reads one zstd frame as it comes in, split anywhere. Takes at most some 9 MiB of memory whatever the frame says.
///
///     decompressor.feed(piece);
///     while (!(part = decompressor.next()).empty()) use(part);
///     ...
///     decompressor.finish();
///
/// Throws core::DecodeError, after which it is of no use: TooLarge beyond the limit, Malformed for anything else.
/// Threads: one at a time.
class Decompressor {
 public:
  explicit Decompressor(std::uint64_t max_bytes);
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  /// Gets it ready for another frame.
  void restart();
  /// The next bytes of the frame, which stay as they are until next() has returned nothing. Requires: it has.
  void feed(std::string_view piece) noexcept { input_ = piece; }
  /// What the frame has held on from there, valid until the next call; nothing if more bytes are needed.
  std::string_view next();
  /// The frame must have ended here.
  void finish() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::string_view input_;
  const std::uint64_t max_bytes_;
  std::uint64_t bytes_ = 0;
  std::uint64_t position_ = 0;
  bool ended_ = false;
};

}  // namespace libsql::replication::zstd
