// SHA-3 (https://doi.org/10.6028/NIST.FIPS.202).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace libsql::cli {

class Sha3 {
 public:
  /// `bits`: 224, 256, 384 or 512.
  explicit Sha3(unsigned bits) noexcept : digest_bytes_(bits / 8), rate_(200 - bits / 4) {}

  void update(std::string_view bytes) noexcept;
  /// The digest in hexadecimal; afterwards the object is of no use.
  std::string finish();

 private:
  void permute() noexcept;
  void absorb(std::uint8_t byte) noexcept;

  std::array<std::uint64_t, 25> state_{};
  std::size_t digest_bytes_;
  std::size_t rate_;
  std::size_t filled_ = 0;
};

}  // namespace libsql::cli
