// The operator REGEXP and the functions regexp_*, with the names and the order of arguments that sqld's have.
#include <algorithm>
#include <memory>

#include "functions/arguments.hpp"
#include "functions/regexp.hpp"
#include "functions/register.hpp"
#include "functions/target.hpp"
#include "functions/unicode.hpp"

namespace libsql::functions {
namespace {

// The compiled pattern: kept from row to row where it is the same text in each.
class Pattern {
 public:
  Pattern(sqlite3_context* context, sqlite3_value** arguments, int number) {
    regexp_ = static_cast<const Regexp*>(sqlite3_get_auxdata(context, number));
    if (regexp_ != nullptr) return;
    if (is_null(arguments[number])) throw RegexpError("missing regexp pattern");
    own_ = std::make_unique<Regexp>(text_argument(arguments[number]));
    regexp_ = own_.get();
  }

  const Regexp& regexp() const noexcept { return *regexp_; }

  // At the end of a call: the engine may free what it is given at once.
  void keep(sqlite3_context* context, int number) {
    if (own_ == nullptr) return;
    sqlite3_set_auxdata(context, number, own_.release(), [](void* regexp) { delete static_cast<Regexp*>(regexp); });
  }

 private:
  const Regexp* regexp_ = nullptr;
  std::unique_ptr<Regexp> own_;
};

RegexpPoll poll_of(sqlite3_context* context) noexcept {
  return {[](void* connection) { return is_interrupted(static_cast<sqlite3*>(connection)); },
          sqlite3_context_db_handle(context)};
}

template <class Body>
void with_pattern(sqlite3_context* context, sqlite3_value** arguments, int number, Body&& body) noexcept {
  guarded_work(context, [&] {
    Pattern pattern(context, arguments, number);
    try {
      body(pattern.regexp());
    } catch (const RegexpInterrupted&) {
      throw Interrupted();
    }
    pattern.keep(context, number);
  });
}

template <int source, int pattern>
void like(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  if (is_null(arguments[source])) return sqlite3_result_int(context, 0);
  with_pattern(context, arguments, pattern, [&](const Regexp& regexp) {
    sqlite3_result_int(context, regexp.matches(text_argument(arguments[source]), poll_of(context)) ? 1 : 0);
  });
}

void result_group(sqlite3_context* context, const Regexp& regexp, std::string_view text, sqlite3_int64 group) {
  std::vector<Regexp::Span> spans;
  if (!regexp.find(text, 0, spans, poll_of(context)) || group < 0 || group >= static_cast<sqlite3_int64>(spans.size()))
    return;
  const Regexp::Span span = spans[static_cast<std::size_t>(group)];
  if (span.begin != Regexp::kNone) result_text(context, text.substr(span.begin, span.end - span.begin));
}

void substring(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  if (is_null(arguments[0])) return;
  with_pattern(context, arguments, 1,
               [&](const Regexp& regexp) { result_group(context, regexp, text_argument(arguments[0]), 0); });
}

void capture(sqlite3_context* context, int count, sqlite3_value** arguments) noexcept {
  if (is_null(arguments[0])) return;
  with_pattern(context, arguments, 1, [&](const Regexp& regexp) {
    if (count == 3 && sqlite3_value_type(arguments[2]) != SQLITE_INTEGER)
      throw RegexpError("group number should be integer");
    result_group(context, regexp, text_argument(arguments[0]), count == 3 ? sqlite3_value_int64(arguments[2]) : 0);
  });
}

// $1, ${1}, $$.
void append_replacement(std::string& result, std::string_view replacement, std::string_view text,
                        const std::vector<Regexp::Span>& spans, Work& work) {
  for (std::size_t i = 0; i < replacement.size();) {
    const std::size_t dollar = std::min(replacement.find('$', i), replacement.size());
    result.append(replacement.substr(i, dollar - i));
    work.spend(1 + dollar - i);
    i = dollar + 1;
    if (dollar == replacement.size()) return;
    if (i < replacement.size() && replacement[i] == '$') {
      result.push_back('$');
      ++i;
      continue;
    }
    const bool braces = i < replacement.size() && replacement[i] == '{';
    if (braces) ++i;
    std::size_t number = 0, digits = 0;
    while (i < replacement.size() && replacement[i] >= '0' && replacement[i] <= '9' && digits < 4) {
      number = number * 10 + static_cast<std::size_t>(replacement[i] - '0');
      ++i;
      ++digits;
    }
    if (digits == 0 || (braces && (i >= replacement.size() || replacement[i] != '}'))) {
      throw RegexpError("invalid replacement string: a $ is followed by the number of a group, or by another $");
    }
    if (braces) ++i;
    if (number >= spans.size()) throw RegexpError("unknown group in the replacement string");
    if (spans[number].begin != Regexp::kNone) {
      result.append(text.substr(spans[number].begin, spans[number].end - spans[number].begin));
    }
  }
}

void replace(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) noexcept {
  if (is_null(arguments[0])) return;
  with_pattern(context, arguments, 1, [&](const Regexp& regexp) {
    if (is_null(arguments[2])) return sqlite3_result_value(context, arguments[0]);
    const std::string_view text = text_argument(arguments[0]);
    const std::string_view replacement = text_argument(arguments[2]);
    const std::size_t longest = longest_result(context);
    Work work(context);
    std::string result;
    std::vector<Regexp::Span> spans;
    std::size_t at = 0;      // up to where the text is in the result
    std::size_t search = 0;  // where the next match may begin
    while (search <= text.size() && regexp.find(text, search, spans, poll_of(context))) {
      work.spend(64 + regexp.memory_used() / 16);
      result.append(text.substr(at, spans[0].begin - at));
      append_replacement(result, replacement, text, spans, work);
      if (result.size() > longest) throw TooBig();
      at = spans[0].end;
      search = at;
      if (spans[0].begin == spans[0].end) search += at < text.size() ? decode_character(text.substr(at)).size : 1;
    }
    result.append(text.substr(at));
    if (result.size() > longest) throw TooBig();
    result_text(context, result);
  });
}

}  // namespace

int register_regexp_functions(const Target& target) noexcept {
  return target.add({
      {"regexp", 2, like<1, 0>},
      {"regexp_like", 2, like<0, 1>},
      {"regexp_substr", 2, substring},
      {"regexp_capture", 2, capture},
      {"regexp_capture", 3, capture},
      {"regexp_replace", 3, replace},
  });
}

}  // namespace libsql::functions
