// What others have written is read, and written again it is the same to the byte.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "core/decoded.hpp"
#include "replication/proxy_messages.hpp"
#include "replication/wal_log_messages.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication {
namespace {

// Reads a message and writes it again.
using Through = std::function<std::string(std::string)>;

template <class Decode>
Through through(Decode decode) {
  return [decode](std::string bytes) {
    const auto message = decode(core::Source(std::move(bytes)));
    std::string out;
    encode(*message, out);
    return out;
  };
}

std::string frame_through(std::string bytes) {
  std::string out;
  encode(decode_frame_message(bytes), out);
  return out;
}

std::string frames_through(std::string bytes) {
  FramesReader reader;
  reader.feed(bytes);
  std::string out;
  while (const auto frame = reader.next()) append_to_frames(*frame, out);
  reader.finish();
  return out;
}

const std::map<std::string, Through>& readers() {
  static const std::map<std::string, Through> all = {
      {"Ack", through(proxy::decode_ack)},
      {"DescribeRequest", through(proxy::decode_describe_request)},
      {"DescribeResult", through(proxy::decode_describe_result)},
      {"DisconnectMessage", through(proxy::decode_disconnect_message)},
      {"ExecReq", through(proxy::decode_exec_req)},
      {"ExecResp", through(proxy::decode_exec_resp)},
      {"ExecuteResults", through(proxy::decode_execute_results)},
      {"Frame", frame_through},
      {"Frames", frames_through},
      {"HelloRequest", through(decode_hello_request)},
      {"HelloResponse", through(decode_hello_response)},
      {"LogOffset", through(decode_log_offset)},
      {"ProgramReq", through(proxy::decode_program_req)},
  };
  return all;
}

TEST(ReplicationMessages, WhatWasRecordedIsWrittenAgainToTheByte) {
  std::map<std::string, int> seen;
  for (const auto& [type, bytes] : test::recorded_messages()) {
    SCOPED_TRACE(std::string(type).append(" ").append(test::hex(bytes.substr(0, 200))));
    ASSERT_TRUE(readers().contains(type));
    EXPECT_EQ(test::hex(readers().at(type)(bytes)), test::hex(bytes));
    ++seen[type];
  }
  EXPECT_EQ(seen.size(), readers().size()) << "there is a message of each type";
}

TEST(ReplicationMessages, ACutMessageIsRefusedOrAnotherMessage) {
  for (const auto& [type, bytes] : test::recorded_messages()) {
    if (bytes.size() > 600) continue;
    SCOPED_TRACE(type);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      try {
        EXPECT_NE(readers().at(type)(bytes.substr(0, length)), bytes);
      } catch (const core::DecodeError& error) {
        EXPECT_LE(error.offset(), length);
      }
    }
  }
}

TEST(ReplicationMessages, FieldsThatAreNotKnownArePassedOver) {
  const std::string unknown = test::bytes("f80f 7f") + test::bytes("f90f 0102030405060708") +
                              test::bytes("fd0f 01020304") + test::field(300, "a field of later");
  for (const auto& [type, bytes] : test::recorded_messages()) {
    SCOPED_TRACE(type);
    EXPECT_EQ(test::hex(readers().at(type)(bytes + unknown)), test::hex(bytes));
  }
}

}  // namespace
}  // namespace libsql::replication
