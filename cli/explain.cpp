#include "cli/explain.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>
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

// The code between an instruction that jumps back and its target is the body of a loop.
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

// The share of each instruction of all cycles, and how often it ran, behind its address.
void add_counts(std::vector<Instruction>& program, std::span<const InstructionCount> counts) {
  std::int64_t all = 0;
  for (const InstructionCount& count : counts) all += count.cycles;
  // (Compiled at another moment it may be another program.)
  const bool fits = counts.size() == program.size();
  for (std::size_t i = 0; i < program.size(); ++i) {
    std::array<char, 32> share{};
    if (fits) {
      std::snprintf(
          share.data(), share.size(), "%.2f%%",
          100.0 * static_cast<double>(counts[i].cycles) / static_cast<double>(std::max<std::int64_t>(all, 1)));
    }
    const std::string runs = fits ? std::to_string(counts[i].runs) : std::string();
    program[i].fields.insert(program[i].fields.begin() + 1, {share.data(), runs});
  }
}

std::string with_one_decimal(double value) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
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

std::string format_program(Rows rows) { return format_program(std::move(rows), {}); }

std::string format_program(Rows rows, std::span<const InstructionCount> counts) {
  std::vector<int> widths = {4, 13, 4, 4, 4, 13, 2, 13};
  std::vector<std::string> names;
  for (const Column& column : rows.columns()) names.push_back(column.name);
  widths.resize(names.size());
  std::vector<Instruction> program;
  while (rows.next()) {
    const Row& row = rows.row();
    Instruction& instruction = program.emplace_back();
    for (int i = 0; i < rows.column_count(); ++i) append_plain(instruction.fields.emplace_back(), row.value(i), {});
    instruction.opcode = instruction.fields[1];
    instruction.p1 = row.get<std::int64_t>(2);
    instruction.p2 = row.get<std::int64_t>(3);
  }
  indent_loops(program);
  std::size_t opcode = 1;
  if (!counts.empty()) {
    opcode += 2;
    widths.insert(widths.begin() + 1, {8, 6});
    names.insert(names.begin() + 1, {"cycles", "nexec"});
    add_counts(program, counts);
  }
  std::string out;
  std::string dashes;
  const auto put = [&](std::string& line, std::size_t column, std::string_view text, int indent) {
    line.append(static_cast<std::size_t>(indent), ' ').append(text);
    if (column + 1 == widths.size()) return;
    const int used = text_width(text) + indent;
    line.append(static_cast<std::size_t>(std::max(widths[column] - used, 0)) + 2, ' ');
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    put(out, i, names[i], 0);
    put(dashes, i, std::string(static_cast<std::size_t>(widths[i]), '-'), 0);
  }
  out += "\n" + dashes + "\n";
  for (const Instruction& instruction : program) {
    for (std::size_t i = 0; i < instruction.fields.size(); ++i) {
      put(out, i, instruction.fields[i], i == opcode ? instruction.indent : 0);
    }
    out += '\n';
  }
  return out;
}

std::string format_counts(const RunCounts& counts, Estimates estimates) {
  if (counts.steps.empty()) return {};
  std::vector<PlanNode> nodes;
  for (const PlanStepCount& step : counts.steps) {
    std::string figures;
    const auto add = [&](const std::string& figure) { figures.append(figures.empty() ? "" : " ").append(figure); };
    if (step.cycles && counts.cycles > 0) {
      add("cycles=" + std::to_string(*step.cycles) + " [" +
          std::to_string((*step.cycles * 100 + counts.cycles / 2) / counts.cycles) + "%]");
    }
    if (step.loops) add("loops=" + std::to_string(*step.loops));
    if (step.rows) add("rows=" + std::to_string(*step.rows));
    if (!step.name.empty() && step.loops && step.rows && estimates == Estimates::Shown) {
      const double loops = static_cast<double>(std::max<std::int64_t>(*step.loops, 1));
      add("rpl=" + with_one_decimal(static_cast<double>(*step.rows) / loops) +
          " est=" + with_one_decimal(step.estimated_rows));
    }
    nodes.push_back({step.id, step.parent, step.detail + (figures.empty() ? "" : " (" + figures + ")")});
  }
  std::string out = "QUERY PLAN";
  if (counts.cycles > 0) out += " (cycles=" + std::to_string(counts.cycles) + " [100%])";
  out += '\n';
  append_children(out, nodes, 0, "");
  return out;
}

}  // namespace libsql::cli
