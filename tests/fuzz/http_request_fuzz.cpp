// Whatever arrives at the server's door: the bytes are cut at a place of the fuzzer's choice, go through the same steps
// as in a connection, and what was accepted must hold what the strictness promises.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/byte_buffer.hpp"
#include "net/http_parser.hpp"
#include "net/websocket_frame.hpp"

namespace {

using namespace libsql::net;

void expect(bool condition) {
  if (!condition) std::abort();
}

// What a reader with its own idea of lines could take for the beginning of another field or message.
bool has_line_end(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

struct Body {
  HttpParser::State state;
  std::string text;
  std::size_t taken;
};

// The chunked body that `text` begins with, which arrives up to `cut` first.
Body read_body(std::string_view text, std::size_t cut) {
  static constexpr std::string_view kHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  HttpParser parser;
  RequestHead head;
  expect(!parser.take_request_head(kHead, head) && head.framing == Framing::Chunked);
  Body body{HttpParser::State::More, {}, 0};
  for (const std::size_t arrived : {cut, text.size()}) {
    while (parser.state() == HttpParser::State::More && body.taken < arrived) {
      const HttpParser::Step step = parser.next(text.substr(body.taken, arrived - body.taken));
      expect(step.consumed <= arrived - body.taken);
      body.text += step.data;
      body.taken += step.consumed;
      if (step.consumed == 0) break;
    }
  }
  body.state = parser.state();
  return body;
}

// Where a body ends must not depend on how it arrives.
void check_body(std::string_view text, std::size_t cut) {
  const Body whole = read_body(text, text.size());
  const Body parts = read_body(text, cut);
  expect(whole.state == parts.state);
  if (whole.state == HttpParser::State::Done) expect(whole.taken == parts.taken && whole.text == parts.text);
}

void check_messages(std::string_view text, std::size_t cut) {
  MessageReader reader(1000);
  ByteBuffer in;
  for (const std::string_view part : {text.substr(0, cut), text.substr(cut)}) {
    in.append(part);
    for (;;) {
      const MessageReader::Event event = reader.next(in);
      if (event.kind == MessageReader::Kind::NeedMore) break;
      expect(event.data.size() <= 1000);
      if (event.kind == MessageReader::Kind::Error || event.kind == MessageReader::Kind::Close) return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = data[0] % (text.size() + 1);
  std::size_t from = 0;
  std::size_t late = 0;
  const std::size_t length = find_head_end(text, from);
  const std::size_t early = find_head_end(std::string_view(text).substr(0, cut), late);
  expect((early != 0 ? early : find_head_end(text, late)) == length);
  if (length != 0) {
    const std::string_view head_text = std::string_view(text).substr(0, length);
    HttpParser parser;
    RequestHead head;
    if (!parser.take_request_head(head_text, head)) {
      expect(is_token(head.method) && !head.target.empty() && !has_line_end(head.target));
      expect(head.target.front() == '/' || head.target == "*");
      expect(head.headers.size() <= kMaxHeaders);
      int lengths = 0;
      int codings = 0;
      for (const Header& header : head.headers) {
        expect(is_token(header.name) && is_field_value(header.value) && !has_line_end(header.value));
        lengths += equals_ignoring_case(header.name, "content-length");
        codings += equals_ignoring_case(header.name, "transfer-encoding");
      }
      expect(lengths + codings <= 1);
      expect((head.framing == Framing::Chunked) == (codings == 1));
      expect(lengths == 1 || head.content_length == 0);
    }
    ResponseHead response;
    static_cast<void>(parser.take_response_head(head_text, "GET", response));
  }
  check_body(text, cut);
  check_messages(text, cut);
  return 0;
}
