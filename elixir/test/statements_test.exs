defmodule EctoLibSql.StatementsTest do
  use EctoLibSql.Case, async: true

  setup do
    state = connect()
    run(state, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data)")
    {:ok, state: state}
  end

  test "a row comes back as it was bound, whatever its type", %{state: state} do
    values = [nil, 1, -9_223_372_036_854_775_808, 2.5, "héllo", "", <<0, 255, 254>>, "a\0b"]
    for value <- values, do: run(state, "INSERT INTO t(data) VALUES (?)", [value])
    assert rows(state, "SELECT data FROM t ORDER BY id") == Enum.map(values, &[&1])

    assert rows(state, "SELECT typeof(data) FROM t ORDER BY id") |> List.flatten() ==
             ~w(null integer integer real text text blob text)
  end

  test "booleans, dates, times and maps are stored as text and numbers", %{state: state} do
    args = [true, ~D[2024-01-02], ~U[2024-01-02 03:04:05Z], ~N[2024-01-02 03:04:05.000006], ~T[03:04:05], %{"a" => 1}]

    assert rows(state, "SELECT ?, ?, ?, ?, ?, ?", args) == [
             [1, "2024-01-02", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05.000006", "03:04:05", ~s({"a":1})]
           ]
  end

  test "bytes that look like text are a blob where they are marked", %{state: state} do
    assert rows(state, "SELECT typeof(?), typeof(?), ?", [{:blob, "abc"}, {:blob, 'abc'}, {:blob, "abc"}]) ==
             [["blob", "blob", "abc"]]
  end

  test "infinite numbers are atoms", %{state: state} do
    assert rows(state, "SELECT 9e999, -9e999") == [[:infinity, :neg_infinity]]
  end

  test "the shapes of results are those of the published package", %{state: state} do
    assert %Result{command: :insert, columns: nil, rows: nil, num_rows: 2} =
             run(state, "INSERT INTO t(name) VALUES ('a'), ('b')")

    assert %Result{command: :update, columns: nil, rows: nil, num_rows: 2} = run(state, "UPDATE t SET data = 1")

    assert %Result{command: nil, columns: ["id"], rows: [[3]], num_rows: 1} =
             run(state, "INSERT INTO t(name) VALUES ('c') RETURNING id")

    assert %Result{command: nil, columns: ["id"], rows: [], num_rows: 0} = run(state, "SELECT id FROM t WHERE id = 9")
    assert %Result{command: :create, columns: [], rows: [], num_rows: 0} = run(state, "CREATE TABLE u (a)")
    assert %Result{command: :delete, num_rows: 0} = run(state, "DELETE FROM t WHERE id = 9")
    assert %Result{command: :delete, num_rows: 3} = run(state, "DELETE FROM t")
    assert %Result{command: :unknown, num_rows: 1} = run(state, "REPLACE INTO t(id) VALUES (1)")

    assert %Result{command: nil, num_rows: 1} =
             run(state, "WITH x AS (SELECT 1 AS i) UPDATE t SET data = 2 WHERE id IN (SELECT i FROM x)")

    assert %Result{rows: [[1], [2]]} = run(state, "VALUES (1), (2)")
  end

  test "arguments have names: in maps and in keyword lists, also twice in one statement", %{state: state} do
    sql = "SELECT :a, :a, @b, $c"
    assert rows(state, sql, a: 1, b: "x", c: nil, more: 0) == [[1, 1, "x", nil]]
    assert rows(state, sql, %{"a" => 1, "b" => "x", "c" => nil}) == [[1, 1, "x", nil]]
    assert rows(state, "SELECT 'me@example.com', :a", %{a: 5}) == [["me@example.com", 5]]

    assert_raise ArgumentError, "Missing required parameters: @b. SQL requires: :a, @b", fn ->
      run(state, "SELECT :a, @b", %{a: 1})
    end

    assert_raise ArgumentError, ~r/Cannot use named parameter map with SQL that has positional parameters/, fn ->
      run(state, "SELECT ?", %{a: 1})
    end
  end

  test "too few and too many arguments are errors", %{state: state} do
    assert failure(state, "SELECT ?, ?", [1]).code == :misuse
    assert failure(state, "SELECT ?", [1, 2]).code == :misuse
  end

  test "any number of arguments can be given", %{state: state} do
    for count <- [1, 23, 24, 25, 26, 100] do
      marks = Enum.map_join(1..count, ", ", fn _ -> "?" end)
      assert rows(state, "SELECT #{marks}", Enum.to_list(1..count)) == [Enum.to_list(1..count)]
    end
  end

  test "what cannot be an argument is named", %{state: state} do
    assert failure(state, "SELECT ?", [{1, 2, 3}]).message == "Unsupported argument type: {1, 2, 3}"

    assert failure(state, "SELECT ?", [12_345_678_901_234_567_890]).message ==
             "Unsupported argument type: 12345678901234567890"

    assert failure(state, "SELECT ?, ?", [1, [1, 2]]).message == "Unsupported argument type: [1, 2]"
    assert failure(state, "SELECT ?", make: 1, other: :atom).message =~ "Unsupported argument type: :atom"
  end

  test "an error tells the statement, the place and the code", %{state: state} do
    error = failure(state, "SELECT nowhere FROM t")
    assert error.code == :sql_error
    assert error.message =~ "no such column: nowhere"
    assert error.statement == "SELECT nowhere FROM t"
    assert Exception.message(error) =~ "SQL: SELECT nowhere FROM t"
  end

  test "a constraint tells its kind, table and columns", %{state: state} do
    run(state, "INSERT INTO t(name) VALUES ('a')")
    error = failure(state, "INSERT INTO t(name) VALUES ('a')")
    assert error.code == :constraint
    assert error.constraint == :unique
    assert error.sqlite.code == :constraint_unique
    assert {error.table, error.columns} == {"t", ["name"]}
    assert Error.constraint_violation?(error)
    assert Error.constraint_name(error) == "name"
  end

  test "the connection is usable after an error", %{state: state} do
    failure(state, "SELEC")
    assert rows(state, "SELECT 1") == [[1]]
  end

  test "many rows come back in order", %{state: state} do
    run(
      state,
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5000) INSERT INTO t(id, name) SELECT x, 'n' || x FROM c"
    )

    result = run(state, "SELECT id, name FROM t ORDER BY id")
    assert result.num_rows == 5000
    assert List.first(result.rows) == [1, "n1"]
    assert List.last(result.rows) == [5000, "n5000"]
  end

  test "a large value makes the round trip", %{state: state} do
    blob = :crypto.strong_rand_bytes(1_000_000)
    run(state, "INSERT INTO t(data) VALUES (?)", [blob])
    assert rows(state, "SELECT data FROM t") == [[blob]]
  end

  test "a cursor gives chunks, halts with the last, and shows the rows of its start", %{state: state} do
    run(state, "INSERT INTO t(id) VALUES (1), (2), (3), (4), (5)")
    query = %Query{statement: "SELECT id FROM t WHERE id > ? ORDER BY id"}
    {:ok, ^query, cursor, state} = EctoLibSql.handle_declare(query, [0], [], state)

    assert {:cont, %Result{rows: [[1], [2]], num_rows: 2, columns: ["id"]}, state} =
             EctoLibSql.handle_fetch(query, cursor, [max_rows: 2], state)

    run(state, "DELETE FROM t")
    assert {:cont, %Result{rows: [[3], [4]]}, state} = EctoLibSql.handle_fetch(query, cursor, [max_rows: 2], state)

    assert {:halt, %Result{rows: [[5]], num_rows: 1}, state} =
             EctoLibSql.handle_fetch(query, cursor, [max_rows: 2], state)

    assert {:halt, %Result{rows: []}, state} = EctoLibSql.handle_fetch(query, cursor, [max_rows: 2], state)
    assert {:ok, %Result{}, state} = EctoLibSql.handle_deallocate(query, cursor, [], state)
    assert {:error, %Error{message: "Cursor not found"}, state} = EctoLibSql.handle_fetch(query, cursor, [], state)
    assert {:ok, %Result{}, _state} = EctoLibSql.handle_deallocate(query, cursor, [], state)
  end

  test "query_one wants exactly one row and reads no more than two", %{state: state} do
    assert EctoLibSql.query_one(state, "SELECT 1, 2") == {:ok, [1, 2]}
    assert {:error, %Error{message: "expected one row, got 0"}} = EctoLibSql.query_one(state, "SELECT 1 WHERE 0")
    # An endless source of rows: it would never end if all were read.
    assert {:error, %Error{message: "expected one row, got more"}} =
             EctoLibSql.query_one(
               state,
               "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c LIMIT 100000"
             )
  end

  test "execute_many runs a statement for each set of arguments, all or none", %{state: state} do
    assert EctoLibSql.execute_many(state, "INSERT INTO t(id, name) VALUES (?, ?)", Enum.map(1..300, &[&1, "n#{&1}"])) ==
             {:ok, 300}

    assert rows(state, "SELECT count(*), max(name) FROM t") == [[300, "n99"]]

    assert {:error, %Error{constraint: :unique}} =
             EctoLibSql.execute_many(state, "INSERT INTO t(name) VALUES (?)", [["new"], ["n1"]])

    assert rows(state, "SELECT count(*) FROM t") == [[300]]
  end

  test "a statement that takes too long ends with a typed error, and the connection goes on", %{state: state} do
    started = System.monotonic_time(:millisecond)
    {kind, error, _state} = EctoLibSql.handle_execute(endless(), [], [timeout: 200], state)
    assert {kind, error.code} in [error: :timeout, disconnect: :stuck]
    # How punctual it is the safety suite measures; this only must not be the end of somebody's patience.
    assert System.monotonic_time(:millisecond) - started < 10_000
    if kind == :error, do: assert(rows(state, "SELECT 1") == [[1]])
  end

  test "interrupt ends what another process waits for", %{state: state} do
    task = Task.async(fn -> EctoLibSql.handle_execute(endless(), [], [timeout: :infinity], state) end)
    assert interrupt_until_done(state, task) == :interrupted
    assert rows(state, "SELECT 1") == [[1]]
  end

  defp interrupt_until_done(state, task) do
    :ok = EctoLibSql.interrupt_connection(state)

    case Task.yield(task, 10) do
      {:ok, {:error, error, _state}} -> error.code
      nil -> interrupt_until_done(state, task)
    end
  end

  test "several processes may share one connection", %{state: state} do
    1..8
    |> Task.async_stream(fn n -> for i <- 1..20, do: run(state, "INSERT INTO t(name) VALUES (?)", ["#{n}-#{i}"]) end)
    |> Stream.run()

    assert rows(state, "SELECT count(*) FROM t") == [[160]]
  end
end
