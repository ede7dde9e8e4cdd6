// SQL that goes to a primary, and what comes back.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "replication/proxy_messages.hpp"
#include "unit/replication/support.hpp"

namespace libsql::replication::proxy {
namespace {

using core::DecodeError;
using core::Source;
using Kind = DecodeError::Kind;
namespace test = replication::test;

template <class Message>
std::string encoded(const Message& message) {
  std::string out;
  encode(message, out);
  return out;
}

template <class Run>
Kind fault_of(Run&& run) {
  try {
    run();
  } catch (const DecodeError& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no DecodeError was thrown";
  return Kind::TooLarge;
}

std::string bincode(ValueRef value) {
  std::string out;
  append_bincode(value, out);
  return out;
}

// A program of one step with that condition.
std::string with_cond(std::string_view cond) {
  return test::field(2, test::field(1, test::field(1, cond) + test::field(2, test::field(1, "SELECT 1"))));
}

// A program of one step with one argument.
std::string with_value(std::string_view value) {
  return test::field(
      2, test::field(1, test::field(2, test::field(1, "SELECT ?") + test::field(2, test::field(1, value)))));
}

TEST(ReplicationBincode, ValuesAreWrittenAsRustWritesThem) {
  EXPECT_EQ(test::hex(bincode(ValueRef())), "00000000");
  EXPECT_EQ(test::hex(bincode(ValueRef(std::int64_t{-2}))), "01000000feffffffffffffff");
  EXPECT_EQ(test::hex(bincode(ValueRef(5.0))), "020000000000000000001440");
  EXPECT_EQ(test::hex(bincode(ValueRef(std::string_view("abc")))), "030000000300000000000000616263");
  EXPECT_EQ(test::hex(bincode(ValueRef(test::as_bytes(std::string_view("\0\xff", 2))))),
            "04000000020000000000000000ff");
  EXPECT_EQ(test::hex(bincode(ValueRef(ZeroBlob{3}))), "040000000300000000000000000000");
}

TEST(ReplicationBincode, AllValuesComeBack) {
  using Limits = std::numeric_limits<std::int64_t>;
  const std::vector<Value> values = {null,
                                     0,
                                     -1,
                                     Limits::min(),
                                     Limits::max(),
                                     0.0,
                                     -0.0,
                                     5e-324,
                                     std::numeric_limits<double>::infinity(),
                                     "",
                                     std::string("nul\0inside", 10),
                                     "\xC3\xA9\xF0\x9F\x98\x80",
                                     std::string(100000, 'x'),
                                     Blob(),
                                     Blob(70000, std::byte{7})};
  for (const Value& value : values) {
    const std::string bytes = bincode(value.ref());
    const auto back = decode_bincode(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(Value(*back), value);
    EXPECT_EQ(bincode(*back), bytes) << "also the sign of a zero";
    EXPECT_TRUE(decode_bincode(bytes + "what follows is ignored"));
    for (std::size_t length = 0; length < std::min<std::size_t>(bytes.size(), 30); ++length) {
      EXPECT_FALSE(decode_bincode(std::string_view(bytes).substr(0, length))) << length;
    }
  }
}

TEST(ReplicationBincode, WhatIsNoValueIsRefused) {
  EXPECT_FALSE(decode_bincode(test::bytes("05000000 0000000000000000"))) << "no such kind";
  EXPECT_FALSE(decode_bincode(test::bytes("ffffffff")));
  EXPECT_FALSE(decode_bincode(test::bytes("04000000 ffffffffffffffff 00")));
  EXPECT_FALSE(decode_bincode(test::bytes("03000000 0100000000000000 ff"))) << "no UTF-8";
}

TEST(ReplicationBincode, TextThatIsNoUtf8IsRepairedSoThatTheReaderCanReadIt) {
  const std::string bytes = bincode(ValueRef(std::string_view("a\xff\xfe z")));
  const auto back = decode_bincode(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), "a\xEF\xBF\xBD\xEF\xBF\xBD z");
}

TEST(ReplicationProxy, AProgramComesBackWithAllItsConditions) {
  using enum Cond::Kind;
  const std::array<Cond, 1> ok_0 = {Cond{Ok, 0, {}}};
  const std::array<Cond, 3> some = {Cond{Err, 7, {}}, Cond{IsAutocommit, 0, {}}, Cond{Not, 0, ok_0}};
  const Cond and_cond{And, 0, some};
  const Cond or_cond{Or, 0, {}};
  const Cond far{Ok, std::numeric_limits<std::int64_t>::min(), {}};
  const std::array<ValueRef, 2> values = {ValueRef(std::int64_t{1}), ValueRef(std::string_view("x"))};
  const std::array<libsql::detail::NamedRef, 2> named = {libsql::detail::NamedRef{":a", values[0]},
                                                         libsql::detail::NamedRef{"", values[1]}};
  using enum Query::Params;
  const std::array<Step, 6> steps = {Step{nullptr, Query{"SELECT ?, ?", Positional, {values, {}}, true}},
                                     Step{&and_cond, Query{"SELECT :a", Named, {{}, named}, false}},
                                     Step{&or_cond, Query{"", Positional, {}, false}},
                                     Step{&far, Query{"SELECT 1", Named, {}, false}},
                                     Step{nullptr, Query{"SELECT 2", Missing, {}, false}},
                                     Step{nullptr, {}}};
  const ProgramReq request{"client", Program{steps}};
  const std::string bytes = encoded(request);
  const auto back = decode_program_req(Source::borrowed(bytes));
  EXPECT_EQ(back->client_id, "client");
  ASSERT_TRUE(back->pgm);
  ASSERT_EQ(back->pgm->steps.size(), steps.size());
  const auto& read = back->pgm->steps;
  EXPECT_EQ(read[0].cond, nullptr);
  EXPECT_TRUE(read[0].query->skip_rows);
  EXPECT_EQ(Value(read[0].query->args.positional[1]), Value("x"));
  ASSERT_NE(read[1].cond, nullptr);
  EXPECT_EQ(read[1].cond->kind, And);
  ASSERT_EQ(read[1].cond->conds.size(), 3U);
  EXPECT_EQ(read[1].cond->conds[0].step, 7);
  EXPECT_EQ(read[1].cond->conds[2].conds[0].kind, Ok);
  EXPECT_EQ(read[1].query->args.named[0].name, ":a");
  EXPECT_EQ(Value(read[1].query->args.named[1].value), Value("x"));
  EXPECT_TRUE(read[2].cond->conds.empty());
  EXPECT_EQ(read[2].query->params, Positional) << "empty, and there";
  EXPECT_EQ(read[3].cond->step, far.step);
  EXPECT_EQ(read[3].query->params, Named);
  EXPECT_EQ(read[4].query->params, Missing);
  EXPECT_FALSE(read[5].query);
  EXPECT_EQ(test::hex(encoded(*back)), test::hex(bytes));
  EXPECT_FALSE(decode_program_req(Source::borrowed({}))->pgm);
}

TEST(ReplicationProxy, ConditionsNestAsDeeplyAsTheReaderAllowsAndNoDeeper) {
  const auto nested = [](int depth) {
    std::string cond = test::field(6, "");
    for (int i = 0; i < depth; ++i) cond = test::field(3, test::field(1, cond));
    return with_cond(cond);
  };
  EXPECT_NO_THROW(decode_program_req(nested(45)));
  EXPECT_EQ(fault_of([&] { decode_program_req(nested(50)); }), Kind::Malformed);
  EXPECT_EQ(fault_of([&] { decode_program_req(nested(2000)); }), Kind::Malformed);
}

TEST(ReplicationProxy, APartThatComesTwiceIsMergedAndOfTwoKindsTheLastCounts) {
  const std::string both = test::field(1, test::bytes("08 05")) + test::field(2, test::bytes("08 06"));
  const auto last = decode_program_req(with_cond(both));
  EXPECT_EQ(last->pgm->steps[0].cond->kind, Cond::Kind::Err);
  EXPECT_EQ(last->pgm->steps[0].cond->step, 6);
  const std::string half = test::field(2, test::field(1, test::field(2, test::field(1, "SELECT 1"))));
  EXPECT_EQ(decode_program_req(half + half)->pgm->steps.size(), 2U);
}

TEST(ReplicationProxy, WhatMeansNothingIsRefused) {
  EXPECT_EQ(fault_of([] { decode_program_req(with_cond("")); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_program_req(with_cond(test::field(3, ""))); }), Kind::UnknownType) << "not what?";
  EXPECT_EQ(fault_of([] { decode_program_req(with_value("")); }), Kind::Malformed);
  EXPECT_EQ(fault_of([] { decode_program_req(with_value(test::field(1, "\1"))); }), Kind::Malformed);
  const std::string names = test::field(1, ":a") + test::field(1, ":b") + test::field(2, test::field(1, bincode({})));
  EXPECT_EQ(
      fault_of([&] { decode_program_req(test::field(2, test::field(1, test::field(2, test::field(3, names))))); }),
      Kind::Malformed)
      << "two names and one value";
  EXPECT_EQ(fault_of([] { decode_execute_results(test::field(1, "")); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_describe_result(std::string()); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_exec_req(std::string()); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_exec_req(test::field(2, "")); }), Kind::Malformed) << "to execute what?";
  EXPECT_EQ(fault_of([] { decode_exec_resp(std::string()); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_exec_resp(test::field(2, test::field(1, ""))); }), Kind::UnknownType);
  EXPECT_EQ(fault_of([] { decode_describe_request(test::field(2, "\xff")); }), Kind::Malformed);
}

TEST(ReplicationProxy, RowsHaveAsManyCellsAsThereAreColumns) {
  const std::string column = test::field(1, test::field(1, "c"));
  const std::string cell = test::field(1, test::field(1, bincode({})));
  const auto results = [](const std::string& rows) { return test::field(1, test::field(2, rows)); };
  EXPECT_NO_THROW(decode_execute_results(results(column + test::field(2, cell) + test::field(2, cell))));
  EXPECT_EQ(fault_of([&] { decode_execute_results(results(column + test::field(2, cell + cell))); }), Kind::Malformed);
  EXPECT_EQ(fault_of([&] { decode_execute_results(results(column + test::field(2, ""))); }), Kind::Malformed);
  EXPECT_EQ(fault_of([&] { decode_execute_results(results(test::field(2, cell) + test::field(2, ""))); }),
            Kind::Malformed);
}

TEST(ReplicationProxy, ResultsComeBack) {
  const std::array<Column, 2> columns = {Column{"a", "INTEGER"}, Column{"", std::nullopt}};
  const std::string zeros(3, '\0');
  const std::array<ValueRef, 4> cells = {ValueRef(std::int64_t{1}), ValueRef(), ValueRef(1.5),
                                         ValueRef(test::as_bytes(zeros))};
  const std::array<QueryResult, 3> list = {Error{ErrorCode::TxTimeout, "gone", -5}, ResultRows{},
                                           ResultRows{columns, cells, 2, 3, -4}};
  const std::string bytes = encoded(ExecuteResults{list, State::Txn, 0});
  const auto back = decode_execute_results(Source::borrowed(bytes));
  EXPECT_EQ(back->state, State::Txn);
  EXPECT_EQ(back->current_frame_no, 0U) << "there, and 0";
  ASSERT_EQ(back->results.size(), 3U);
  EXPECT_EQ(std::get<Error>(back->results[0]), std::get<Error>(list[0]));
  const auto& rows = std::get<ResultRows>(back->results[2]);
  EXPECT_EQ(rows.row_count, 2U);
  EXPECT_EQ(rows.columns[0], columns[0]);
  EXPECT_EQ(rows.columns[1], columns[1]);
  EXPECT_EQ(rows.last_insert_rowid, -4);
  EXPECT_EQ(Value(rows.cells[2]), Value(1.5));
  EXPECT_EQ(test::hex(encoded(*back)), test::hex(bytes));
}

TEST(ReplicationProxy, NamesThatAreEmptyAreThereStill) {
  const std::array<std::string_view, 3> names = {"", ":a", "$b"};
  const std::string bytes = encoded(DescribeResult(Description{{}, names, 2}));
  EXPECT_EQ(test::hex(bytes).substr(0, 8), "120c1200");
  const auto back = decode_describe_result(Source::borrowed(bytes));
  const auto& description = std::get<Description>(*back);
  ASSERT_EQ(description.param_names.size(), 3U);
  EXPECT_EQ(description.param_names[0], "");
  EXPECT_EQ(description.param_names[2], "$b");
  EXPECT_EQ(description.param_count, 2U);
}

TEST(ReplicationProxy, TheStepsOfAStreamComeBack) {
  using enum RespStep::Kind;
  const std::array<Column, 1> columns = {Column{"c", "TEXT"}};
  std::vector<RespStep> steps;
  const auto add = [&](RespStep::Kind kind) -> RespStep& {
    steps.emplace_back().kind = kind;
    return steps.back();
  };
  for (const auto kind : {Init, BeginStep, BeginRows, BeginRow, FinishRow, FinishRows}) add(kind);
  RespStep& finished = add(FinishStep);
  finished.affected_row_count = 3;
  finished.last_insert_rowid = -1;
  add(StepError).error = {ErrorCode::Internal, "no", 1555};
  add(Columns).columns = columns;
  for (const ValueRef value :
       {ValueRef(), ValueRef(std::int64_t{-7}), ValueRef(0.0), ValueRef(std::string_view("")), ValueRef(BlobView())}) {
    add(AddValue).value = value;
  }
  RespStep& last = add(Finish);
  last.is_autocommit = true;
  last.last_frame_no = 0;
  const std::string bytes = encoded(ExecResp{9, ProgramResp{steps}});
  const auto back = decode_exec_resp(Source::borrowed(bytes));
  EXPECT_EQ(back->request_id, 9U);
  const auto& read = std::get<ProgramResp>(back->response).steps;
  ASSERT_EQ(read.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(read[i].kind, steps[i].kind) << i;
    EXPECT_EQ(Value(read[i].value), Value(steps[i].value)) << i;
    EXPECT_EQ(read[i].error, steps[i].error) << i;
    EXPECT_EQ(read[i].last_frame_no, steps[i].last_frame_no) << i;
    EXPECT_EQ(read[i].last_insert_rowid, steps[i].last_insert_rowid) << i;
  }
  EXPECT_EQ(test::hex(encoded(*back)), test::hex(bytes));
}

TEST(ReplicationProxy, OtherAnswersAndRequestsOfAStreamComeBack) {
  const std::array<DescribeParam, 2> params = {DescribeParam{":a"}, DescribeParam{}};
  const std::array<Column, 1> columns = {Column{"c", "TEXT"}};
  const std::string described = encoded(ExecResp{0, DescribeResp{params, columns, true, false}});
  const auto back = decode_exec_resp(Source::borrowed(described));
  const auto& description = std::get<DescribeResp>(back->response);
  EXPECT_EQ(description.params[0], params[0]);
  EXPECT_EQ(description.params[1], params[1]);
  EXPECT_EQ(description.columns[0], columns[0]);
  EXPECT_TRUE(description.is_explain);
  EXPECT_EQ(test::hex(encoded(*back)), test::hex(described));

  const std::string failed = encoded(ExecResp{1, Error{ErrorCode::Internal, "broken", 0}});
  EXPECT_EQ(std::get<Error>(decode_exec_resp(Source::borrowed(failed))->response).message, "broken");
  const std::string asked = encoded(ExecReq{4, StreamDescribe{"SELECT 1"}});
  const auto request = decode_exec_req(Source::borrowed(asked));
  EXPECT_EQ(request->request_id, 4U);
  EXPECT_EQ(std::get<StreamDescribe>(request->request).stmt, "SELECT 1");
}

// What is small on the wire may be large when it is read: two bytes are a step.
TEST(ReplicationProxy, MemoryIsAskedForBeforeItIsTaken) {
  class Limit final : public core::MemoryLimit {
   public:
    void hold(std::size_t bytes) override {
      if (bytes > 100000) throw DecodeError(Kind::TooLarge, 0, "too much");
    }
  } limit;
  std::string steps;
  for (int i = 0; i < 50000; ++i) steps += test::bytes("0a 00");
  const std::string bytes = test::field(2, steps);
  EXPECT_EQ(fault_of([&] { decode_program_req(Source::borrowed(bytes).within(limit)); }), Kind::TooLarge);
}

}  // namespace
}  // namespace libsql::replication::proxy
