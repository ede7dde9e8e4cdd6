// The modes box, table, column and markdown: all rows are kept until the widths are known.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "cli/render.hpp"
#include "cli/style.hpp"
#include "cli/text_width.hpp"
#include "cli/value_text.hpp"

namespace libsql::cli {
namespace {

// The pieces that a table is drawn with.
struct Lines {
  std::string_view horizontal;
  std::string_view top[3];     // left, middle, right
  std::string_view middle[3];  // between the header and the rows, and between rows of several lines
  std::string_view bottom[3];
  std::string_view row[3];
};

constexpr Lines kBoxLines = {"─", {"┌", "┬", "┐"}, {"├", "┼", "┤"}, {"└", "┴", "┘"}, {"│ ", " │ ", " │\n"}};
constexpr Lines kTableLines = {"-", {"+", "+", "+"}, {"+", "+", "+"}, {"+", "+", "+"}, {"| ", " | ", " |\n"}};
constexpr Lines kMarkdownLines = {"-", {}, {"|", "|", "|"}, {}, {"| ", " | ", " |\n"}};
constexpr Lines kColumnLines = {"-", {}, {}, {}, {"", "  ", "\n"}};

class ColumnarRenderer final : public Renderer {
 public:
  ColumnarRenderer(const OutputSettings& settings, Output& output) : Renderer(settings, output) {
    switch (settings.mode) {
      case OutputMode::Box:
        lines_ = &kBoxLines;
        break;
      case OutputMode::Table:
        lines_ = &kTableLines;
        break;
      case OutputMode::Markdown:
        lines_ = &kMarkdownLines;
        break;
      default:
        lines_ = &kColumnLines;
    }
  }

  void begin(std::span<const std::string> names) override {
    columns_.resize(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      Column& column = columns_[i];
      const int chosen = i < settings_.widths.size() ? settings_.widths[i] : 0;
      column.limit = chosen != 0 ? std::abs(chosen) : settings_.wrap;
      column.width = std::abs(chosen);
      column.align_right = chosen < 0;
      header_.push_back(make_cell(names[i], column, false));
    }
  }

  void row(std::span<const ValueRef> values) override {
    std::vector<Cell>& row = rows_.emplace_back();
    row.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      text_.clear();
      append_readable(text_, values[i], settings_.null_value);
      row.push_back(make_cell(text_, columns_[i], values[i].is_null()));
    }
  }

  void end() override {
    if (rows_.empty()) return;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      // Markdown needs three dashes.
      if (settings_.mode == OutputMode::Markdown) columns_[i].width = std::max(columns_[i].width, 1);
    }
    const bool column_mode = settings_.mode == OutputMode::Column;
    const bool lined = settings_.mode == OutputMode::Box || settings_.mode == OutputMode::Table;
    if (lined) print_rule(lines_->top);
    if (!column_mode || settings_.headers) {
      print_row(header_, true);
      if (column_mode) {
        print_dashes();
      } else {
        print_rule(lines_->middle);
      }
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      print_row(rows_[i], false);
      if (several_lines_ && i + 1 < rows_.size()) {
        if (lined) {
          print_rule(lines_->middle);
        } else if (column_mode) {
          output_.write("\n");
        }
      }
    }
    if (lined) print_rule(lines_->bottom);
  }

 private:
  struct Cell {
    std::vector<std::string> lines;
    bool is_null = false;
  };

  struct Column {
    int limit = 0;
    int width = 0;
    bool align_right = false;
  };

  Cell make_cell(std::string_view text, Column& column, bool is_null) {
    Cell cell{layout_lines(text, column.limit, settings_.word_wrap), is_null};
    // A final line break makes no further line.
    if (cell.lines.size() > 1 && cell.lines.back().empty()) cell.lines.pop_back();
    for (const std::string& line : cell.lines) column.width = std::max(column.width, text_width(line));
    if (cell.lines.size() > 1) several_lines_ = true;
    return cell;
  }

  void print_rule(const std::string_view (&ends)[3]) {
    text_.clear();
    if (settings_.colour) text_ += style::kDim;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text_ += ends[i == 0 ? 0 : 1];
      for (int n = 0; n < columns_[i].width + 2; ++n) text_ += lines_->horizontal;
    }
    text_ += ends[2];
    if (settings_.colour) text_ += style::kPlain;
    text_ += '\n';
    output_.write(text_);
  }

  void print_dashes() {
    text_.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text_ += "  ";
      text_.append(static_cast<std::size_t>(columns_[i].width), '-');
    }
    text_ += '\n';
    output_.write(text_);
  }

  void border(std::string_view piece) {
    if (settings_.colour && piece.find_first_not_of(" \n") != std::string_view::npos) {
      text_.append(style::kDim).append(piece.substr(0, piece.find('\n'))).append(style::kPlain);
      if (piece.ends_with('\n')) text_ += '\n';
    } else {
      text_ += piece;
    }
  }

  void print_row(const std::vector<Cell>& row, bool is_header) {
    std::size_t height = 1;
    for (const Cell& cell : row) height = std::max(height, cell.lines.size());
    text_.clear();
    for (std::size_t line = 0; line < height; ++line) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        border(lines_->row[i == 0 ? 0 : 1]);
        const std::string_view content = line < row[i].lines.size() ? row[i].lines[line] : std::string_view();
        put_aligned(content, columns_[i], row[i].is_null, is_header);
      }
      border(lines_->row[2]);
    }
    output_.write(text_);
  }

  void put_aligned(std::string_view content, const Column& column, bool is_null, bool is_header) {
    const int space = column.width - text_width(content);
    int left = 0;
    if (is_header && settings_.mode != OutputMode::Column) {
      left = space / 2;
    } else if (column.align_right) {
      left = space;
    }
    text_.append(static_cast<std::size_t>(left), ' ');
    const std::string_view shade = !settings_.colour || content.empty() ? ""
                                   : is_header                          ? style::kBold
                                   : is_null                            ? style::kDim
                                                                        : "";
    text_ += shade;
    text_ += content;
    if (!shade.empty()) text_ += style::kPlain;
    text_.append(static_cast<std::size_t>(space - left), ' ');
  }

  const Lines* lines_;
  std::vector<Column> columns_;
  std::vector<Cell> header_;
  std::vector<std::vector<Cell>> rows_;
  std::string text_;
  bool several_lines_ = false;
};

}  // namespace

std::unique_ptr<Renderer> make_columnar_renderer(const OutputSettings& settings, Output& output) {
  return std::make_unique<ColumnarRenderer>(settings, output);
}

}  // namespace libsql::cli
