// The same program against a file or a server: only the place differs.
//   remote [PLACE]     a file, or a URL such as http://127.0.0.1:8080 (the token comes from LIBSQL_AUTH_TOKEN)
#include <cstdlib>
#include <iostream>
#include <libsql/libsql.hpp>
#include <string>
#include <tuple>
#include <vector>

int main(int argc, char** argv) {
  try {
    const std::string place = argc > 1 ? argv[1] : ":memory:";
    libsql::UrlSettings settings;
    const bool is_url = place.find("://") != std::string::npos;
    if (const char* token = std::getenv("LIBSQL_AUTH_TOKEN"); token != nullptr && is_url) settings.auth_token = token;

    const libsql::Database db = libsql::Builder::from_url(place, settings);
    libsql::Connection conn = db.connect();
    std::cout << "mode: " << to_string(conn.capabilities().mode) << '\n';

    // One request to a server, however many statements.
    conn.execute_batch("DROP TABLE IF EXISTS planet; CREATE TABLE planet (name TEXT PRIMARY KEY, moons INTEGER)");
    // And one for all rows.
    conn.execute_many("INSERT INTO planet VALUES (?, ?)",
                      std::vector<std::tuple<std::string, int>>{{"Earth", 1}, {"Mars", 2}, {"Jupiter", 95}});

    {
      libsql::Transaction tx = conn.transaction(libsql::TransactionBehavior::Immediate);
      tx->execute("UPDATE planet SET moons = moons + ? WHERE name = ?", 2, "Jupiter");
      tx.commit();
    }

    for (auto [name, moons] : conn.query<std::string_view, int>("SELECT name, moons FROM planet ORDER BY moons")) {
      std::cout << name << ": " << moons << '\n';
    }

    try {
      conn.execute("INSERT INTO planet VALUES ('Mars', 0)");
    } catch (const libsql::Constraint& error) {  // the same class in every mode
      std::cout << "refused: " << error.columns().at(0) << " is taken\n";
    }
    return 0;
  } catch (const libsql::Network& error) {
    std::cerr << error.what() << (error.outcome_known() ? "" : " (whether it took effect is not known)") << '\n';
  } catch (const libsql::Error& error) {
    std::cerr << error.what() << '\n';
  }
  return 1;
}
