// An operator who changes and removes namespaces while they are used.
#pragma once

#include <string>

#include "conformance/walk/world.hpp"

namespace libsql::test::walk {

class AdminWalker {
 public:
  AdminWalker(World& world, std::uint64_t seed) : world_(world), dice_(seed), http_(world.admin_port) {}

  void step() {
    try {
      act();
    } catch (const net::NetError& error) {
      if (error.kind() == net::ErrorKind::Timeout && !world_.is_stopping) ADD_FAILURE() << error.what();
    } catch (const std::runtime_error&) {
    }
  }
  void leave() {}

 private:
  std::string toy() { return std::string("toy").append(std::to_string(dice_.below(3))); }
  static std::string of(const std::string& name, const char* what) {
    return std::string("/v1/namespaces/").append(name).append(what);
  }
  void act() {
    const std::string any = dice_.of(kNamespaces);
    switch (dice_.below(17)) {
      case 0:
      case 14:
      case 15:
      case 16:
        http_.post(of(toy(), "/create"), Json::object());
        return;
      case 1:
        http_.send("DELETE", of(toy(), ""));
        return;
      case 2:
      case 3:
        http_.post(of(any, "/fork/") + toy(), Json::object());
        return;
      case 4:
      case 5:
      case 6: {
        Json config = {{"block_reads", dice_.one_in(8)}, {"block_writes", dice_.one_in(8)}, {"allow_attach", true}};
        if (dice_.one_in(3)) config["txn_timeout_s"] = 1;
        if (dice_.one_in(3)) config["max_row_size"] = 300'000;
        http_.post(of(any, "/config"), config);
        return;
      }
      case 7:
        http_.get(of(any, "/config"));
        return;
      case 8:
        http_.post(of(any, "/checkpoint"), Json::object());
        return;
      case 9:
        http_.get("/v1/namespaces");
        return;
      case 10:
        http_.get("/metrics");
        return;
      case 11:
        http_.get(of(any, "/stats"));
        return;
      case 12:
        world_.bearers->revoke();
        return;
      default:
        http_.post(of(any, "/backup"), {{"path", std::string("b").append(std::to_string(++backups_))}});
    }
  }

  World& world_;
  Dice dice_;
  HttpClient http_;
  int backups_ = 0;
};

}  // namespace libsql::test::walk
