#include <libsql/explain.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "api/access.hpp"
#include "sql/classify.hpp"

namespace libsql {
namespace {

Rows run_explain(Connection& connection, std::string_view keyword, std::string_view sql, const Params& params) {
  if (sql::classify(sql).explain != sql::ExplainMode::None) {
    core::throw_error(ErrorCode::Misuse, "the statement to explain begins with EXPLAIN itself", sql);
  }
  std::string text(keyword);
  text += sql;
  if (params.size() != 0) return connection.query(text, params);
  Params nulls;
  const int count = connection.prepare(text).parameter_count();
  for (int i = 0; i < count; ++i) nulls.add(null);
  return connection.query(text, nulls);
}

QueryPlanNode* find(std::vector<QueryPlanNode>& nodes, int id) {
  for (QueryPlanNode& node : nodes) {
    if (node.id == id) return &node;
    if (QueryPlanNode* below = find(node.children, id)) return below;
  }
  return nullptr;
}

bool scans(const std::vector<QueryPlanNode>& nodes) noexcept {
  return std::any_of(nodes.begin(), nodes.end(), [](const QueryPlanNode& node) {
    return (node.detail.starts_with("SCAN") && node.detail != "SCAN CONSTANT ROW") || scans(node.children);
  });
}

void print(std::string& out, const std::vector<QueryPlanNode>& nodes, const std::string& indent) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool last = i + 1 == nodes.size();
    out += indent + (last ? "`-- " : "|-- ") + nodes[i].detail + '\n';
    print(out, nodes[i].children, indent + (last ? "    " : "|   "));
  }
}

}  // namespace

bool QueryPlan::has_scan() const noexcept { return scans(steps); }

QueryPlan explain_query_plan(Connection& connection, std::string_view sql, const Params& params) {
  QueryPlan plan;
  Rows rows = run_explain(connection, "EXPLAIN QUERY PLAN ", sql, params);
  while (rows.next()) {
    QueryPlanNode node{
        rows.row().get<int>("id"), rows.row().get<int>("parent"), rows.row().get<std::string>("detail"), {}};
    QueryPlanNode* parent = node.parent == 0 ? nullptr : find(plan.steps, node.parent);
    (parent == nullptr ? plan.steps : parent->children).push_back(std::move(node));
  }
  return plan;
}

std::string to_string(const QueryPlan& plan) {
  std::string text;
  print(text, plan.steps, "");
  return text;
}

std::ostream& operator<<(std::ostream& out, const QueryPlan& plan) { return out << to_string(plan); }

std::vector<ProgramInstruction> explain(Connection& connection, std::string_view sql, const Params& params) {
  std::vector<ProgramInstruction> program;
  Rows rows = run_explain(connection, "EXPLAIN ", sql, params);
  while (rows.next()) program.push_back(rows.row().as<ProgramInstruction>());
  return program;
}

std::string to_string(const std::vector<ProgramInstruction>& program) {
  std::string text = "addr  opcode           p1      p2      p3      p5  p4 / comment\n";
  for (const ProgramInstruction& step : program) {
    std::array<char, 160> line{};
    std::snprintf(line.data(), line.size(), "%4d  %-15.60s %5lld %7lld %7lld %7lld  ", step.address,
                  step.opcode.c_str(), static_cast<long long>(step.p1), static_cast<long long>(step.p2),
                  static_cast<long long>(step.p3), static_cast<long long>(step.p5));
    text += line.data();
    text += step.p4.value_or("");
    if (step.comment && !step.comment->empty()) text += "  ; " + *step.comment;
    text += '\n';
  }
  return text;
}

}  // namespace libsql
