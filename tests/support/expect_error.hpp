// Looking at an exception closely: `const Busy error = error_of<Busy>([&] { ... });`
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <libsql/error.hpp>

namespace libsql::test {

/// The exception of class E that `run` throws. Anything else fails the test by another exception.
template <class E, class Run>
E error_of(Run&& run) {
  try {
    run();
  } catch (const E& error) {
    return error;
  } catch (const Error& error) {
    throw std::runtime_error("another class of error: " + std::string(to_string(error.code())) + ": " +
                             error.message());
  }
  throw std::runtime_error("nothing was thrown");
}

}  // namespace libsql::test
