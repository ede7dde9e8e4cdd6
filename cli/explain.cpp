#include "cli/explain.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cli/text_width.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

struct PlanNode {
  std::int64_t id;
  std::int64_t parent;
  std::string detail;
};

void append_children(std::string& out, const std::vector<PlanNode>& nodes, std::int64_t parent,
                     const std::string& prefix) {
  const auto is_child = [&](const PlanNode& node) { return node.parent == parent; };
  auto node = std::find_if(nodes.begin(), nodes.end(), is_child);
  while (node != nodes.end()) {
    const auto next = std::find_if(node + 1, nodes.end(), is_child);
    const bool last = next == nodes.end();
    out += prefix + (last ? "`--" : "|--") + node->detail + "\n";
    if (node->id != parent) append_children(out, nodes, node->id, prefix + (last ? "   " : "|  "));
    node = next;
  }
}

struct Instruction {
  std::vector<std::string> fields;
  std::string opcode;
  std::int64_t p1 = 0;
  std::int64_t p2 = 0;
  int indent = 0;
};

template <std::size_t N>
bool is_one_of(std::string_view opcode, const std::array<std::string_view, N>& opcodes) {
  return std::find(opcodes.begin(), opcodes.end(), opcode) != opcodes.end();
}

// What lies between an instruction that jumps back and its target is the body of a loop.
void indent_loops(std::vector<Instruction>& program) {
  constexpr std::array<std::string_view, 6> kNext = {"Next", "Prev", "VPrev", "VNext", "SorterNext", "Return"};
  constexpr std::array<std::string_view, 5> kStart = {"Yield", "SeekLT", "SeekGT", "RowSetRead", "Rewind"};
  for (std::size_t i = 0; i < program.size(); ++i) {
    const Instruction& instruction = program[i];
    if (instruction.p2 < 0 || instruction.p2 >= static_cast<std::int64_t>(i)) continue;
    const auto target = static_cast<std::size_t>(instruction.p2);
    const bool loop =
        is_one_of(instruction.opcode, kNext) ||
        (instruction.opcode == "Goto" && (is_one_of(program[target].opcode, kStart) || instruction.p1 != 0));
    if (!loop || (instruction.opcode == "Return" && instruction.p2 == 0)) continue;
    for (std::size_t inside = target; inside < i; ++inside) program[inside].indent += 2;
  }
}

}  // namespace

std::string format_query_plan(Rows rows) {
  std::vector<PlanNode> nodes;
  while (rows.next()) {
    const Row& row = rows.row();
    nodes.push_back({row.get<std::int64_t>(0), row.get<std::int64_t>(1), row.get<std::string>(3)});
  }
  if (nodes.empty()) return {};
  std::string out = "QUERY PLAN\n";
  append_children(out, nodes, 0, "");
  return out;
}

std::string format_program(Rows rows) {
  constexpr std::array<int, 8> kWidths = {4, 13, 4, 4, 4, 13, 2, 13};
  const auto put = [&](std::string& out, std::size_t column, std::string_view text, int indent) {
    out.append(static_cast<std::size_t>(indent), ' ').append(text);
    if (column + 1 == kWidths.size()) return;
    const int used = text_width(text) + indent;
    out.append(static_cast<std::size_t>(std::max(kWidths[column] - used, 0)) + 2, ' ');
  };
  std::vector<Instruction> program;
  std::string out;
  std::string dashes;
  const int columns = std::min(rows.column_count(), static_cast<int>(kWidths.size()));
  for (int i = 0; i < columns; ++i) {
    const auto column = static_cast<std::size_t>(i);
    put(out, column, rows.columns()[column].name, 0);
    put(dashes, column, std::string(static_cast<std::size_t>(kWidths[column]), '-'), 0);
  }
  out += "\n" + dashes + "\n";
  while (rows.next()) {
    const Row& row = rows.row();
    Instruction& instruction = program.emplace_back();
    for (int i = 0; i < columns; ++i) append_plain(instruction.fields.emplace_back(), row.value(i), {});
    instruction.opcode = instruction.fields[1];
    instruction.p1 = row.get<std::int64_t>(2);
    instruction.p2 = row.get<std::int64_t>(3);
  }
  indent_loops(program);
  for (const Instruction& instruction : program) {
    for (std::size_t i = 0; i < instruction.fields.size(); ++i) {
      put(out, i, instruction.fields[i], i == 1 ? instruction.indent : 0);
    }
    out += '\n';
  }
  return out;
}

}  // namespace libsql::cli
