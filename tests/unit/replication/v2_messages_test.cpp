// Routes and answers of the second protocol.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "core/decode_error.hpp"
#include "replication/v2_messages.hpp"

namespace libsql::replication::v2 {
namespace {

using core::DecodeError;

TEST(ReplicationV2, RoutesAreThoseThatPublishedClientsAskFor) {
  EXPECT_EQ(parse_route("/info"), Route(InfoRoute{}));
  EXPECT_EQ(parse_route("/export/1"), Route(ExportRoute{1}));
  EXPECT_EQ(parse_route("/sync/1/1/129"), Route(SyncRoute{1, 1, 129, {}}));
  EXPECT_EQ(parse_route("/sync/1/132/146/baton-1"), Route(SyncRoute{1, 132, 146, "baton-1"}));
  EXPECT_EQ(std::get<SyncRoute>(*parse_route("/sync/1/1/129")).frame_count(), 128U);
  for (const char* path : {"/info", "/export/7", "/sync/2/1/4294967295", "/sync/1/2/3/a~b"}) {
    EXPECT_EQ(path_of(*parse_route(path)), path);
  }
}

TEST(ReplicationV2, OtherPathsAreNoRoutes) {
  for (const char* path : {"",
                           "/",
                           "info",
                           "/Info",
                           "/info/",
                           "//info",
                           "/export",
                           "/export/",
                           "/export/0",
                           "/export/1/",
                           "/export/01",
                           "/export/+1",
                           "/export/-1",
                           "/export/4294967296",
                           "/export/1x",
                           "/sync",
                           "/sync/1",
                           "/sync/1/1",
                           "/sync/1/1/",
                           "/sync/1/1/1",
                           "/sync/1/2/1",
                           "/sync/1/0/1",
                           "/sync/0/1/2",
                           "/sync/1/1/2/",
                           "/sync/1/1/2/..",
                           "/sync/1/1/2/a/b",
                           "/sync/1/1/2/a b",
                           "/sync/1/1/2/a%2fb",
                           "/sync/1/1/2/a?b",
                           "/sync/ 1/1/2"}) {
    EXPECT_FALSE(parse_route(path)) << path;
  }
  EXPECT_FALSE(parse_route("/sync/1/1/2/" + std::string(257, 'a')));
  EXPECT_TRUE(parse_route("/sync/1/1/2/" + std::string(256, 'a')));
}

TEST(ReplicationV2, ABatonThatWouldLeadElsewhereGetsIntoNoPath) {
  for (const char* baton : {"", "..", ".", "a/b", "a b", "a\r\nx: y", "a#b", "\xC3\xA9"}) {
    EXPECT_THROW(path_of(SyncRoute{1, 1, 2, baton}), std::invalid_argument) << baton;
  }
}

TEST(ReplicationV2, AnswersAreWrittenAsClientsReadThem) {
  EXPECT_EQ(encode_info(1), R"({"current_generation":1})");
  EXPECT_EQ(encode_sync_answer({SyncStatus::CheckpointNeeded, 1, 2, {}}),
            R"({"status":"checkpoint_needed","generation":1,"max_frame_no":2,"baton":null})");
  EXPECT_EQ(encode_sync_answer({SyncStatus::Ok, 1, 131, "baton-1"}),
            R"({"status":"ok","generation":1,"max_frame_no":131,"baton":"baton-1"})");
  EXPECT_EQ(encode_sync_answer({SyncStatus::Conflict, 3, 0, {}}),
            R"({"status":"conflict","generation":3,"max_frame_no":0,"baton":null})");
}

TEST(ReplicationV2, AnswersComeBack) {
  EXPECT_EQ(decode_info(encode_info(4294967295)), 4294967295U);
  for (const SyncAnswer& answer : {SyncAnswer{SyncStatus::Ok, 1, 5, {}}, SyncAnswer{SyncStatus::Ok, 2, 0, "b"},
                                   SyncAnswer{SyncStatus::Conflict, 4294967295, 4294967295, {}}}) {
    EXPECT_EQ(decode_push_answer(encode_sync_answer(answer)), answer);
  }
  EXPECT_EQ(
      decode_push_answer(R"( {"baton" : "x", "more": [1,{}], "max_frame_no": 1, "generation":2, "status":"ok"} )"),
      (SyncAnswer{SyncStatus::Ok, 2, 1, "x"}));
  EXPECT_EQ(decode_push_answer(R"({"status":"ok","generation":1,"max_frame_no":1})").baton, std::nullopt);
}

TEST(ReplicationV2, OfTheEndOfAPullOnlyTheGenerationMatters) {
  EXPECT_EQ(decode_pull_end(encode_sync_answer({SyncStatus::CheckpointNeeded, 7, 2, {}})), 7U);
  EXPECT_EQ(decode_pull_end(R"({"generation":2})"), 2U);
  EXPECT_EQ(decode_pull_end(R"({"status":"whatever","generation":2,"max_frame_no":"?"})"), 2U);
}

TEST(ReplicationV2, WhatIsNoAnswerIsRefused) {
  for (const char* body :
       {"", "null", "[]", "not json", "{}", R"({"current_generation":0})", R"({"current_generation":-1})",
        R"({"current_generation":1.5})", R"({"current_generation":4294967296})", R"({"current_generation":"1"})",
        R"({"current_generation":1,"current_generation":2})", R"({"current_generation":1)"}) {
    EXPECT_THROW(decode_info(body), DecodeError) << body;
  }
  for (const char* body : {"{}", R"({"generation":0})", R"({"generation":null})", "internal server error"}) {
    EXPECT_THROW(decode_pull_end(body), DecodeError) << body;
  }
  for (const char* body :
       {R"({"status":"ok","generation":1})", R"({"status":"ok","max_frame_no":1})",
        R"({"generation":1,"max_frame_no":1})", R"({"status":"checkpoint_needed","generation":1,"max_frame_no":1})",
        R"({"status":"OK","generation":1,"max_frame_no":1})", R"({"status":"ok","generation":0,"max_frame_no":1})",
        R"({"status":"ok","generation":1,"max_frame_no":1,"baton":"../.."})",
        R"({"status":"ok","generation":1,"max_frame_no":1,"baton":"a\r\nb"})",
        R"({"status":"ok","generation":1,"max_frame_no":1,"baton":7})"}) {
    EXPECT_THROW(decode_push_answer(body), DecodeError) << body;
  }
  const std::string large = R"({"current_generation":1,"x":")" + std::string(kMaxAnswerSize, 'x') + "\"}";
  EXPECT_THROW(decode_info(large), DecodeError);
  EXPECT_THROW(decode_pull_end(std::string(100000, '[')), DecodeError);
}

}  // namespace
}  // namespace libsql::replication::v2
