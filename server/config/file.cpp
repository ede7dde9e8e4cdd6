#include "server/config/load.hpp"

namespace libsql::server {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kBlank);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

class LineParser {
 public:
  LineParser(std::string_view line, const std::string& file, std::size_t number)
      : rest_(trimmed(line)), file_(file), number_(number) {}

  bool is_empty() const noexcept { return rest_.empty() || rest_.front() == '#'; }

  ConfigLine parse() {
    const std::size_t equals = rest_.find('=');
    if (equals == std::string_view::npos) fail("a line must be NAME = VALUE");
    const std::string_view name = trimmed(rest_.substr(0, equals));
    if (name.empty()) fail("a line must be NAME = VALUE");
    rest_ = trimmed(rest_.substr(equals + 1));
    std::string value = rest_.starts_with('"') ? quoted() : plain();
    return {std::string(name), std::move(value), number_};
  }

 private:
  [[noreturn]] void fail(const char* reason) const {
    throw ConfigError(file_ + ":" + std::to_string(number_) + ": " + reason);
  }

  // A comment must follow a blank, so that values may contain the sign.
  std::string plain() const {
    const std::size_t remark = rest_.find(" #");
    return std::string(trimmed(rest_.substr(0, remark)));
  }

  std::string quoted() {
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        const std::string_view after = trimmed(rest_.substr(i + 1));
        if (!after.empty() && after.front() != '#') fail("something follows the closing quote");
        return value;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      value += rest_[i];
    }
    fail("the closing quote is missing");
  }

  std::string_view rest_;
  const std::string& file_;
  std::size_t number_;
};

}  // namespace

std::vector<ConfigLine> parse_config_file(std::string_view text, const std::string& file) {
  std::vector<ConfigLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    LineParser parser(text.substr(0, end), file, number);
    if (!parser.is_empty()) lines.push_back(parser.parse());
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace libsql::server
