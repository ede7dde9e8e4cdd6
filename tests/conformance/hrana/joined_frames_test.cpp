// What our own replicas get: commits joined into one, and compressed. What they make of it must be the database.
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "replication/grpc_web.hpp"
#include "replication/log/log.hpp"
#include "replication/wal_log_messages.hpp"
#include "support/replica_file.hpp"
#include "support/server_client.hpp"

namespace libsql::test {
namespace {

namespace grpc = replication::grpc;
using replication::FrameNo;

struct Pulled {
  grpc::Status status{grpc::Code::Ok, {}};
  std::size_t body_bytes = 0;
  std::string encoding, form;  // as the answer's headers say
  std::vector<std::vector<PulledFrame>> messages;
  std::vector<std::optional<std::uint64_t>> previous_checksums;

  std::vector<PulledFrame> frames() const {
    std::vector<PulledFrame> all;
    for (const auto& message : messages) all.insert(all.end(), message.begin(), message.end());
    return all;
  }
};

const Headers kJoined = {{"libsql-frames", "joined"}, {"grpc-accept-encoding", "zstd"}};

class JoinedFrames : public ServerTest {
 protected:
  void configure(server::Options& options) override { options.replication.log = true; }

  const std::shared_ptr<replication::Log>& log() { return server_->namespaces().get("default")->log(); }

  net::HttpResponse call(net::HttpConnection& http, std::string_view method, std::string_view message,
                         const Headers& more) {
    std::string body;
    grpc::append_message(message, grpc::Form::Binary, body);
    std::vector<net::Header> fields = {{"content-type", "application/grpc-web+proto"}};
    for (const auto& [name, value] : more) fields.push_back({name, value});
    return http.request({"POST", std::string("/wal_log.ReplicationLog/").append(method), fields, body}, soon());
  }

  Headers with_token(const Headers& more) {
    HttpClient http = client();
    const net::HttpResponse answer = call(http.connection(), "Hello", {}, {});
    grpc::MessageReader reader;
    reader.feed(answer.body);
    const std::string message(reader.next().value());
    const auto hello = replication::decode_hello_response(core::Source::borrowed(message));
    Headers all = more;
    all.emplace_back("x-session-token", hello->session_token);
    return all;
  }

  Pulled pull(std::string_view method, FrameNo from, const Headers& more) {
    std::string offset;
    replication::encode(replication::LogOffset{from, std::nullopt}, offset);
    HttpClient http = client();
    const net::HttpResponse answer = call(http.connection(), method, offset, with_token(more));
    Pulled pulled;
    pulled.encoding = answer.header("grpc-encoding").value_or("");
    pulled.form = answer.header("libsql-frames").value_or("");
    pulled.body_bytes = answer.body.size();
    if (const auto status = answer.header("grpc-status")) {
      pulled.status = {grpc::parse_code(*status), std::string(answer.header("grpc-message").value_or(""))};
      return pulled;
    }
    grpc::ReaderLimits limits;
    limits.max_decompressed = 1U << 28U;
    grpc::MessageReader reader(grpc::Form::Binary, limits);
    reader.feed(answer.body);
    while (const auto message = reader.next()) {
      std::string frames;
      if (method == "BatchLogEntries" || pulled.form == "joined") {
        frames = *message;
      } else {
        replication::append_to_frames(replication::decode_frame_message(*message), frames);
      }
      take(frames, pulled);
    }
    reader.finish();
    pulled.status = reader.status().value();
    return pulled;
  }

  static void take(std::string_view message, Pulled& pulled) {
    PulledFrames read = frames_in(message);
    pulled.messages.push_back(std::move(read.frames));
    pulled.previous_checksums.push_back(read.previous_checksum);
  }

  std::string here(const std::string& sql) { return run(sql).at("rows").at(0).at(0).at("value").get<std::string>(); }
  void insert(int rows) {
    HttpClient http = client();
    for (int i = 0; i < rows; ++i) {
      http.pipeline(list({execute("INSERT INTO t(b) VALUES (printf('%032d', random()))"), close()}));
    }
  }
  static constexpr const char* kContent =
      "SELECT count(*) || ':' || coalesce(group_concat(substr(b, 1, 32)), '') FROM (SELECT b FROM t ORDER BY a)";
};

TEST_F(JoinedFrames, OneTransactionTakesAReplicaOverManyCommits) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  insert(300);
  const FrameNo last = *log()->last_frame();
  const Pulled each = pull("BatchLogEntries", 0, {});
  const Pulled joined = pull("BatchLogEntries", 0, kJoined);
  EXPECT_EQ(each.encoding + each.form, "") << "nobody asked";
  EXPECT_EQ(joined.encoding, "zstd");
  EXPECT_EQ(joined.form, "joined");
  EXPECT_LT(joined.body_bytes, each.body_bytes / 50);

  ASSERT_EQ(joined.messages.size(), 1U);
  const std::vector<PulledFrame>& frames = joined.messages.front();
  ASSERT_FALSE(frames.empty());
  std::set<std::uint32_t> pages;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const replication::FrameHeader& header = frames[i].header;
    EXPECT_TRUE(pages.insert(header.page_no).second) << "page " << header.page_no << " comes twice";
    if (i > 0) {
      EXPECT_GT(header.frame_no, frames[i - 1].header.frame_no);
    }
    EXPECT_EQ(header.is_commit(), i + 1 == frames.size());
    EXPECT_EQ(frames[i].timestamp.has_value(), i + 1 == frames.size());
  }
  EXPECT_EQ(frames.back().header.frame_no, last);

  ReplicaFile replica;
  replica.apply(frames);
  EXPECT_EQ(replica.content(directory_.path() / "replica.db", kContent), here(kContent));
}

TEST_F(JoinedFrames, EachHeaderWorksWithoutTheOther) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  insert(20);
  for (const Headers& wish : {Headers{kJoined[0]}, Headers{kJoined[1]}}) {
    const Pulled pulled = pull("BatchLogEntries", 0, wish);
    EXPECT_EQ(pulled.encoding == "zstd", wish == Headers{kJoined[1]});
    EXPECT_EQ(pulled.form == "joined", wish == Headers{kJoined[0]});
    ReplicaFile replica;
    replica.apply(pulled.frames());
    EXPECT_EQ(replica.content(directory_.path() / "replica.db", kContent), here(kContent));
  }
}

TEST_F(JoinedFrames, TheMessageSaysWhatItContinues) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  insert(5);
  const std::vector<PulledFrame> each = pull("BatchLogEntries", 0, {}).frames();
  EXPECT_EQ(pull("BatchLogEntries", 0, kJoined).previous_checksums.front(), std::nullopt) << "there is none before";
  const Pulled rest = pull("BatchLogEntries", 4, kJoined);
  EXPECT_EQ(rest.previous_checksums.front(), each.at(3).header.checksum);
  EXPECT_EQ(rest.messages.front().back().header.checksum, each.back().header.checksum);
}

TEST_F(JoinedFrames, NothingNewIsAnEmptyMessage) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  const Pulled pulled = pull("BatchLogEntries", *log()->last_frame() + 1, kJoined);
  EXPECT_EQ(pulled.status.code, grpc::Code::Ok);
  ASSERT_EQ(pulled.messages.size(), 1U);
  EXPECT_TRUE(pulled.messages.front().empty());
}

TEST_F(JoinedFrames, PagesThatAreGoneAtTheEndAreLeftOut) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  run("INSERT INTO t(b) SELECT hex(randomblob(3000)) FROM generate_series(1, 100)");
  run("DELETE FROM t WHERE a > 3");
  server_->namespaces().get("default")->connect()->execute("VACUUM", {});
  ReplicaFile replica;
  for (FrameNo from = 0; from <= *log()->last_frame();) {
    const Pulled pulled = pull("BatchLogEntries", from, kJoined);
    ASSERT_EQ(pulled.status.code, grpc::Code::Ok) << pulled.status.message;
    ASSERT_FALSE(pulled.frames().empty());
    for (const PulledFrame& frame : pulled.frames()) {
      EXPECT_LE(frame.header.page_no, pulled.frames().back().header.size_after);
    }
    replica.apply(pulled.frames());
    from = pulled.frames().back().header.frame_no + 1;
  }
  EXPECT_EQ(replica.content(directory_.path() / "replica.db", kContent), here(kContent));
}

TEST_F(JoinedFrames, MoreThanABatchHoldsComesInSeveralEachACommittedState) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  for (int i = 0; i < 6; ++i) run("INSERT INTO t(b) SELECT hex(randomblob(2000)) FROM generate_series(1, 300)");
  ReplicaFile replica;
  int batches = 0;
  for (FrameNo from = 0; from <= *log()->last_frame(); ++batches) {
    const Pulled pulled = pull("BatchLogEntries", from, kJoined);
    replica.apply(pulled.frames());
    from = pulled.frames().back().header.frame_no + 1;
    const std::string count =
        replica.content(directory_.path() / "replica.db", "SELECT CAST(count(*) % 300 AS TEXT) FROM t");
    EXPECT_EQ(count, "0") << "a transaction is half there";
  }
  EXPECT_GT(batches, 1);
  EXPECT_EQ(replica.content(directory_.path() / "replica.db", kContent), here(kContent));
}

TEST_F(JoinedFrames, ACommitThatIsTooLargeForAMessageIsASnapshotAndWhatComesBeforeItIsNot) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  const FrameNo before = *log()->last_frame();
  run("INSERT INTO t(b) SELECT randomblob(100000) FROM generate_series(1, 200)");
  const Pulled first = pull("BatchLogEntries", 0, kJoined);
  ASSERT_EQ(first.status.code, grpc::Code::Ok);
  EXPECT_EQ(first.frames().back().header.frame_no, before);
  EXPECT_EQ(pull("BatchLogEntries", before + 1, kJoined).status.message, "NEED_SNAPSHOT");
}

TEST_F(JoinedFrames, ASnapshotComesInMessagesOfManyPages) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  run("INSERT INTO t(b) SELECT hex(randomblob(500)) FROM generate_series(1, 2000)");
  const Pulled each = pull("Snapshot", 0, {});
  const Pulled joined = pull("Snapshot", 0, kJoined);
  EXPECT_EQ(joined.encoding, "zstd");
  EXPECT_GT(joined.messages.size(), 1U);
  EXPECT_LT(joined.messages.size(), joined.frames().size() / 20);
  EXPECT_EQ(joined.frames().size(), static_cast<std::size_t>(number("SELECT page_count FROM pragma_page_count()")));
  EXPECT_LT(joined.body_bytes, each.body_bytes * 3 / 4);
  ReplicaFile replica;
  replica.apply(joined.frames());
  EXPECT_EQ(replica.content(directory_.path() / "replica.db", kContent), here(kContent));
}

TEST_F(JoinedFrames, TheFiguresSayWhoFollowsAndHowFarBehind) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  const FrameNo end = *log()->last_frame() + 1;
  const auto stats = [&] { return server_->namespaces().stats("default"); };
  EXPECT_EQ(stats().replicas, 0U);
  pull("BatchLogEntries", 0, {{"libsql-replica", "one"}});
  EXPECT_EQ(stats().replicas, 1U);
  EXPECT_EQ(stats().replica_lag, 0U) << "it was sent everything";
  insert(3);
  const std::uint64_t behind = *log()->last_frame() + 1 - end;
  EXPECT_EQ(stats().replica_lag, behind);
  pull("BatchLogEntries", end, {{"libsql-replica", "two"}});
  EXPECT_EQ(stats().replicas, 2U);
  EXPECT_EQ(stats().replica_lag, behind) << "of the slowest";
  pull("BatchLogEntries", end, {{"libsql-replica", "one"}, kJoined[0]});
  EXPECT_EQ(stats().replica_lag, 0U);
  pull("BatchLogEntries", 0, {});
  pull("Snapshot", 0, {{"libsql-replica", std::string(65, 'x')}});
  EXPECT_EQ(stats().replicas, 3U) << "one without a name, by its address";
  EXPECT_EQ(stats().pulls, 4U);
  EXPECT_EQ(stats().snapshots, 1U);
}

// The stream gives what is there in one message, and what comes later in others.
TEST_F(JoinedFrames, AStreamBringsCommitsAsTheyHappen) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  insert(50);
  std::string offset;
  replication::encode(replication::LogOffset{}, offset);
  std::string body;
  grpc::append_message(offset, grpc::Form::Binary, body);
  net::HttpConnection http(local_origin(server_->port()), local_options());
  std::vector<net::Header> fields = {{"content-type", "application/grpc-web+proto"}};
  const Headers more = with_token(kJoined);
  for (const auto& [name, value] : more) fields.push_back({name, value});
  net::HttpResponse answer = http.open({"POST", "/wal_log.ReplicationLog/LogEntries", fields, body}, soon());
  EXPECT_EQ(answer.header("libsql-frames"), "joined");

  grpc::ReaderLimits limits;
  limits.max_decompressed = 1U << 28U;
  grpc::MessageReader reader(grpc::Form::Binary, limits);
  Pulled pulled;
  ReplicaFile replica;
  const auto wait_for = [&](FrameNo number) {
    while (pulled.messages.empty() || pulled.messages.back().back().header.frame_no < number) {
      const std::string piece(http.read(soon()));
      ASSERT_FALSE(piece.empty()) << "the stream has ended";
      reader.feed(piece);
      while (const auto message = reader.next()) {
        take(*message, pulled);
        replica.apply(pulled.messages.back());
      }
    }
  };
  wait_for(*log()->last_frame());
  EXPECT_EQ(pulled.messages.size(), 1U);
  insert(1);
  wait_for(*log()->last_frame());
  EXPECT_EQ(pulled.messages.size(), 2U);
  EXPECT_EQ(replica.content(directory_.path() / "replica.db", kContent), here(kContent));
}

// However many streams there are, a commit of any size takes little memory for each.
TEST_F(JoinedFrames, ACommitOfMoreThanAMegabyteEndsAStreamAndIsASnapshot) {
  run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
  const FrameNo before = *log()->last_frame();
  run("INSERT INTO t(b) SELECT randomblob(100000) FROM generate_series(1, 12)");
  const Pulled stream = pull("LogEntries", 0, kJoined);
  EXPECT_EQ(stream.status.message, "NEED_SNAPSHOT");
  EXPECT_EQ(stream.frames().back().header.frame_no, before);
  const Pulled batch = pull("BatchLogEntries", before + 1, kJoined);
  EXPECT_EQ(batch.frames().back().header.frame_no, *log()->last_frame());
  const Pulled snapshot = pull("Snapshot", before + 1, kJoined);
  EXPECT_EQ(snapshot.frames().front().header.frame_no, *log()->last_frame());
}

}  // namespace
}  // namespace libsql::test
