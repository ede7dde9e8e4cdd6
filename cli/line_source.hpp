// Where the shell's input comes from: a file, a pipe, or text at hand.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace libsql::cli {

/// Yields lines without their line breaks ("\n" or "\r\n").
class LineSource {
 public:
  LineSource() = default;
  LineSource(const LineSource&) = delete;
  LineSource& operator=(const LineSource&) = delete;
  virtual ~LineSource() = default;
  virtual bool next(std::string& line) = 0;
};

class TextSource final : public LineSource {
 public:
  explicit TextSource(std::string_view text) noexcept : text_(text) {}
  bool next(std::string& line) override;

 private:
  std::string_view text_;
};

/// Reads a stream that somebody else closes.
class StreamSource final : public LineSource {
 public:
  explicit StreamSource(std::FILE* stream) noexcept : stream_(stream) {}
  ~StreamSource() override;
  bool next(std::string& line) override;

 private:
  std::FILE* stream_;
  char* buffer_ = nullptr;
  std::size_t capacity_ = 0;
};

/// A file, or with a leading "|" the output of a shell command. Closed at its end.
class InputFile final {
 public:
  /// Throws CommandError.
  explicit InputFile(const std::string& name);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  std::FILE* stream() const noexcept { return stream_; }
  /// In bytes; 0 if that cannot be known.
  std::uint64_t size() const noexcept { return size_; }
  /// Ends it. Throws CommandError if the command failed.
  void close();

 private:
  std::string name_;
  std::FILE* stream_ = nullptr;
  bool is_pipe_ = false;
  std::uint64_t size_ = 0;
};

}  // namespace libsql::cli
