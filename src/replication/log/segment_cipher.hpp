// The encryption of a segment, where the database has one: what a commit holds must not lie beside it in plain text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace libsql::replication {

/// AES-256 in counter mode over the bytes of one file: the counter is the place in the file, the key is made of the
/// database's key and of a random number in the file's header (RFC 5869, SHA-256). No place may ever hold two contents,
/// so a file whose end was lost or is in doubt is not added to any more. Threads: any number at once.
class SegmentCipher {
 public:
  using Nonce = std::array<std::byte, 16>;
  using Check = std::array<std::byte, 8>;

  SegmentCipher(std::span<const std::byte> database_key, const Nonce& nonce);

  /// Bytes for the header that tell whether the key is the right one.
  const Check& check() const noexcept { return check_; }
  /// Encrypts or decrypts, in place, what lies at that offset.
  void apply(std::span<std::byte> bytes, std::uint64_t offset) const;

  static Nonce random_nonce();

 private:
  std::array<unsigned char, 32> key_{};
  Check check_{};
};

}  // namespace libsql::replication
