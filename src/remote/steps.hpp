// Building batches: steps, their conditions, and the memory of both.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <vector>

#include "hrana/requests.hpp"

namespace libsql::remote {

/// The steps of one batch. Conditions point into it, so it stays where it is.
class Steps {
 public:
  explicit Steps(std::size_t expected) { steps_.reserve(expected); }
  Steps(const Steps&) = delete;
  Steps& operator=(const Steps&) = delete;

  /// Adds a step; returns its number.
  std::uint32_t add(const hrana::Stmt& stmt, const hrana::BatchCond* condition = nullptr) {
    steps_.push_back({condition, stmt});
    return static_cast<std::uint32_t>(steps_.size() - 1);
  }
  /// A step without arguments, whose rows are not wanted.
  std::uint32_t add(std::string_view sql, const hrana::BatchCond* condition = nullptr) {
    hrana::Stmt stmt;
    stmt.sql.text = sql;
    stmt.want_rows = false;
    return add(stmt, condition);
  }

  const hrana::BatchCond* ok(std::uint32_t step) { return keep({hrana::BatchCond::Kind::Ok, step, {}}); }
  const hrana::BatchCond* negated(const hrana::BatchCond* condition) {
    return keep({hrana::BatchCond::Kind::Not, 0, {condition, 1}});
  }
  const hrana::BatchCond* autocommit() { return keep({hrana::BatchCond::Kind::IsAutocommit, 0, {}}); }
  const hrana::BatchCond* never() { return keep({hrana::BatchCond::Kind::Or, 0, {}}); }
  const hrana::BatchCond* in_transaction() { return negated(autocommit()); }
  /// Both; the second may be null.
  const hrana::BatchCond* both(const hrana::BatchCond* a, const hrana::BatchCond* b) {
    if (b == nullptr) return a;
    std::vector<hrana::BatchCond>& pair = pairs_.emplace_back();
    pair = {*a, *b};
    return keep({hrana::BatchCond::Kind::And, 0, pair});
  }

  hrana::Batch batch() const noexcept { return {steps_, std::nullopt}; }

 private:
  const hrana::BatchCond* keep(hrana::BatchCond condition) { return &conditions_.emplace_back(condition); }

  std::vector<hrana::BatchStep> steps_;
  std::deque<hrana::BatchCond> conditions_;
  std::deque<std::vector<hrana::BatchCond>> pairs_;
};

}  // namespace libsql::remote
