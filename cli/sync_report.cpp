#include "cli/sync_report.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace libsql::cli {
namespace {

std::string bytes_in_words(std::uint64_t bytes) {
  constexpr std::array<const char*, 4> kUnits = {"bytes", "kB", "MB", "GB"};
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", amount, kUnits[unit]);
  return text.data();
}

}  // namespace

std::string in_words(const SyncReport& report) {
  const std::string frame = report.frame_no ? "frame " + std::to_string(*report.frame_no) : std::string("empty");
  if (report.frames_synced == 0 && !report.took_snapshot) return "nothing new, " + frame;
  std::string text = frame;
  text.append(", ").append(std::to_string(report.frames_synced));
  text.append(report.frames_synced == 1 ? " frame in " : " frames in ").append(bytes_in_words(report.bytes_received));
  if (report.took_snapshot) text += ", a whole copy among them";
  return text;
}

}  // namespace libsql::cli
