#include "cli/delimited_reader.hpp"

#include <utility>

namespace libsql::cli {

DelimitedReader::DelimitedReader(std::FILE* stream, DelimitedFormat format, Warning warning)
    : stream_(stream), format_(std::move(format)), warning_(std::move(warning)) {
  // A byte order mark, as some programs put in front of UTF-8.
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  const int first = std::getc(stream_);
  if (first != static_cast<unsigned char>(kMark[0])) {
    if (first != EOF) std::ungetc(first, stream_);
    return;
  }
  get();
  get();
}

int DelimitedReader::get() {
  const int byte = getc_unlocked(stream_);
  if (byte == EOF) return EOF;
  ++bytes_;
  if (byte == '\n') ++line_;
  return byte;
}

bool DelimitedReader::ends_with(const std::string& field, const std::string& separator,
                                std::size_t from) const noexcept {
  return field.size() >= from + separator.size() && field.ends_with(separator);
}

bool DelimitedReader::next(std::vector<std::string>& fields) {
  record_line_ = line_;
  std::size_t count = 0;
  while (true) {
    if (fields.size() <= count) fields.emplace_back();
    std::string& field = fields[count];
    field.clear();
    const std::uint64_t before = bytes_;
    const Ended ended = read_field(field);
    if (ended == Ended::File && count == 0 && bytes_ == before) {
      fields.clear();
      return false;
    }
    ++count;
    if (ended != Ended::Column) break;
  }
  fields.resize(count);
  return true;
}

DelimitedReader::Ended DelimitedReader::read_field(std::string& field) {
  int byte = get();
  if (byte == '"' && format_.quotes) return read_quoted(field);
  for (; byte != EOF; byte = get()) {
    field += static_cast<char>(byte);
    if (byte == format_.column_separator.back() && field.ends_with(format_.column_separator)) {
      field.resize(field.size() - format_.column_separator.size());
      return Ended::Column;
    }
    if (byte == format_.row_separator.back() && field.ends_with(format_.row_separator)) {
      field.resize(field.size() - format_.row_separator.size());
      if (format_.row_separator == "\n" && field.ends_with('\r')) field.pop_back();
      return Ended::Row;
    }
  }
  return Ended::File;
}

// After the opening quote. A quote that neither ends the field nor is doubled is taken as a character of the field.
DelimitedReader::Ended DelimitedReader::read_quoted(std::string& field) {
  const std::uint64_t start_line = line_;
  bool closed = false;      // the last byte was a quote that may have ended the field
  std::size_t content = 0;  // bytes of the field before that quote
  for (int byte = get(); byte != EOF; byte = get()) {
    if (!closed) {
      if (byte == '"') {
        closed = true;
        content = field.size();
      } else {
        field += static_cast<char>(byte);
      }
      continue;
    }
    if (byte == '"' && field.size() == content) {
      field += '"';
      closed = false;
      continue;
    }
    field += static_cast<char>(byte);
    if (ends_with(field, format_.column_separator, content) &&
        field.size() == content + format_.column_separator.size()) {
      field.resize(content);
      return Ended::Column;
    }
    std::size_t tail = content;
    if (field.size() > content && field[content] == '\r' && format_.row_separator == "\n") ++tail;
    if (ends_with(field, format_.row_separator, tail) && field.size() == tail + format_.row_separator.size()) {
      field.resize(content);
      return Ended::Row;
    }
    // Still on the way to one of the separators?
    const std::string_view rest = std::string_view(field).substr(content);
    if (format_.column_separator.starts_with(rest) || format_.row_separator.starts_with(rest) ||
        (rest == "\r" && format_.row_separator == "\n")) {
      continue;
    }
    warning_(line_, "a quote inside a quoted field is not doubled");
    field.insert(content, 1, '"');
    closed = false;
  }
  if (closed) {
    field.resize(content);
  } else {
    warning_(start_line, "a quoted field is not closed");
  }
  return Ended::File;
}

}  // namespace libsql::cli
