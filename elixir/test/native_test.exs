defmodule EctoLibSql.NativeTest do
  use EctoLibSql.Case, async: true

  setup do
    state = connect()
    run(state, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    run(state, "INSERT INTO t(name) VALUES ('a'), ('b')")
    {:ok, state: state, conn: state.conn_id}
  end

  test "handles are strings, each another one, and made-up ones lead nowhere", %{state: state, conn: conn} do
    {:ok, one} = Native.prepare(state, "SELECT 1")
    {:ok, two} = Native.prepare(state, "SELECT 1")
    assert is_binary(one) and is_binary(two) and is_binary(conn) and one != two
    assert Native.query_prepared(conn, "made up", :local, :disable_sync, []) == {:error, "Statement not found"}
    assert Native.query_args("made up", :local, :disable_sync, "SELECT 1", []) == {:error, "Invalid connection ID"}
    assert Native.ping("made up") == {:error, "Invalid connection ID"}
    assert Native.close("made up", :conn_id) == {:error, "Connection not found"}
    assert Native.close("made up", :stmt_id) == {:error, "Statement not found"}
    assert Native.close("made up", :cursor_id) == {:error, "Cursor not found"}
    assert Native.close("made up", :trx_id) == {:error, "Transaction not found"}
    assert Native.close(conn, :something) == {:error, "opt is incorrect"}
    # A handle of another kind is none of this one.
    assert Native.close(one, :conn_id) == {:error, "Connection not found"}
    assert Native.query_args(one, :local, :disable_sync, "SELECT 1", []) == {:error, "Invalid connection ID"}
    # Nor is one that differs in a single character.
    assert Native.close(flip(one), :stmt_id) == {:error, "Statement not found"}
    assert_raise ArgumentError, fn -> Native.ping(nil) end
  end

  defp flip(handle) do
    size = byte_size(handle) - 1
    <<start::binary-size(size), last>> = handle
    start <> if last == ?0, do: "1", else: "0"
  end

  test "maps of results have string keys", %{conn: conn} do
    assert Native.query_args(conn, :local, :disable_sync, "SELECT id FROM t WHERE id = ?", [1]) ==
             %{"columns" => ["id"], "rows" => [[1]], "num_rows" => 1}

    assert Native.pragma_query(conn, "PRAGMA user_version") == %{
             "columns" => ["user_version"],
             "rows" => [[0]],
             "num_rows" => 1
           }

    assert {:error, "PRAGMA query failed: " <> _} = Native.pragma_query(conn, "PRAGMA ?")
  end

  test "a compiled statement runs again and again", %{state: state} do
    {:ok, statement} = Native.prepare(state, "INSERT INTO t(name) VALUES (?)")
    for name <- ["c", "d"], do: assert(Native.execute_stmt(state, statement, "INSERT", [name]) == {:ok, 1})
    {:ok, select} = Native.prepare(state, "SELECT name FROM t WHERE id > :id")
    assert {:ok, %Result{command: :select, rows: [["c"], ["d"]]}} = Native.query_stmt(state, select, %{id: 2})
    assert {:ok, %Result{rows: [["d"]]}} = Native.query_stmt(state, select, id: 3)
    assert Native.reset_stmt(state, select) == :ok
    assert {:ok, %Result{rows: []}} = EctoLibSql.query_stmt(state, select, id: 9)
    assert EctoLibSql.run_stmt(state, select, id: 0) == :ok
    assert EctoLibSql.query_one(state, select, id: 3) == {:ok, ["d"]}
    assert Native.close_stmt(select) == :ok
    assert Native.close_stmt(select) == {:error, "Statement not found"}
    assert Native.query_stmt(state, select, id: 0) == {:error, "Statement not found"}
    assert {:error, "Prepare failed: " <> _} = Native.prepare(state, "SELEC")
  end

  test "a statement tells its columns and parameters", %{state: state} do
    {:ok, statement} = Native.prepare(state, "SELECT id, name AS n, 1 FROM t WHERE id = :id OR name = ?")
    assert Native.stmt_column_count(state, statement) == {:ok, 3}
    assert Native.stmt_column_name(state, statement, 1) == {:ok, "n"}

    assert Native.stmt_column_name(state, statement, 3) ==
             {:error, "Column index 3 out of bounds (statement has 3 columns)"}

    assert Native.stmt_parameter_count(state, statement) == {:ok, 2}
    assert Native.stmt_parameter_name(state, statement, 1) == {:ok, ":id"}
    assert Native.stmt_parameter_name(state, statement, 2) == {:ok, nil}
    assert Native.stmt_parameter_name(state, statement, 3) == {:ok, nil}
    assert Native.stmt_parameter_names(state, statement) == {:ok, [":id", nil]}
    assert {:ok, [{"id", _, _}, {"n", _, _}, {"1", _, nil}]} = Native.get_stmt_columns(state, statement)
    assert {:ok, [%{name: "id"}, %{name: "n"}, %{name: "1"}]} = EctoLibSql.get_statement_columns(state, statement)
  end

  test "statements and cursors belong to their connection", %{state: state, conn: conn} do
    other = connect()
    {:ok, statement} = Native.prepare(state, "SELECT 1")
    refused = {:error, "Statement does not belong to connection"}
    assert Native.query_stmt(other, statement, []) == refused
    assert Native.reset_stmt(other, statement) == refused
    assert Native.stmt_column_count(other, statement) == refused
    assert EctoLibSql.close_stmt(other, statement) == refused
    assert EctoLibSql.finalize_stmt(state, statement) == :ok
    cursor = Native.declare_cursor(conn, "SELECT 1", [])
    assert Native.fetch_cursor(other.conn_id, cursor, 10) == {:error, "Cursor does not belong to connection"}
    assert Native.fetch_cursor(conn, cursor, 10) == {["1"], [[1]], 1}
    assert Native.fetch_cursor(conn, cursor, 10) == {["1"], [], 0}
    assert Native.close(cursor, :cursor_id) == :ok

    assert Native.declare_cursor_with_context(conn, other.conn_id, :connection, "SELECT 1", []) ==
             {:error, "Connection ID mismatch: provided conn_id does not match cursor connection ID"}

    assert Native.declare_cursor_with_context(conn, conn, :else, "SELECT 1", []) ==
             {:error, "Invalid id_type for cursor"}

    assert is_binary(Native.declare_cursor_with_context(conn, conn, :connection, "SELECT 1", []))
  end

  test "a batch keeps what ran before a failure, a transactional one nothing", %{state: state} do
    assert {:ok, [%Result{command: :batch, rows: [], num_rows: 0}, %Result{rows: [[3]], num_rows: 1}]} =
             Native.batch(state, [{"INSERT INTO t(name) VALUES (?)", ["c"]}, {"SELECT count(*) FROM t", []}])

    assert {:error, "Batch statement error: " <> _} =
             Native.batch(state, [{"INSERT INTO t(name) VALUES ('d')", []}, {"SELECT nowhere", []}])

    assert rows(state, "SELECT count(*) FROM t") == [[4]]

    assert {:error, _} =
             Native.batch_transactional(state, [{"INSERT INTO t(name) VALUES ('e')", []}, {"SELECT nowhere", []}])

    assert rows(state, "SELECT count(*) FROM t") == [[4]]
    assert {:ok, [_]} = Native.batch_transactional(state, [{"INSERT INTO t(name) VALUES (:n)", [n: "e"]}])
    assert rows(state, "SELECT max(name) FROM t") == [["e"]]
  end

  test "a text of several statements is split where SQL ends them", %{state: state} do
    script = """
    CREATE TABLE log (what);
    CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('a;b'); INSERT INTO log VALUES (new.name); END;
    INSERT INTO t(name) VALUES ('x;y'); -- ; not here
    SELECT what FROM log
    """

    assert {:ok, results} = Native.execute_batch_sql(state, script)
    assert List.last(results) == %{"columns" => ["what"], "rows" => [["a;b"], ["x;y"]], "num_rows" => 2}
    assert Enum.count(results, &is_nil/1) == 3

    assert {:error, "transactional batch failed: " <> _} =
             Native.execute_transactional_batch_sql(state, "INSERT INTO t(name) VALUES ('q'); SELECT nowhere")

    assert rows(state, "SELECT count(*) FROM t WHERE name = 'q'") == [[0]]
  end

  test "counters are those of the connection", %{state: state} do
    run(state, "INSERT INTO t(id, name) VALUES (10, 'x')")
    assert Native.get_last_insert_rowid(state) == 10
    run(state, "UPDATE t SET name = 'y'")
    assert Native.get_changes(state) == 3
    assert Native.get_total_changes(state) >= 6
    assert Native.get_is_autocommit(state)
    {:ok, stats} = EctoLibSql.Stats.connection_stats(state)
    assert stats.queries_executed >= 3 and stats.last_insert_rowid == 10 and stats.is_autocommit
  end

  test "reset rolls back and ends statements and cursors", %{state: state} do
    {:ok, inside} = Native.begin(state)
    run(inside, "DELETE FROM t")
    {:ok, statement} = Native.prepare(inside, "SELECT 1")
    assert Native.reset(inside) == :ok
    assert rows(state, "SELECT count(*) FROM t") == [[2]]
    assert Native.query_stmt(state, statement, []) == {:error, "Statement not found"}
    assert EctoLibSql.reset_connection(state, everything: true) == :ok
  end

  test "the hooks of the published package refuse, as there", %{state: state, conn: conn} do
    assert Native.add_update_hook(state) == {:error, :unsupported}
    assert Native.remove_update_hook(state) == {:error, :unsupported}
    assert Native.add_authorizer(state) == {:error, :unsupported}
    assert Native.set_update_hook(conn, self()) == {:error, :unsupported}
  end

  test "arguments are put in the order of parameters", %{state: state, conn: conn} do
    assert Native.normalise_arguments(conn, "SELECT :b, :a", %{a: 1, b: 2}) == [2, 1]
    assert Native.normalise_arguments(conn, "SELECT ?", [1]) == [1]
    assert Native.normalise_arguments(conn, "SELECT ?", 5) == {:error, "arguments must be a list or map"}
    {:ok, statement} = Native.prepare(state, "SELECT :b, :a")
    assert Native.normalise_arguments_for_stmt(conn, statement, a: 1, b: 2) == [2, 1]
  end

  test "a closed connection answers nothing more, and closing it again is no failure", %{state: state, conn: conn} do
    assert EctoLibSql.disconnect([], state) == :ok
    assert Native.ping(conn) == {:error, "Invalid connection ID"}
    assert failure(state, "SELECT 1").message == "Invalid connection ID"
    assert {:disconnect, _, _} = EctoLibSql.checkout(state)
    assert EctoLibSql.disconnect([], state) == :ok
    assert Native.close(conn, :conn_id) == {:error, "Connection not found"}
  end

  test "a negative busy timeout is refused", %{state: state, conn: conn} do
    assert Native.busy_timeout(state, 100) == :ok
    assert_raise ArgumentError, fn -> Native.set_busy_timeout(conn, -1) end
  end
end
