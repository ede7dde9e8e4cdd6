#include "remote/program.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <libsql/libsql.hpp>

#include "core/backend.hpp"
#include "remote/session.hpp"
#include "remote/store.hpp"
#include "support/expect_error.hpp"

namespace libsql::remote {
namespace {

using test::error_of;

class RemoteProgram : public ::testing::Test {
 protected:
  RemoteProgram() {
    Options options;
    options.url = "http://127.0.0.1:1";  // nobody is asked
    options.default_deadline.reset();
    session_ = std::make_shared<Session>(std::make_shared<Store>(std::move(options)));
  }
  std::shared_ptr<Session> session_;
};

TEST_F(RemoteProgram, AnInterruptEndsACallWhileItUnderstandsItsStatements) {
  const core::CallScope call(*session_);
  session_->interrupt_state()->interrupt();
  EXPECT_EQ(error_of<Interrupted>([&] { Program(*session_, "SELECT 1; SELECT 2"); }).code(), ErrorCode::Interrupted);
}

TEST_F(RemoteProgram, ADeadlineEndsACallWhileItUnderstandsItsStatements) {
  session_->change_settings([](core::SessionSettings& settings) { settings.deadline = std::chrono::milliseconds(1); });
  std::string script;
  for (int i = 0; i < 200'000; ++i) script.append("SELECT ").append(std::to_string(i)).append(";");
  const core::CallScope call(*session_);
  EXPECT_TRUE(error_of<Timeout>([&] { Program(*session_, script); }).retryable());
}

TEST_F(RemoteProgram, AnInterruptFromBeforeTheCallIsNotForIt) {
  session_->interrupt_state()->interrupt();
  const core::CallScope call(*session_);
  EXPECT_EQ(Program(*session_, "SELECT 1; SELECT 2").size(), 2u);
}

TEST_F(RemoteProgram, ACallOfOneStatementIsInterruptedBeforeItsRequestIsSent) {
  const CallInterrupt::Running running(session_->interrupts());
  session_->interrupt_state()->interrupt();
  EXPECT_THROW(session_->execute("SELECT 1", {}), Interrupted);
  EXPECT_THROW(session_->prepare("SELECT 1"), Interrupted);
  EXPECT_THROW(session_->prepare("SELECT 1", core::Use::Once)->open({}), Interrupted);
}

}  // namespace
}  // namespace libsql::remote
