// All ways through the program, side by side: after each character there is one entry at most for each step, so the
// time is at most proportional to characters times steps.
#include <algorithm>
#include <cstring>

#include "functions/regexp.hpp"
#include "functions/unicode.hpp"

namespace libsql::functions {

class RegexpMatcher {
 public:
  // `slots`: how many places are kept, two for the match and each group; 0 if only whether it matches is asked.
  RegexpMatcher(const Regexp& regexp, std::string_view text, std::size_t slots, const RegexpPoll& poll)
      : regexp_(regexp), text_(text), slots_(slots), poll_(poll) {
    for (List* list : {&now_, &next_}) {
      list->steps.reserve(64);
      list->seen.assign(regexp.program_.size(), 0);
    }
    scratch_.assign(slots, Regexp::kNone);
  }

  bool run(std::size_t from) {
    std::size_t at = from;
    begin_list(now_);
    bool matched = false;
    for (;;) {
      if (now_.steps.empty()) {
        if (matched || (regexp_.begins_at_text_ && at > 0)) return matched;
        if (regexp_.first_byte_ >= 0) {  // on to the next place where one can begin
          const void* found =
              at < text_.size() ? std::memchr(text_.data() + at, regexp_.first_byte_, text_.size() - at) : nullptr;
          if (found == nullptr) return false;
          at = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
        }
      }
      if (!matched) {
        std::fill(scratch_.begin(), scratch_.end(), Regexp::kNone);
        follow(now_, 0, at);
      }
      const Character next = at < text_.size() ? decode_character(text_.substr(at)) : Character{kStrayByte + 256, 0};
      begin_list(next_);
      matched |= step(next, at);
      if (matched && slots_ == 0) return true;
      if (next.size == 0) return matched;
      at += next.size;
      std::swap(now_, next_);
      spend(now_.steps.size() + 1);
    }
  }

  const std::vector<std::size_t>& best() const noexcept { return best_; }

 private:
  using Op = Regexp::Op;

  struct List {
    std::vector<std::uint32_t> steps;  // in the order of preference
    std::vector<std::size_t> places;   // slots_ of each
    std::vector<std::uint32_t> seen;   // the mark of the last list in which the step was
    std::uint32_t mark = 0;
  };

  static void begin_list(List& list) {
    list.steps.clear();
    list.places.clear();
    if (++list.mark == 0) {
      std::fill(list.seen.begin(), list.seen.end(), 0);
      list.mark = 1;
    }
  }

  void spend(std::size_t steps) {
    spent_ += steps;
    if (spent_ < 65536) return;
    spent_ = 0;
    if (poll_.is_interrupted != nullptr && poll_.is_interrupted(poll_.argument)) throw RegexpInterrupted();
  }

  // Adds the steps that wait for a character and can be reached from `start` without one; scratch_ has the places.
  void follow(List& list, std::uint32_t start, std::size_t at) {
    stack_.push_back({start, Regexp::kNone, 0});
    while (!stack_.empty()) {
      const Entry entry = stack_.back();
      stack_.pop_back();
      if (entry.slot != Regexp::kNone) {  // behind a branch that noted a place
        scratch_[entry.slot] = entry.place;
        continue;
      }
      std::uint32_t pc = entry.pc;
      while (list.seen[pc] != list.mark) {
        list.seen[pc] = list.mark;
        const Regexp::Instruction& instruction = regexp_.program_[pc];
        ++spent_;
        if (instruction.op == Op::Jump) {
          pc = instruction.x;
        } else if (instruction.op == Op::Split) {
          stack_.push_back({instruction.y, Regexp::kNone, 0});
          pc = instruction.x;
        } else if (instruction.op == Op::Save) {
          if (instruction.x < slots_) {
            stack_.push_back({0, instruction.x, scratch_[instruction.x]});
            scratch_[instruction.x] = at;
          }
          ++pc;
        } else if (instruction.op <= Op::Class || instruction.op == Op::Match) {
          list.steps.push_back(pc);
          list.places.insert(list.places.end(), scratch_.begin(), scratch_.end());
          break;
        } else if (holds(instruction.op, at)) {
          ++pc;
        } else {
          break;
        }
      }
    }
  }

  // Takes the character; true if a match ended before it. What is less preferred than a match is given up.
  bool step(Character next, std::size_t at) {
    for (std::size_t i = 0; i < now_.steps.size(); ++i) {
      const std::uint32_t pc = now_.steps[i];
      const Regexp::Instruction& instruction = regexp_.program_[pc];
      bool goes_on = false;
      switch (instruction.op) {
        case Op::Character:
          goes_on = instruction.x == next.code;
          break;
        case Op::Any:
          goes_on = next.size != 0;
          break;
        case Op::Class:
          goes_on = next.size != 0 && regexp_.classes_[instruction.x].has(next.code);
          break;
        default:  // Match
          best_.assign(now_.places.begin() + static_cast<std::ptrdiff_t>(i * slots_),
                       now_.places.begin() + static_cast<std::ptrdiff_t>((i + 1) * slots_));
          return true;
      }
      if (!goes_on) continue;
      std::copy_n(now_.places.begin() + static_cast<std::ptrdiff_t>(i * slots_), slots_, scratch_.begin());
      follow(next_, pc + 1, at + next.size);
    }
    return false;
  }

  bool word_before(std::size_t at) const noexcept {
    if (at == 0) return false;
    std::size_t begin = at - 1;
    while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text_[begin]) & 0xc0) == 0x80) --begin;
    const Character before = decode_character(text_.substr(begin));
    return begin + before.size == at && is_word(before.code);
  }
  bool word_after(std::size_t at) const noexcept {
    return at < text_.size() && is_word(decode_character(text_.substr(at)).code);
  }

  bool holds(Op op, std::size_t at) const noexcept {
    switch (op) {
      case Op::TextBegin:
        return at == 0;
      case Op::TextEnd:
        return at == text_.size();
      case Op::TextEndOrNewline:
        return at == text_.size() || (at + 1 == text_.size() && text_[at] == '\n');
      case Op::LineBegin:
        return at == 0 || text_[at - 1] == '\n';
      case Op::LineEnd:
        return at == text_.size() || text_[at] == '\n';
      default:
        return (word_before(at) != word_after(at)) == (op == Op::WordBoundary);
    }
  }

  struct Entry {
    std::uint32_t pc;
    std::size_t slot, place;
  };

  const Regexp& regexp_;
  std::string_view text_;
  std::size_t slots_;
  const RegexpPoll& poll_;
  List now_, next_;
  std::vector<Entry> stack_;
  std::vector<std::size_t> scratch_, best_;
  std::size_t spent_ = 0;
};

bool Regexp::matches(std::string_view text, const RegexpPoll& poll) const {
  return RegexpMatcher(*this, text, 0, poll).run(0);
}

bool Regexp::find(std::string_view text, std::size_t from, std::vector<Span>& spans, const RegexpPoll& poll) const {
  RegexpMatcher matcher(*this, text, (groups_ + 1) * 2, poll);
  if (!matcher.run(from)) return false;
  spans.resize(groups_ + 1);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    spans[i] = {matcher.best()[i * 2], matcher.best()[i * 2 + 1]};
    if (spans[i].begin == kNone || spans[i].end == kNone) spans[i] = {};
  }
  return true;
}

}  // namespace libsql::functions
