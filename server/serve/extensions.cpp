#include "server/serve/extensions.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <new>
#include <string>

#include "server/config/config.hpp"

namespace libsql::server {
namespace {

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

std::string hex_digest_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw ConfigError("the extension \"" + file.string() + "\" cannot be read");
  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  std::array<char, 65536> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    EVP_DigestUpdate(context.get(), piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4U];
    text += kHex[digest[i] & 15U];
  }
  return text;
}

bool is_hex_digest(std::string_view text) noexcept {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

bool same_digest(std::string_view listed, std::string_view computed) noexcept {
  return std::equal(listed.begin(), listed.end(), computed.begin(), computed.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'F' ? a + ('a' - 'A') : a) == b; });
}

}  // namespace

std::vector<std::filesystem::path> trusted_extensions(const std::filesystem::path& directory) {
  const std::filesystem::path list = directory / "trusted.lst";
  std::ifstream in(list);
  if (!in) throw ConfigError("the list of trusted extensions \"" + list.string() + "\" cannot be read");
  std::vector<std::filesystem::path> files;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    const std::string_view digest = std::string_view(line).substr(0, line.find(' '));
    const std::size_t start = line.find_first_not_of(" *", digest.size());  // sha256sum marks binary files with a star
    const std::string name = start == std::string::npos ? std::string() : line.substr(start);
    if (!is_hex_digest(digest) || name.empty() || name.find_first_of("/ ") != std::string::npos) {
      throw ConfigError(list.string() + ":" + std::to_string(number) + ": a line is SHA256  FILENAME");
    }
    const std::filesystem::path file = std::filesystem::absolute(directory / name);
    if (!same_digest(digest, hex_digest_of(file))) {
      throw ConfigError("the extension \"" + file.string() + "\" does not match trusted.lst");
    }
    files.push_back(file);
  }
  return files;
}

}  // namespace libsql::server
