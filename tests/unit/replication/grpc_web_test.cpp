// The framing of gRPC-web, and how calls end.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <libsql/error.hpp>

#include "core/errors.hpp"
#include "replication/grpc_web.hpp"
#include "support/expect_error.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication::grpc {
namespace {

using core::DecodeError;
using Kind = DecodeError::Kind;
namespace test = replication::test;

// What a reader tells of a body that it is fed in pieces of that size.
std::string told(std::string_view body, std::size_t size, Form form = Form::Binary, ReaderLimits limits = {}) {
  std::string result;
  Reader reader(form, limits);
  for (std::size_t at = 0; at < body.size(); at += size) {
    reader.feed(body.substr(at, size));
    for (auto event = reader.next(); event != Reader::Event::NeedMore; event = reader.next()) {
      switch (event) {
        case Reader::Event::Begin:
          result.append("[").append(std::to_string(reader.length())).append(":");
          break;
        case Reader::Event::Piece:
          EXPECT_FALSE(reader.piece().empty());
          result.append(reader.piece());
          break;
        case Reader::Event::End:
          result += "]";
          break;
        case Reader::Event::Trailers:
          result.append(to_string(reader.status()->code)).append(" ").append(reader.status()->message);
          break;
        case Reader::Event::NeedMore:
          break;
      }
    }
  }
  reader.finish();
  return result;
}

Kind fault_of(std::string_view body, Form form = Form::Binary, ReaderLimits limits = {}) {
  try {
    told(body, body.size(), form, limits);
  } catch (const DecodeError& error) {
    EXPECT_LE(error.offset(), body.size());
    return error.kind();
  }
  ADD_FAILURE() << "accepted: " << test::hex(body);
  return Kind::UnknownType;
}

std::string written(std::initializer_list<std::string_view> messages, const Status& status, Form form = Form::Binary) {
  std::string body;
  for (const std::string_view message : messages) append_message(message, form, body);
  append_trailers(status, form, body);
  return body;
}

TEST(ReplicationGrpcWeb, ABodyIsWrittenAsTheServersThatAreInUseWriteIt) {
  // The answer to a program without steps, and an empty answer.
  EXPECT_EQ(test::hex(written({"\x18\x0a"}, {})), "0000000002180a800000000f677270632d7374617475733a300d0a");
  EXPECT_EQ(test::hex(written({""}, {})), "0000000000800000000f677270632d7374617475733a300d0a");
  std::string head;
  append_message_head(12400000, head);
  EXPECT_EQ(test::hex(head), "0000bd3580");
}

TEST(ReplicationGrpcWeb, TheTextFormIsTheSamePieceByPieceInBase64) {
  EXPECT_EQ(written({std::string_view("\x08\x01", 2)}, {}, Form::Text), "AAAAAAIIAQ==gAAAAA9ncnBjLXN0YXR1czowDQo=");
}

TEST(ReplicationGrpcWeb, TrailersAreWrittenForTheReadersThatAreInUse) {
  const std::string body = written({}, {Code::FailedPrecondition, "no such table: t"});
  EXPECT_EQ(body.substr(5), "grpc-status:9\r\ngrpc-message:no%20such%20table%3A%20t\r\n")
      << "no space, two lines, and no colon in a value, where they would end it";
  EXPECT_EQ(told(body, body.size()), "FAILED_PRECONDITION no such table: t");
}

TEST(ReplicationGrpcWeb, ABodyIsReadTheSameHoweverItIsSplit) {
  for (const Form form : {Form::Binary, Form::Text}) {
    const std::string body =
        written({"first", "", std::string(1000, 'x'), std::string("\0\x80", 2)}, {Code::Aborted, "50% of it"}, form);
    const std::string whole = told(body, body.size(), form);
    EXPECT_EQ(whole, "[5:first][0:][1000:" + std::string(1000, 'x') + "][2:" + std::string("\0\x80", 2) +
                         "]ABORTED 50% of it");
    for (std::size_t size = 1; size < 40; ++size) EXPECT_EQ(told(body, size, form), whole) << size;
  }
}

TEST(ReplicationGrpcWeb, MessagesAreGivenWholeAndCopiedOnlyIfTheyComeInPieces) {
  const std::string body = written({"first", "", "third"}, {});
  MessageReader whole;
  whole.feed(body);
  const auto first = whole.next();
  ASSERT_EQ(first, "first");
  EXPECT_EQ(first->data(), body.data() + 5);
  EXPECT_EQ(whole.next(), "");
  EXPECT_EQ(whole.next(), "third");
  EXPECT_FALSE(whole.next());
  EXPECT_TRUE(whole.status()->ok());
  whole.finish();

  for (std::size_t size = 1; size < body.size(); ++size) {
    MessageReader reader;
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < body.size(); at += size) {
      reader.feed(std::string_view(body).substr(at, size));
      while (const auto message = reader.next()) messages.emplace_back(*message);
    }
    reader.finish();
    EXPECT_EQ(messages, (std::vector<std::string>{"first", "", "third"})) << size;
  }
}

TEST(ReplicationGrpcWeb, AnAnswerMayEndWithoutTrailers) {
  std::string body;
  append_message("x", Form::Binary, body);
  EXPECT_EQ(told(body, 1), "[1:x]");
  EXPECT_EQ(told("", 1), "");
}

TEST(ReplicationGrpcWeb, ABodyThatEndsElsewhereIsRefused) {
  for (const Form form : {Form::Binary, Form::Text}) {
    const std::string body = written({"message"}, {Code::Internal, "why"}, form);
    const std::size_t message_end = form == Form::Binary ? 12 : 16;
    for (std::size_t length = 1; length < body.size(); ++length) {
      if (length == message_end) continue;
      EXPECT_EQ(fault_of(body.substr(0, length), form), Kind::Malformed) << length;
    }
    EXPECT_EQ(fault_of(body + (form == Form::Binary ? "x" : "AAAA"), form), Kind::Malformed);
    EXPECT_EQ(fault_of(body + body, form), Kind::Malformed);
  }
}

TEST(ReplicationGrpcWeb, OnlyFramesThatHaveAMeaningAreRead) {
  EXPECT_EQ(fault_of(test::bytes("01 00000001 00")), Kind::UnknownType) << "a compressed message";
  EXPECT_EQ(fault_of(test::bytes("81 00000000")), Kind::UnknownType);
  EXPECT_EQ(fault_of(test::bytes("02 00000000")), Kind::Malformed);
  EXPECT_EQ(fault_of(test::bytes("ff ffffffff")), Kind::Malformed);
}

TEST(ReplicationGrpcWeb, CompressedMessagesAreReadByWhoAskedForThem) {
  const std::string text(3000, 'm');
  for (const Form form : {Form::Binary, Form::Text}) {
    std::string body;
    append_compressed_message(text, form, body);
    append_compressed_message("short", form, body);  // which would be longer
    append_compressed_message(text, form, body);
    append_trailers({}, form, body);
    EXPECT_LT(body.size(), 300U);
    ReaderLimits limits;
    EXPECT_EQ(fault_of(body, form, limits), Kind::UnknownType);
    limits.max_decompressed = 3000;
    for (const std::size_t size : {std::size_t{1}, std::size_t{5}, body.size()}) {
      MessageReader reader(form, limits);
      std::vector<std::string> messages;
      for (std::size_t at = 0; at < body.size(); at += size) {
        reader.feed(std::string_view(body).substr(at, size));
        while (const auto message = reader.next()) messages.emplace_back(*message);
      }
      reader.finish();
      EXPECT_EQ(messages, (std::vector<std::string>{text, "short", text})) << size;
      EXPECT_EQ(reader.status()->code, Code::Ok);
    }
    limits.max_decompressed = 2999;
    EXPECT_EQ(fault_of(body, form, limits), Kind::TooLarge);
  }
  ReaderLimits limits;
  limits.max_decompressed = 10;
  EXPECT_EQ(fault_of(test::bytes("01 00000004 28b52ffd"), Form::Binary, limits), Kind::Malformed)
      << "it ends too early";
  EXPECT_EQ(fault_of(test::bytes("01 00000000"), Form::Binary, limits), Kind::Malformed) << "it holds nothing at all";
}

TEST(ReplicationGrpcWeb, ZstdIsFoundAmongTheEncodingsThatAPeerTakes) {
  for (const char* yes : {"zstd", "gzip,zstd", " identity , ZSTD ", "zstd,"}) EXPECT_TRUE(accepts_zstd(yes)) << yes;
  for (const char* no : {"", "gzip", "zstd2", "z std", "zstd;q=0"}) EXPECT_FALSE(accepts_zstd(no)) << no;
}

TEST(ReplicationGrpcWeb, WhatIsTooLongIsRefusedBeforeItComes) {
  const ReaderLimits limits{10, 20};
  EXPECT_EQ(fault_of(test::bytes("00 0000000b"), Form::Binary, limits), Kind::TooLarge);
  EXPECT_EQ(fault_of(test::bytes("00 ffffffff")), Kind::TooLarge);
  EXPECT_EQ(fault_of(test::bytes("80 00000015"), Form::Binary, limits), Kind::TooLarge);
  EXPECT_EQ(fault_of(test::bytes("80 ffffffff")), Kind::TooLarge);
  EXPECT_EQ(told(written({"0123456789"}, {}), 3, Form::Binary, limits), "[10:0123456789]OK ");
}

TEST(ReplicationGrpcWeb, WhatIsNoBase64IsRefused) {
  for (const char* text : {"AAAAAAII", "A===", "====", "AA=A", "AAAA=AAA", "AAAA\r\nAA", "A-_A", "QQ==A", "QR=="}) {
    EXPECT_EQ(fault_of(text, Form::Text), Kind::Malformed) << text;
  }
}

TEST(ReplicationGrpcWeb, TrailersOfOtherWritersAreUnderstood) {
  const auto status_of = [](std::string_view lines) {
    std::string body;
    body += '\x80';
    body.append(3, '\0').append(1, static_cast<char>(lines.size())).append(lines);
    return told(body, 1);
  };
  EXPECT_EQ(status_of("grpc-status: 5\r\ngrpc-message: not%20here\r\n"), "NOT_FOUND not here");
  EXPECT_EQ(status_of("grpc-message:late\r\nGrpc-Status:14\r\nx-more: y\r\n"), "UNAVAILABLE late");
  EXPECT_EQ(status_of("grpc-status:0"), "OK ");
  EXPECT_EQ(status_of("grpc-status:9\ngrpc-message:a:b\n"), "FAILED_PRECONDITION a:b");
  EXPECT_EQ(status_of("grpc-status:3\r\ngrpc-status:0\r\n"), "INVALID_ARGUMENT ") << "the first counts";
  EXPECT_EQ(status_of("grpc-status:17\r\n"), "UNKNOWN ");
  EXPECT_EQ(status_of("grpc-status:-1\r\n"), "UNKNOWN ");
  EXPECT_EQ(status_of("grpc-status:\r\n"), "UNKNOWN ");
  EXPECT_EQ(status_of(""), "UNKNOWN the trailers have no grpc-status");
}

TEST(ReplicationGrpcWeb, FormsAreToldByTheContentType) {
  EXPECT_EQ(form_of("application/grpc-web"), Form::Binary);
  EXPECT_EQ(form_of("application/grpc-web+proto"), Form::Binary);
  EXPECT_EQ(form_of("Application/gRPC-web-text; charset=utf-8"), Form::Text);
  EXPECT_EQ(form_of(content_type_of(Form::Text)), Form::Text);
  for (const char* type : {"", "application/grpc", "application/json", "application/grpc-web-tex",
                           "application/grpc-web+thrift", "application/grpc-web-text+proto2"}) {
    EXPECT_FALSE(form_of(type)) << type;
  }
}

TEST(ReplicationGrpcStatus, MessagesAreEncodedAsOthersDo) {
  EXPECT_EQ(encode_message(R"(near "SELEC": syntax error in SELEC 1 at offset 0)"),
            "near%20%22SELEC%22:%20syntax%20error%20in%20SELEC%201%20at%20offset%200");
  EXPECT_EQ(encode_message("No such file or directory (os error 2)"),
            "No%20such%20file%20or%20directory%20(os%20error%202)");
  EXPECT_EQ(encode_message("syntax error around L1:6: `SELEC`"), "syntax%20error%20around%20L1:6:%20%60SELEC%60");
  EXPECT_EQ(encode_message("'<scheme> <token>'"), "'%3Cscheme%3E%20%3Ctoken%3E'");
  EXPECT_EQ(encode_message("a\r\nb\x7f\xC3\xA9"), "a%0D%0Ab%7F%C3%A9") << "nothing that ends a header";
}

TEST(ReplicationGrpcStatus, AnyMessageComesBack) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  for (const std::string& message : {all, std::string("100%"), std::string("%41"), std::string("\xE2\x82\xAC %zz %")}) {
    EXPECT_EQ(decode_message(encode_message(message)), message);
  }
  EXPECT_EQ(decode_message("100% of%20it %4 %4g"), "100% of it %4 %4g") << "what is not encoded is left";
  EXPECT_EQ(decode_message("a%FFb"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(ReplicationGrpcStatus, HeadersMayHaveTheStatusAlready) {
  EXPECT_EQ(status_of_headers(200, "9", "NO_HELLO"), (Status{Code::FailedPrecondition, "NO_HELLO"}));
  EXPECT_EQ(status_of_headers(200, "12", std::nullopt), (Status{Code::Unimplemented, ""}));
  EXPECT_EQ(status_of_headers(503, "9", "NO_HELLO")->code, Code::FailedPrecondition);
  EXPECT_FALSE(status_of_headers(200, std::nullopt, std::nullopt));
  const std::pair<int, Code> statuses[] = {
      {400, Code::Internal},    {401, Code::Unauthenticated}, {403, Code::PermissionDenied}, {404, Code::Unimplemented},
      {429, Code::Unavailable}, {502, Code::Unavailable},     {503, Code::Unavailable},      {504, Code::Unavailable},
      {500, Code::Unknown},     {302, Code::Unknown},         {204, Code::Unknown}};
  for (const auto& [http, code] : statuses) EXPECT_EQ(status_of_headers(http, {}, {})->code, code) << http;
}

TEST(ReplicationGrpcStatus, NamesAreThoseOfTheProtocol) {
  EXPECT_EQ(to_string(Code::Ok), "OK");
  EXPECT_EQ(to_string(Code::FailedPrecondition), "FAILED_PRECONDITION");
  EXPECT_EQ(to_string(Code::Unauthenticated), "UNAUTHENTICATED");
  EXPECT_EQ(static_cast<int>(Code::Unauthenticated), 16);
  for (unsigned i = 0; i <= 16; ++i) EXPECT_EQ(parse_code(std::to_string(i)), static_cast<Code>(i));
}

TEST(ReplicationGrpcStatus, AFailedCallHasTheClassThatTheFailureHasElsewhere) {
  const auto thrown = [](Code code, std::string message) {
    return [code, message = std::move(message)] { core::throw_error(error_of({code, message})); };
  };
  const auto auth = libsql::test::error_of<Auth>(thrown(Code::Unauthenticated, "AuthError: The JWT is invalid"));
  EXPECT_EQ(auth.message(), "the primary answered UNAUTHENTICATED: AuthError: The JWT is invalid");
  EXPECT_EQ(auth.server_message(), "AuthError: The JWT is invalid");
  EXPECT_EQ(auth.origin(), ErrorOrigin::Server);
  libsql::test::error_of<Auth>(thrown(Code::PermissionDenied, ""));
  libsql::test::error_of<CannotOpen>(thrown(Code::FailedPrecondition, "NAMESPACE_DOESNT_EXIST"));
  libsql::test::error_of<Protocol>(thrown(Code::FailedPrecondition, "NO_HELLO"));
  libsql::test::error_of<Timeout>(thrown(Code::DeadlineExceeded, ""));
  EXPECT_TRUE(libsql::test::error_of<Network>(thrown(Code::Unavailable, "snapshot not found")).retryable());
  EXPECT_FALSE(libsql::test::error_of<Network>(thrown(Code::Internal, "")).retryable());
  EXPECT_TRUE(libsql::test::error_of<Busy>(thrown(Code::ResourceExhausted, "")).retryable());
}

TEST(ReplicationGrpcWeb, ARequestIsRefusedInTheWordsOfOthers) {
  std::string storage;
  const auto read = [&](std::string_view body, Form form = Form::Binary) {
    const auto result = read_unary_request(body, form, 100, storage);
    const auto* status = std::get_if<Status>(&result);
    if (status == nullptr) return "message " + std::string(std::get<std::string_view>(result));
    return std::string(to_string(status->code)).append(": ").append(status->message);
  };
  EXPECT_EQ(read(test::bytes("00 00000003 616263")), "message abc");
  EXPECT_EQ(read(test::bytes("00 00000000")), "message ");
  EXPECT_EQ(read(test::bytes("00 00000001 61 00 00000001 62")), "message a") << "the first of two";
  EXPECT_EQ(read("AAAAAANhYmM=", Form::Text), "message abc");
  EXPECT_EQ(read(""), "INTERNAL: Missing request message.");
  EXPECT_EQ(read(test::bytes("00 00000003 6162")), "INTERNAL: Unexpected EOF decoding stream.");
  EXPECT_EQ(read(test::bytes("00 0000")), "INTERNAL: Unexpected EOF decoding stream.");
  EXPECT_EQ(read("AAAAAANhYm", Form::Text), "INTERNAL: Unexpected EOF decoding stream.");
  EXPECT_EQ(read(test::bytes("01 00000001 61")),
            "INTERNAL: protocol error: received message with compressed-flag but no grpc-encoding was specified");
  EXPECT_EQ(read(test::bytes("00 00000065")), "OUT_OF_RANGE: Error, message length too large: the limit is: 100 bytes");
  EXPECT_EQ(read(written({}, {})), "INTERNAL: Missing request message.");
  EXPECT_TRUE(read(test::bytes("07 00000000")).starts_with("INTERNAL: protocol error")) << "no such flag";
  EXPECT_TRUE(read("####", Form::Text).starts_with("INTERNAL: protocol error"));
}

}  // namespace
}  // namespace libsql::replication::grpc
