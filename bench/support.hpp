// A harness for ratios: contenders run the same work turn by turn in one process, so that what disturbs the machine
// disturbs all of them; the median of the rounds counts.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <time.h>

#include "support/temporary_directory.hpp"

namespace bench {

struct Contender {
  std::string name;
  std::function<double()> run;  // does the work once and returns the operations it did per second
};

/// Which time counts: that of the clock, or the processor time of this thread, which other load on the machine disturbs
/// less and which is fair where nothing waits for a disk.
enum class Time { Wall, Processor };

inline double now(Time time) {
  timespec spec;
  ::clock_gettime(time == Time::Wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &spec);
  return static_cast<double>(spec.tv_sec) + static_cast<double>(spec.tv_nsec) * 1e-9;
}

/// What `work` does, in operations per second.
template <class Work>
double rate(double operations, Work&& work, Time time = Time::Processor) {
  const double start = now(time);
  work();
  return operations / (now(time) - start);
}

/// Runs every contender once per round, the order turned by one each round. Prints the median rate of each, and the
/// median over the rounds of its ratio to the contender called `reference`, with the middle half of the rounds.
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
  const auto at = [](std::vector<double> values, double place) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(place * static_cast<double>(values.size() - 1))];
  };
  std::size_t base = 0;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (contenders[i].name == reference) base = i;
  }
  std::printf("%s (%d rounds)\n", title.c_str(), rounds);
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    std::vector<double> ratios;
    for (std::size_t r = 0; r < rates[i].size(); ++r) ratios.push_back(rates[i][r] / rates[base][r]);
    std::printf("  %-44s %12.0f /s   ratio %5.3f   (middle half %5.3f..%5.3f)\n", contenders[i].name.c_str(),
                at(rates[i], 0.5), at(ratios, 0.5), at(ratios, 0.25), at(ratios, 0.75));
  }
  std::fflush(stdout);
}

/// A directory that goes when the benchmark ends. LIBSQL_BENCH_DIR names the place (a disk, not a tmpfs, for commits).
class Directory : public libsql::test::TemporaryDirectory {
 public:
  Directory() : TemporaryDirectory(place()) {}

 private:
  static std::filesystem::path place() {
    const char* named = std::getenv("LIBSQL_BENCH_DIR");
    if (named == nullptr) return std::filesystem::temp_directory_path();
    std::filesystem::create_directories(named);
    return named;
  }
};

/// Keeps a result from being optimised away.
template <class T>
inline void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace bench
