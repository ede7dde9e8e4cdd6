// What the planner asks of the tables when statements are compiled.
#pragma once

#include <deque>
#include <functional>
#include <libsql/connection.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace libsql::cli {

struct ExpertColumn {
  std::string name;
  std::string type;
  std::string collation;
  bool generated = false;
  bool is_rowid = false;
};

struct ExpertTable {
  std::string name;
  std::vector<ExpertColumn> columns;
};

/// An entry of the schema.
struct ExpertObject {
  std::string name;
  std::string table;
  std::string sql;
};

/// A column in a condition or in the order of the rows that are wanted.
struct ExpertTerm {
  int column = 0;
  std::string collation;  // empty: that of the column
  bool descending = false;
};

/// One question of the planner: the columns compared for equality or with a range, and the order that would help.
struct ExpertScan {
  std::size_t table = 0;
  std::vector<ExpertTerm> equal;
  std::vector<ExpertTerm> ranges;
  std::vector<ExpertTerm> order;
};

/// A database in memory whose tables have the columns of others, no rows and no indexes, and write down all questions.
class ExpertProbe {
 public:
  /// `tables` has to outlive it; `others` are views and virtual tables, in their order; `set_up` may add what
  /// statements call.
  ExpertProbe(const std::deque<ExpertTable>& tables, const std::vector<ExpertObject>& others,
              const std::vector<ExpertObject>& triggers, const std::function<void(Connection&)>& set_up);

  /// Compiles a statement, and what triggers do for it. What does not compile here asks nothing.
  void look_at(std::string_view statement);
  /// The questions, in their order.
  const std::vector<ExpertScan>& scans() const noexcept { return scans_; }

 private:
  struct Trigger {
    std::string table;
    char event = 'i';  // i, u or d
  };

  void add_trigger(const ExpertObject& trigger);
  std::string stand_in(const std::string& table);
  std::string statement_for(const std::string& table, char event);
  bool compile(std::string_view statement, std::vector<std::pair<std::string, char>>& writes);

  const std::deque<ExpertTable>& tables_;
  std::vector<ExpertScan> scans_;
  std::vector<Trigger> triggers_;
  std::vector<std::pair<std::string, std::string>> stand_ins_;  // ordinary tables for those that have triggers
  Connection connection_;
};

}  // namespace libsql::cli
