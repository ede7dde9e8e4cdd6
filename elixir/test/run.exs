# Runs the suite that ECTO_LIBSQL_SUITE names; started by `run_tests`.
suite = System.fetch_env!("ECTO_LIBSQL_SUITE")
ExUnit.start(autorun: false, capture_log: true, timeout: 60_000, max_cases: 2)
Code.require_file("support.exs", __DIR__)

files =
  case suite do
    "safety" ->
      ["safety_test.exs"]

    "local" ->
      ~w(statements_test.exs transactions_test.exs native_test.exs json_test.exs no_replica_test.exs local_test.exs doc_test.exs)

    "remote" ->
      ~w(statements_test.exs transactions_test.exs native_test.exs json_test.exs no_replica_test.exs remote_test.exs)

    "replica" ->
      ~w(statements_test.exs transactions_test.exs native_test.exs json_test.exs replica_test.exs)
  end

EctoLibSql.Support.start(suite)
for file <- files, do: Code.require_file(file, __DIR__)
%{failures: failures, total: total} = ExUnit.run()
EctoLibSql.Support.stop()
System.halt(if failures == 0 and total > 0, do: 0, else: 1)
