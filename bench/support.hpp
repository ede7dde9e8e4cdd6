// A harness for ratios: contenders run the same work turn by turn in one process, so that what disturbs the machine
// disturbs all of them; the median of the rounds counts.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <unistd.h>

namespace bench {

struct Contender {
  std::string name;
  std::function<double()> run;  // does the work once and returns the operations it did per second
};

/// The time `work` takes, as operations per second.
template <class Work>
double rate(double operations, Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return operations / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Runs every contender once per round, the order turned by one each round, and prints medians, the ratio of each to the
/// contender called `reference`, and the spread of the rounds.
inline void compare(const std::string& title, std::vector<Contender> contenders, const std::string& reference,
                    int rounds = 9) {
  if (const char* text = std::getenv("LIBSQL_BENCH_ROUNDS")) rounds = std::max(1, std::atoi(text));
  std::vector<std::vector<double>> rates(contenders.size());
  for (std::size_t i = 0; i < contenders.size(); ++i) contenders[i].run();  // warm up
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t k = 0; k < contenders.size(); ++k) {
      const std::size_t i = (k + static_cast<std::size_t>(round)) % contenders.size();
      rates[i].push_back(contenders[i].run());
    }
  }
  const auto median = [](std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  double base = 0;
  std::vector<double> base_rates;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (contenders[i].name == reference) {
      base = median(rates[i]);
      base_rates = rates[i];
    }
  }
  std::printf("%s (%d rounds)\n", title.c_str(), rounds);
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::vector<double> ratios;
    for (std::size_t r = 0; r < rates[i].size(); ++r) ratios.push_back(rates[i][r] / base_rates[r]);
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("  %-44s %12.0f /s   ratio %5.2f   (rounds %4.2f..%4.2f)\n", contenders[i].name.c_str(), median(rates[i]),
                median(rates[i]) / base, *low, *high);
  }
  std::fflush(stdout);
}

/// A directory that goes when the benchmark ends. LIBSQL_BENCH_DIR names the place (a disk, not a tmpfs, for commits).
class Directory {
 public:
  Directory() {
    const char* place = std::getenv("LIBSQL_BENCH_DIR");
    path_ = std::filesystem::path(place != nullptr ? place : std::filesystem::temp_directory_path().string()) /
            ("libsql-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Keeps a result from being optimised away.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace bench
