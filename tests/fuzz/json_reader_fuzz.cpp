// Our JSON reader against another one: both have to accept the same texts.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "fuzz/hrana_stability.hpp"
#include "hrana/json_reader.hpp"
#include "hrana/json_writer.hpp"

namespace {

using libsql::hrana::DecodeError;
using libsql::hrana::JsonReader;

bool accepts(std::string_view text) {
  libsql::core::Arena arena;
  JsonReader reader(text, arena);
  try {
    reader.skip();
    reader.end();
  } catch (const DecodeError&) {
    return false;
  }
  return true;
}

// Where the other reader has other rules: nesting without a limit, no number beyond a double, a byte order mark, and
// NUL as the end of the text.
bool is_comparable(std::string_view text) {
  std::size_t opened = 0;
  for (const char c : text) {
    if (c == '\0') return false;
    if ((c == '[' || c == '{') && ++opened > static_cast<std::size_t>(libsql::hrana::kMaxJsonDepth)) return false;
  }
  return text.substr(0, 1) != "\xEF";
}

// A string that both have read has the same characters.
void check_string(std::string_view text) {
  libsql::core::Arena arena;
  JsonReader reader(text, arena);
  try {
    const std::string_view value = reader.string();
    reader.end();
    const auto other = nlohmann::json::parse(text, nullptr, false);
    hrana_fuzz::require(other.is_string() && other.get_ref<const std::string&>() == value,
                        "a string reads differently");
    std::string written;
    hrana_fuzz::require(libsql::hrana::json::append_string(value, written), "a string cannot be written");
    hrana_fuzz::require(nlohmann::json::parse(written) == other, "a string is written differently");
  } catch (const DecodeError&) {
  }
}

// So have numbers, and they are written so that they read back the same.
void check_number(std::string_view text) {
  libsql::core::Arena arena;
  JsonReader reader(text, arena);
  try {
    const double value = reader.real();
    reader.end();
    const auto other = nlohmann::json::parse(text, nullptr, false);
    hrana_fuzz::require(other.is_number() && other.get<double>() == value, "a number reads differently");
    std::string written;
    libsql::hrana::json::append_number(value, written);
    hrana_fuzz::require(libsql::hrana::parse_real(written) == value, "a number is written differently");
  } catch (const DecodeError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool ours = accepts(text);
  if (!is_comparable(text)) return 0;
  bool out_of_range = false;
  const nlohmann::json::parser_callback_t ignore = nullptr;
  try {
    const auto other = nlohmann::json::parse(text, ignore, true);
    hrana_fuzz::require(ours, "refused what the other reader accepts");
  } catch (const nlohmann::json::out_of_range&) {
    out_of_range = true;  // a number beyond a double, which says nothing about the rest
  } catch (const nlohmann::json::exception&) {
    hrana_fuzz::require(!ours, "accepted what the other reader refuses");
  }
  if (out_of_range) return 0;
  check_string(text);
  check_number(text);
  return 0;
}
