#include "server/admin/dump_source.hpp"

#include <array>
#include <fstream>
#include <system_error>

#include "net/error.hpp"
#include "net/http_client.hpp"
#include "net/url.hpp"
#include "server/admin/admin_error.hpp"

namespace libsql::server {
namespace {

using OnPiece = std::function<void(std::string_view)>;

constexpr std::size_t kPieceBytes = std::size_t{1} << 18;
constexpr std::chrono::minutes kLongestDownload{60};

void read_file(const std::filesystem::path& file, const OnPiece& on_piece) {
  std::ifstream in(file, std::ios::binary);
  std::string piece(kPieceBytes, '\0');
  if (!in) throw AdminError("The dump cannot be opened");
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    on_piece(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount())));
  }
  if (in.bad()) throw AdminError("The dump cannot be read");
}

void download(const net::Url& url, const OnPiece& on_piece) {
  net::Origin origin;
  origin.tls = url.scheme == "https";
  origin.host = url.host;
  origin.port = url.port.value_or(origin.tls ? 443 : 80);
  std::string target = url.path.empty() ? "/" : url.path;
  if (url.query) target += "?" + *url.query;
  const std::array<net::Header, 1> headers = {{{"accept", "*/*"}}};
  const net::Wait wait{net::Deadline::after(kLongestDownload)};
  net::HttpConnection connection(origin, {});
  const net::HttpResponse response = connection.open({"GET", target, headers, {}}, wait);
  if (response.status != 200) {
    throw AdminError("The dump cannot be fetched: its server answered " + std::to_string(response.status));
  }
  while (true) {
    const std::string_view piece = connection.read(wait);
    if (piece.empty()) return;
    on_piece(piece);
  }
}

std::filesystem::path file_of(const net::Url& url, const std::filesystem::path& directory) {
  if (directory.empty())
    throw AdminError("Dumps from files are not allowed: the server was started without --dump-dir");
  return path_within(directory, net::percent_decode(url.path));
}

}  // namespace

std::filesystem::path path_within(const std::filesystem::path& directory, const std::filesystem::path& name) {
  std::error_code error;
  const std::filesystem::path root = std::filesystem::canonical(directory, error);
  if (error) throw AdminError("The configured directory cannot be read", 500);
  const std::filesystem::path path = std::filesystem::weakly_canonical(root / name, error);
  if (error) throw AdminError("The path cannot be followed");
  const std::filesystem::path relative = path.lexically_relative(root);
  // weakly_canonical() does not follow a link to a file that does not exist yet, but creating the file would.
  const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(path, error));
  const bool inside = !is_link && !relative.empty() && *relative.begin() != ".." && relative != ".";
  if (!inside || name.native().find('\0') != std::string::npos) {
    throw AdminError("The path leads out of the configured directory");
  }
  return path;
}

void read_dump(const std::string& url, const std::filesystem::path& directory, const OnPiece& on_piece) {
  try {
    // file:///path has no authority, which parse_url() requires.
    if (url.starts_with("file:///")) {
      net::Url file;
      file.path = url.substr(7);
      return read_file(file_of(file, directory), on_piece);
    }
    const net::Url parsed = net::parse_url(url);
    if (parsed.scheme != "http" && parsed.scheme != "https") {
      throw AdminError("`dump_url` is not file:///PATH, http: or https:");
    }
    if (parsed.user_info) throw AdminError("`dump_url` cannot contain a user name or password");
    download(parsed, on_piece);
  } catch (const net::UrlError& error) {
    throw AdminError(std::string("`dump_url`: ") + error.what());
  } catch (const net::NetError& error) {
    throw AdminError(std::string("The dump cannot be fetched: ") + error.what());
  }
}

}  // namespace libsql::server
