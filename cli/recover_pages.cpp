#include "cli/recover_pages.hpp"

#include <algorithm>
#include <libsql/error.hpp>

#include "cli/errors.hpp"
#include "cli/recover_format.hpp"

namespace libsql::cli {
namespace {

class EnginePages final : public PageSource {
 public:
  explicit EnginePages(Connection& connection)
      : page_size_(connection.query_value<std::uint32_t>("PRAGMA page_size")),
        count_(connection.query_value<std::uint32_t>("PRAGMA page_count")),
        read_(connection.prepare("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?")) {}

  std::string read(std::uint32_t number) override {
    try {
      Rows rows = read_.query(static_cast<std::int64_t>(number));
      if (!rows.next() || rows.row().value(0).type() != ValueType::Blob) return {};
      const BlobView bytes = rows.row().value(0).blob();
      return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {  // the page is lost, and so much else is not
      return {};
    }
  }
  std::uint32_t count() const noexcept override { return count_; }
  std::uint32_t page_size() const noexcept override { return page_size_; }

 private:
  std::uint32_t page_size_;
  std::uint32_t count_;
  Statement read_;
};

class FilePages final : public PageSource {
 public:
  explicit FilePages(const std::string& path) : file_(path, std::ios::binary) {
    file_.seekg(0, std::ios::end);
    const auto size = static_cast<std::streamoff>(file_.tellg());
    if (!file_ || size <= 0) throw CommandError("cannot read \"" + path + "\"");
    bytes_ = static_cast<std::uint64_t>(size);
    page_size_ = guess_page_size();
  }

  std::string read(std::uint32_t number) override { return read(number, page_size_); }
  std::uint32_t count() const noexcept override {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes_ / page_size_, UINT32_MAX));
  }
  std::uint32_t page_size() const noexcept override { return page_size_; }

 private:
  std::string read(std::uint32_t number, std::uint32_t page_size) {
    std::string page(page_size, '\0');
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(number - 1) * page_size);
    file_.read(page.data(), static_cast<std::streamsize>(page_size));
    return file_.gcount() == static_cast<std::streamsize>(page_size) ? page : std::string();
  }

  // The size at which most pages look like the pages of a b-tree.
  std::uint32_t guess_page_size() {
    constexpr std::uint32_t kLooked = 300;
    std::uint32_t best = 4096;
    std::uint64_t most = 0;
    for (std::uint32_t size = 512; size <= 65536; size *= 2) {
      const auto pages = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes_ / size, kLooked));
      std::uint64_t good = 0;
      for (std::uint32_t number = 2; number <= pages; ++number) {
        const std::string page = read(number, size);
        if (!cells_of(page, number, size).empty()) ++good;
      }
      // In bytes, of what was looked at.
      const std::uint64_t share = pages == 0 ? 0 : good * 1000 / pages;
      if (share > most) {
        most = share;
        best = size;
      }
    }
    return best;
  }

  std::ifstream file_;
  std::uint64_t bytes_ = 0;
  std::uint32_t page_size_ = 4096;
};

}  // namespace

std::unique_ptr<PageSource> pages_of(Connection& connection) { return std::make_unique<EnginePages>(connection); }
std::unique_ptr<PageSource> pages_of_file(const std::string& path) { return std::make_unique<FilePages>(path); }

}  // namespace libsql::cli
