// From the pattern to a tree, and from the tree to a program.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "functions/regexp.hpp"
#include "functions/unicode.hpp"

namespace libsql::functions {

class RegexpCompiler {
 public:
  RegexpCompiler(std::string_view pattern, Regexp& regexp) : pattern_(pattern), regexp_(regexp) {}

  void compile() {
    const std::size_t root = alternatives();
    if (at_ < pattern_.size()) fail("unmatched closing parenthesis");
    emit_op({Op::Save, 0});
    emit(root);
    emit_op({Op::Save, 1});
    emit_op({Op::Match});
    regexp_.groups_ = groups_;
    for (Class& entry : regexp_.classes_) {
      for (char32_t code = 0; code < 128; ++code) entry.ascii[code] = entry.look(code);
    }
    const auto& program = regexp_.program_;
    regexp_.begins_at_text_ = program[1].op == Op::TextBegin;
    if (program[1].op == Op::Character && program[1].x < 128) regexp_.first_byte_ = static_cast<int>(program[1].x);
  }

 private:
  using Op = Regexp::Op;
  using Class = Regexp::Class;

  enum class Kind : std::uint8_t { Empty, Step, Sequence, Alternatives, Group, Repeat };
  struct Node {
    Kind kind = Kind::Empty;
    Regexp::Instruction step{Op::Jump};
    std::vector<std::size_t> parts;
    int group = -1;  // -1: does not capture
    unsigned least = 1, most = 1;
    bool lazy = false;
  };
  struct Flags {
    bool any_case = false, dot_all = false, lines = false, free = false;
  };

  static constexpr unsigned kUnbounded = static_cast<unsigned>(-1);
  static constexpr unsigned kMostRepeats = 1000;
  static constexpr std::size_t kMostSteps = 16384, kMostGroups = 50, kMostDepth = 200, kMostPattern = 65536;

  [[noreturn]] void fail(const std::string& what) const {
    throw RegexpError(what + " (offset " + std::to_string(at_) + ")");
  }

  std::size_t add(Node node) {
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }
  std::size_t add_step(Regexp::Instruction step) {
    Node node;
    node.kind = Kind::Step;
    node.step = step;
    return add(std::move(node));
  }

  // -- the text of the pattern
  // -----------------------------------------------------------------------------------------

  bool more() const noexcept { return at_ < pattern_.size(); }
  char peek() const noexcept { return more() ? pattern_[at_] : '\0'; }
  bool take(std::string_view text) noexcept {
    if (pattern_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }
  char32_t character() {
    const Character next = decode_character(pattern_.substr(at_));
    at_ += next.size;
    return next.code;
  }

  // -- the tree
  // --------------------------------------------------------------------------------------------------------

  std::size_t alternatives() {
    if (++depth_ > kMostDepth) fail("parentheses are nested too deeply");
    if (pattern_.size() > kMostPattern) fail("the pattern is too long");
    const Flags before = flags_;
    Node node;
    node.kind = Kind::Alternatives;
    node.parts.push_back(sequence());
    while (take("|")) node.parts.push_back(sequence());
    flags_ = before;
    --depth_;
    return node.parts.size() == 1 ? node.parts[0] : add(std::move(node));
  }

  std::size_t sequence() {
    Node node;
    node.kind = Kind::Sequence;
    while (more() && peek() != '|' && peek() != ')') {
      if (flags_.free && skip_free()) continue;
      if (take("\\Q")) {
        const std::size_t before = node.parts.size();
        while (more() && !take("\\E")) node.parts.push_back(literal(character()));
        if (node.parts.size() > before) node.parts.back() = repeated(node.parts.back());
        continue;
      }
      if (take("\\E")) continue;
      if (const std::optional<std::size_t> part = atom()) node.parts.push_back(repeated(*part));
    }
    return add(std::move(node));
  }

  bool skip_free() {
    if (is_space(static_cast<unsigned char>(peek())) && static_cast<unsigned char>(peek()) < 128) {
      ++at_;
      return true;
    }
    if (peek() != '#') return false;
    while (more() && peek() != '\n') ++at_;
    return true;
  }

  std::size_t literal(char32_t code) {
    if (!flags_.any_case || (to_lower(code) == code && to_upper(code) == code)) {
      return add_step({Op::Character, static_cast<std::uint32_t>(code)});
    }
    Class entry;
    entry.ranges = {{code, code}};
    return class_step(std::move(entry));
  }

  std::size_t class_step(Class entry) {
    entry.any_case = flags_.any_case;
    regexp_.classes_.push_back(std::move(entry));
    return add_step({Op::Class, static_cast<std::uint32_t>(regexp_.classes_.size() - 1)});
  }

  // What a quantifier can follow; nothing for settings.
  std::optional<std::size_t> atom() {
    const char next = peek();
    switch (next) {
      case '(':
        return group();
      case '[':
        return bracket();
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        fail("quantifier does not follow a repeatable item");
      case '.': {
        ++at_;
        if (flags_.dot_all) return add_step({Op::Any});
        Class entry;
        entry.ranges = {{'\n', '\n'}};
        entry.negated = true;
        return class_step(std::move(entry));
      }
      case '^':
        ++at_;
        return add_step({flags_.lines ? Op::LineBegin : Op::TextBegin});
      case '$':
        ++at_;
        return add_step({flags_.lines ? Op::LineEnd : Op::TextEndOrNewline});
      default:
        return literal(character());
    }
  }

  std::optional<std::size_t> group() {
    ++at_;
    Node node;
    node.kind = Kind::Group;
    const Flags before = flags_;
    if (take("?#")) {
      while (more() && peek() != ')') ++at_;
      if (!take(")")) fail("missing closing parenthesis");
      return std::nullopt;
    }
    if (take("?:")) {
    } else if (take("?P<") || (pattern_.substr(at_, 2) == "?<" && pattern_.substr(at_ + 2, 1) != "=" &&
                               pattern_.substr(at_ + 2, 1) != "!" && take("?<"))) {
      while (more() && peek() != '>') ++at_;
      if (!take(">")) fail("syntax error in the name of a group");
      node.group = next_group();
    } else if (peek() == '?') {
      ++at_;
      if (!settings()) {
        --at_;
        fail(
            "look-around, atomic groups and conditions are not supported, because matching takes time linear in the "
            "text");
      }
      if (take(")")) return std::nullopt;  // until the end of the enclosing group
      if (!take(":")) fail("unrecognised character after (?");
    } else if (peek() == '*') {
      fail("verbs are not supported");
    } else {
      node.group = next_group();
    }
    node.parts.push_back(alternatives());
    if (!take(")")) fail("missing closing parenthesis");
    flags_ = before;
    return add(std::move(node));
  }

  int next_group() {
    if (++groups_ > kMostGroups) fail("more than 50 groups");
    return static_cast<int>(groups_);
  }

  bool settings() {
    bool on = true, any = false;
    for (;; ++at_) {
      switch (peek()) {
        case 'i':
          flags_.any_case = on;
          break;
        case 's':
          flags_.dot_all = on;
          break;
        case 'm':
          flags_.lines = on;
          break;
        case 'x':
          flags_.free = on;
          break;
        case '-':
          on = false;
          break;
        default:
          return any;
      }
      any = true;
    }
  }

  std::size_t repeated(std::size_t part) {
    for (bool first = true;; first = false) {
      if (flags_.free) {
        while (more() && skip_free()) {
        }
      }
      unsigned least = 0, most = kUnbounded;
      if (take("*")) {
      } else if (take("+")) {
        least = 1;
      } else if (take("?")) {
        most = 1;
      } else if (!counts(least, most)) {
        return part;
      }
      if (!first) fail("quantifier does not follow a repeatable item");
      Node node;
      node.kind = Kind::Repeat;
      node.least = least;
      node.most = most;
      node.lazy = take("?");
      if (!node.lazy && take("+")) fail("possessive quantifiers are not supported");
      node.parts.push_back(part);
      part = add(std::move(node));
    }
  }

  // {n}, {n,}, {n,m}; anything else is a literal brace.
  bool counts(unsigned& least, unsigned& most) {
    const std::size_t begin = at_;
    if (!take("{")) return false;
    const std::optional<unsigned> low = number();
    bool good = low.has_value();
    std::optional<unsigned> high = low;
    if (good && take(",")) {
      high = number();
      if (!high) high = kUnbounded;
    }
    good = good && take("}");
    if (!good) {
      at_ = begin;
      return false;
    }
    if (*low > kMostRepeats || (*high != kUnbounded && *high > kMostRepeats)) fail("number too big in {} quantifier");
    if (*high < *low) fail("numbers out of order in {} quantifier");
    least = *low;
    most = *high;
    return true;
  }

  std::optional<unsigned> number() {
    if (!more() || peek() < '0' || peek() > '9') return std::nullopt;
    unsigned value = 0;
    while (more() && peek() >= '0' && peek() <= '9')
      value = std::min(value * 10 + static_cast<unsigned>(pattern_[at_++] - '0'), 100000U);
    return value;
  }

  // -- escapes and classes
  // ---------------------------------------------------------------------------------------------

  // \d and its like: a kind of characters.
  std::optional<std::uint16_t> kind_escape(char letter) {
    switch (letter) {
      case 'd':
        return Regexp::kDigit;
      case 'D':
        return Regexp::kNoDigit;
      case 'w':
        return Regexp::kWord;
      case 'W':
        return Regexp::kNoWord;
      case 's':
        return Regexp::kSpace;
      case 'S':
        return Regexp::kNoSpace;
      default:
        return std::nullopt;
    }
  }

  // \h, \v, \N and \p{..}, which are ranges or have names.
  std::optional<Class> class_escape(char letter) {
    Class entry;
    if (letter == 'h' || letter == 'H') {
      entry.ranges = {{'\t', '\t'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                      {0x2000, 0x200a}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};
    } else if (letter == 'v' || letter == 'V') {
      entry.ranges = {{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}};
    } else if (letter == 'N') {
      entry.ranges = {{'\n', '\n'}};
    } else if (letter == 'p' || letter == 'P') {
      std::string_view name = pattern_.substr(at_, 1);
      if (take("{")) {
        const std::size_t end = pattern_.find('}', at_);
        if (end == std::string_view::npos) fail("malformed \\P or \\p sequence");
        name = pattern_.substr(at_, end - at_);
        at_ = end + 1;
      } else if (more()) {
        ++at_;
      }
      bool inverse = letter == 'P';
      if (!name.empty() && name[0] == '^') {
        inverse = !inverse;
        name.remove_prefix(1);
      }
      if (name == "L" || name == "L&") {
        entry.kinds = Regexp::kLetter;
      } else if (name == "Lu") {
        entry.kinds = Regexp::kUpper;
      } else if (name == "Ll") {
        entry.kinds = Regexp::kLower;
      } else if (name == "N" || name == "Nd") {
        entry.kinds = Regexp::kDigit;
      } else if (name == "Zs" || name == "Z") {
        entry.kinds = Regexp::kSpace;
      } else {
        fail("unknown property after \\P or \\p");
      }
      entry.negated = inverse;
      return entry;
    } else {
      return std::nullopt;
    }
    entry.negated = letter == 'H' || letter == 'V' || letter == 'N';
    return entry;
  }

  // An escape that stands for one character, behind its letter.
  char32_t character_escape(char letter) {
    switch (letter) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'f':
        return '\f';
      case 'a':
        return 7;
      case 'e':
        return 27;
      case '0':
        return octal(2);
      case 'o': {
        if (!take("{")) fail("missing opening brace after \\o");
        const char32_t code = octal(8);
        if (!take("}")) fail("non-octal character in \\o{}");
        return code;
      }
      case 'x':
        if (take("{")) {
          const char32_t code = hexadecimal(8);
          if (!take("}")) fail("non-hex character in \\x{}");
          if (code >= kStrayByte) fail("character code point value in \\x{} is too large");
          return code;
        }
        return hexadecimal(2);
      default:
        break;
    }
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 128 && is_word(byte) && letter != '_') fail("unrecognised character follows \\");
    --at_;
    return character();
  }

  char32_t hexadecimal(int digits) {
    char32_t code = 0;
    for (; digits > 0 && more(); --digits, ++at_) {
      const char lower = static_cast<char>(to_lower(static_cast<unsigned char>(peek())));
      if (lower >= '0' && lower <= '9') {
        code = code * 16 + static_cast<char32_t>(lower - '0');
      } else if (lower >= 'a' && lower <= 'f') {
        code = code * 16 + static_cast<char32_t>(lower - 'a' + 10);
      } else {
        break;
      }
    }
    return code;
  }
  char32_t octal(int digits) {
    char32_t code = 0;
    for (; digits > 0 && peek() >= '0' && peek() <= '7'; --digits, ++at_)
      code = code * 8 + static_cast<char32_t>(peek() - '0');
    return code;
  }

  char escape_letter() {
    ++at_;
    if (!more()) fail("\\ at end of pattern");
    return pattern_[at_++];
  }

  std::size_t escape() {
    const char letter = escape_letter();
    switch (letter) {
      case 'b':
        return add_step({Op::WordBoundary});
      case 'B':
        return add_step({Op::NoWordBoundary});
      case 'A':
        return add_step({Op::TextBegin});
      case 'z':
        return add_step({Op::TextEnd});
      case 'Z':
        return add_step({Op::TextEndOrNewline});
      default:
        break;
    }
    if (letter >= '1' && letter <= '9') {
      --at_;
      fail("back references are not supported, because matching takes time linear in the text");
    }
    if (const auto kind = kind_escape(letter)) {
      Class entry;
      entry.kinds = *kind;
      return class_step(std::move(entry));
    }
    if (auto entry = class_escape(letter)) return class_step(std::move(*entry));
    return literal(character_escape(letter));
  }

  std::size_t bracket() {
    ++at_;
    Class entry;
    entry.negated = take("^");
    bool first = true;
    for (;; first = false) {
      if (!more()) fail("missing terminating ] for character class");
      if (peek() == ']' && !first) break;
      if (named_class(entry)) continue;
      std::optional<char32_t> low = class_character(entry);
      if (!low) continue;
      char32_t high = *low;
      if (pattern_.substr(at_, 1) == "-" && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
        ++at_;
        const std::uint16_t kinds = entry.kinds;
        const std::optional<char32_t> upper = class_character(entry);
        if (!upper || kinds != entry.kinds) fail("invalid range in character class");
        high = *upper;
      }
      if (high < *low) fail("range out of order in character class");
      entry.ranges.push_back({*low, high});
    }
    ++at_;
    std::sort(entry.ranges.begin(), entry.ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return class_step(std::move(entry));
  }

  // One character of a class; nothing if it was an escape for many, which `entry` has got.
  std::optional<char32_t> class_character(Class& entry) {
    if (peek() != '\\') return character();
    const char letter = escape_letter();
    if (letter == 'b') return 8;
    if (const auto kind = kind_escape(letter)) {
      entry.kinds |= *kind;
      return std::nullopt;
    }
    if (const auto ranges = class_escape(letter)) {
      if (ranges->negated) fail("a negated property inside a character class is not supported");
      entry.kinds |= ranges->kinds;
      entry.ranges.insert(entry.ranges.end(), ranges->ranges.begin(), ranges->ranges.end());
      return std::nullopt;
    }
    if (letter >= '1' && letter <= '7') {
      --at_;
      return octal(3);
    }
    return character_escape(letter);
  }

  // [:alpha:] and its like.
  bool named_class(Class& entry) {
    if (pattern_.substr(at_, 2) != "[:") return false;
    const std::size_t end = pattern_.find(":]", at_);
    if (end == std::string_view::npos) return false;
    const std::string_view name = pattern_.substr(at_ + 2, end - at_ - 2);
    if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz^") != std::string_view::npos) return false;
    static const struct {
      std::string_view name;
      std::uint16_t kinds;
      std::vector<Class::Range> ranges;
    } known[] = {
        {"alpha", Regexp::kLetter, {}},
        {"digit", Regexp::kDigit, {}},
        {"alnum", Regexp::kLetter | Regexp::kDigit, {}},
        {"word", Regexp::kWord, {}},
        {"space", Regexp::kSpace, {}},
        {"upper", Regexp::kUpper, {}},
        {"lower", Regexp::kLower, {}},
        {"blank", 0, {{'\t', '\t'}, {' ', ' '}}},
        {"cntrl", 0, {{0, 31}, {127, 127}}},
        {"graph", 0, {{33, 126}, {0xa1, 0x10ffff}}},
        {"print", 0, {{32, 126}, {0xa0, 0x10ffff}}},
        {"punct", 0, {{33, 47}, {58, 64}, {91, 96}, {123, 126}}},
        {"xdigit", 0, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
        {"ascii", 0, {{0, 127}}},
    };
    const auto* const found =
        std::find_if(std::begin(known), std::end(known), [&](const auto& one) { return one.name == name; });
    if (found == std::end(known)) fail("unknown POSIX class name");
    at_ = end + 2;
    entry.kinds |= found->kinds;
    entry.ranges.insert(entry.ranges.end(), found->ranges.begin(), found->ranges.end());
    return true;
  }

  // -- the program
  // -----------------------------------------------------------------------------------------------------

  std::uint32_t here() const noexcept { return static_cast<std::uint32_t>(regexp_.program_.size()); }

  std::size_t emit_op(Regexp::Instruction instruction) {
    if (regexp_.program_.size() >= kMostSteps) fail_size();
    regexp_.program_.push_back(instruction);
    return regexp_.program_.size() - 1;
  }
  [[noreturn]] static void fail_size() { throw RegexpError("the regular expression is too large"); }

  std::size_t emit_split(bool lazy) {
    const std::size_t split = emit_op({Op::Split});
    set_first(split, here(), lazy);
    return split;
  }
  // The way into the repetition is preferred, unless it is lazy.
  void set_first(std::size_t split, std::uint32_t target, bool lazy) {
    auto& instruction = regexp_.program_[split];
    (lazy ? instruction.y : instruction.x) = target;
  }
  void set_second(std::size_t split, std::uint32_t target, bool lazy) { set_first(split, target, !lazy); }

  void emit(std::size_t number) {
    if (++visits_ > 4 * kMostSteps) fail_size();  // repetitions of what is empty leave no steps
    const Node& node = nodes_[number];
    switch (node.kind) {
      case Kind::Empty:
        return;
      case Kind::Step:
        emit_op(node.step);
        return;
      case Kind::Sequence:
        for (const std::size_t part : node.parts) emit(part);
        return;
      case Kind::Alternatives:
        return emit_alternatives(node);
      case Kind::Group:
        if (node.group >= 0) emit_op({Op::Save, static_cast<std::uint32_t>(node.group) * 2});
        emit(node.parts[0]);
        if (node.group >= 0) emit_op({Op::Save, static_cast<std::uint32_t>(node.group) * 2 + 1});
        return;
      case Kind::Repeat:
        return emit_repeat(node);
    }
  }

  void emit_alternatives(const Node& node) {
    std::vector<std::size_t> jumps;
    for (std::size_t i = 0; i < node.parts.size(); ++i) {
      const bool last = i + 1 == node.parts.size();
      const std::size_t split = last ? 0 : emit_split(false);
      emit(node.parts[i]);
      if (last) break;
      jumps.push_back(emit_op({Op::Jump}));
      set_second(split, here(), false);
    }
    for (const std::size_t jump : jumps) regexp_.program_[jump].x = here();
  }

  void emit_repeat(const Node& node) {
    const std::size_t part = node.parts[0];
    std::size_t last = here();
    for (unsigned i = 0; i < node.least; ++i) {
      last = here();
      emit(part);
    }
    if (node.most == kUnbounded && node.least > 0) {  // back to the last copy
      const std::size_t split = emit_op({Op::Split});
      set_first(split, static_cast<std::uint32_t>(last), node.lazy);
      set_second(split, here(), node.lazy);
    } else if (node.most == kUnbounded) {
      const std::size_t split = emit_split(node.lazy);
      emit(part);
      emit_op({Op::Jump, static_cast<std::uint32_t>(split)});
      set_second(split, here(), node.lazy);
    } else {
      std::vector<std::size_t> splits;
      for (unsigned i = node.least; i < node.most; ++i) {
        splits.push_back(emit_split(node.lazy));
        emit(part);
      }
      for (const std::size_t split : splits) set_second(split, here(), node.lazy);
    }
  }

  std::string_view pattern_;
  Regexp& regexp_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t groups_ = 0;
  std::size_t visits_ = 0;
  Flags flags_;
  std::vector<Node> nodes_;
};

Regexp::Regexp(std::string_view pattern) { RegexpCompiler(pattern, *this).compile(); }

bool Regexp::Class::holds(char32_t code) const noexcept {
  if (std::any_of(ranges.begin(), ranges.end(),
                  [&](const Range& range) { return code >= range.first && code <= range.last; }))
    return true;
  if (kinds == 0) return false;
  const auto is = [&](unsigned kind) { return (kinds & kind) != 0; };
  return (is(kDigit) && is_digit(code)) || (is(kNoDigit) && !is_digit(code)) || (is(kWord) && is_word(code)) ||
         (is(kNoWord) && !is_word(code)) || (is(kSpace) && is_space(code)) || (is(kNoSpace) && !is_space(code)) ||
         (is(kLetter) && is_letter(code)) || (is(kUpper) && is_letter(code) && to_lower(code) != code) ||
         (is(kLower) && is_letter(code) && to_upper(code) != code);
}

bool Regexp::Class::look(char32_t code) const noexcept {
  const bool found = holds(code) || (any_case && (holds(to_lower(code)) || holds(to_upper(code))));
  return found != negated;
}

std::size_t Regexp::memory_used() const noexcept {
  std::size_t bytes = program_.size() * sizeof(Instruction) + classes_.size() * sizeof(Class);
  for (const Class& entry : classes_) bytes += entry.ranges.size() * sizeof(Class::Range);
  return bytes;
}

}  // namespace libsql::functions
