defmodule EctoLibSql.LocalTest do
  use EctoLibSql.Case, async: true
  alias EctoLibSql.{Hooks, Pragma, UUID, Vector, Wal}

  test "folders are created, a closed file can be removed, and its descriptors are gone" do
    path = Path.join([Path.dirname(Support.path()), "deep#{System.unique_integer([:positive])}", "er", "app.db"])
    {:ok, state} = EctoLibSql.connect(database: path)
    run(state, "CREATE TABLE t (a)")
    assert Enum.any?(open_files(), &String.starts_with?(&1, path))
    assert EctoLibSql.disconnect([], state) == :ok
    assert File.exists?(path)
    refute Enum.any?(open_files(), &String.starts_with?(&1, path))
  end

  defp open_files do
    for number <- File.ls!("/proc/self/fd"), {:ok, target} <- [File.read_link("/proc/self/fd/#{number}")], do: target
  end

  test "in-memory databases are of one connection each" do
    {:ok, one} = EctoLibSql.connect(database: ":memory:")
    {:ok, two} = EctoLibSql.connect(database: :memory)
    run(one, "CREATE TABLE t (a)")
    assert failure(two, "SELECT * FROM t").message == "SQLite failure: `no such table: t`"
  end

  test "a connection that nobody holds any more closes itself" do
    path = Support.path()

    Task.async(fn ->
      {:ok, state} = EctoLibSql.connect(database: path)
      run(state, "CREATE TABLE t (a)")
      :done
    end)
    |> Task.await()

    assert eventually(fn -> not Enum.any?(open_files(), &String.starts_with?(&1, path)) end)
  end

  test "what cannot be opened is told" do
    assert {:error, "Failed to connect: " <> _} =
             EctoLibSql.connect(database: "/dev/null/app.db", open_flags: [:readonly])

    assert EctoLibSql.connect([]) == {:error, "Unknown mode"}
    assert Native.connect([database: "x"], :something) == {:error, "Invalid mode atom"}
    assert_raise ArgumentError, fn -> EctoLibSql.connect(database: 5) end
    assert_raise ArgumentError, fn -> EctoLibSql.connect(database: ":memory:", busy_timeout: -1) end

    assert_raise ArgumentError, ~r/option :journal_mode cannot be :paper; allowed: :delete/, fn ->
      EctoLibSql.connect(database: ":memory:", journal_mode: :paper)
    end

    assert_raise ArgumentError, ~r/option :open_flags cannot be/, fn ->
      EctoLibSql.connect(database: ":memory:", open_flags: [:fast])
    end
  end

  test "options set what they name" do
    {:ok, state} =
      EctoLibSql.connect(
        database: Support.path(),
        journal_mode: :delete,
        synchronous: :full,
        foreign_keys: false,
        cache_size: -4000,
        busy_timeout: 123,
        custom_pragmas: [user_version: 7]
      )

    assert {:ok, %Result{command: :pragma, rows: [["delete"]]}} = Pragma.journal_mode(state)
    assert {:ok, %Result{rows: [[2]]}} = Pragma.synchronous(state)
    assert {:ok, %Result{rows: [[0]]}} = Pragma.foreign_keys(state)
    assert {:ok, %Result{rows: [[-4000]]}} = Pragma.cache_size(state)
    assert {:ok, %Result{rows: [[123]]}} = Pragma.busy_timeout(state)
    assert {:ok, %Result{rows: [[7]]}} = Pragma.user_version(state)
  end

  test "a read-only connection refuses writes" do
    path = Support.path()
    {:ok, state} = EctoLibSql.connect(database: path)
    run(state, "CREATE TABLE t (a)")
    {:ok, reader} = EctoLibSql.connect(database: path, open_flags: [:readonly])
    assert failure(reader, "INSERT INTO t VALUES (1)").code == :read_only
  end

  test "an encrypted file opens with its key alone" do
    path = Support.path()
    {:ok, state} = EctoLibSql.connect(database: path, encryption_key: "secret")
    run(state, "CREATE TABLE t AS SELECT 'needle' AS a")
    EctoLibSql.disconnect([], state)
    refute File.read!(path) =~ "needle"
    assert {:error, "Failed to connect: " <> _} = EctoLibSql.connect(database: path, encryption_key: "wrong")
    assert {:error, _} = EctoLibSql.connect(database: path)
    {:ok, state} = EctoLibSql.connect(database: path, encryption: [cipher: :aes256cbc, key: "secret"])
    assert rows(state, "SELECT a FROM t") == [["needle"]]
    assert EctoLibSql.rekey(state, "other") == :ok
    EctoLibSql.disconnect([], state)
    assert {:ok, _} = EctoLibSql.connect(database: path, encryption_key: "other")
  end

  test "PRAGMAs have functions" do
    state = connect()
    run(state, "CREATE TABLE t (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES t(id))")
    run(state, "CREATE INDEX ix ON t(parent)")
    assert Pragma.enable_foreign_keys(state) == :ok
    assert {:ok, %Result{rows: [[1]]}} = Pragma.foreign_keys(state)
    assert {:ok, %Result{rows: [["wal"]]}} = Pragma.set_journal_mode(state, :wal)
    assert {:ok, _} = Pragma.set_synchronous(state, :normal)
    assert {:ok, _} = Pragma.set_user_version(state, 3)
    assert {:ok, %Result{rows: [[0, "id", "INTEGER", 0, nil, 1], _]}} = Pragma.table_info(state, :t)
    assert Pragma.table_info(state, "t; DROP TABLE t") == {:error, {:invalid_identifier, "t; DROP TABLE t"}}
    assert {:ok, %Result{rows: [[0, "ix" | _]]}} = Pragma.index_list(state, "t")
    assert {:ok, %Result{rows: [[0, 1, "parent"]]}} = Pragma.index_info(state, "ix")
    assert {:ok, %Result{num_rows: 1}} = Pragma.foreign_key_list(state, "t")
    assert Pragma.set_cache_size(state, megabytes: 2) == :ok
    assert {:ok, %Result{rows: [[-2048]]}} = Pragma.cache_size(state)
    assert {:ok, %Result{rows: [["ok"]]}} = Pragma.integrity_check(state)
    assert {:ok, %Result{rows: [["ok"]]}} = Pragma.quick_check(state)
    assert {:ok, %Result{rows: []}} = Pragma.foreign_key_check(state)
    assert {:ok, %Result{rows: [[0, _, _]]}} = Pragma.wal_checkpoint(state, :truncate)
    assert Pragma.optimize(state) == :ok
    assert Pragma.set_temp_store(state, :memory) == :ok
    assert {:ok, %Result{rows: [[2]]}} = Pragma.temp_store(state)
    assert {:ok, %Result{rows: []}} = Pragma.query(state, "PRAGMA no_such_pragma_here") |> pragma_or_empty()
    assert_raise FunctionClauseError, fn -> Pragma.set_journal_mode(state, :paper) end
  end

  # SQLite passes over PRAGMAs that it does not know.
  defp pragma_or_empty(answer), do: answer

  test "changes are told to a process, and to none that has ended" do
    state = connect()
    run(state, "CREATE TABLE t (id INTEGER PRIMARY KEY, name)")
    assert EctoLibSql.set_update_hook(state, self()) == :ok
    run(state, "INSERT INTO t VALUES (5, 'a')")
    assert_receive {:ecto_libsql_update, :insert, "main", "t", 5}
    assert Hooks.set_update_hook(state, nil) == :ok
    run(state, "UPDATE t SET name = 'b'")
    refute_received {:ecto_libsql_update, _, _, _, _}

    assert Hooks.set_commit_hook(state, self()) == :ok
    run(state, "DELETE FROM t")
    assert_receive :ecto_libsql_commit

    assert Hooks.set_change_feed(state, self()) == :ok
    {:ok, :begin, inside} = EctoLibSql.handle_begin([], state)
    run(inside, "INSERT INTO t VALUES (1, 'x')")
    run(inside, "UPDATE t SET name = 'y'")
    {:ok, _, state} = EctoLibSql.handle_commit([], inside)
    assert_receive {:ecto_libsql_changes, 1, [{:insert, "t", nil, [1, "x"]}, {:update, "t", [1, "x"], [1, "y"]}], false}

    dead = spawn(fn -> :ok end)
    reference = Process.monitor(dead)
    assert_receive {:DOWN, ^reference, :process, _, _}
    assert Hooks.set_update_hook(state, dead) == :ok
    assert run(state, "INSERT INTO t VALUES (9, 'z')").num_rows == 1
  end

  test "rules decide what statements may do" do
    state = connect()
    run(state, "CREATE TABLE users (name, password)")
    run(state, "INSERT INTO users VALUES ('ann', 'secret')")

    assert EctoLibSql.set_authorizer(state, [
             {:ignore, :read, "users", "password"},
             {:deny, :drop_table},
             {:deny, :any, "users", "none"}
           ]) == :ok

    assert rows(state, "SELECT name, password FROM users") == [["ann", nil]]
    assert failure(state, "DROP TABLE users").code == :auth
    assert Hooks.set_authorizer(state, nil) == :ok
    assert rows(state, "SELECT password FROM users") == [["secret"]]
    assert_raise ArgumentError, fn -> Hooks.set_authorizer(state, [{:forbid, :read}]) end
  end

  test "the log can be read frame by frame and copied to another database" do
    state = connect()
    run(state, "CREATE TABLE t (a)")
    run(state, "INSERT INTO t VALUES (1)")
    {:ok, count} = Wal.wal_frame_count(state)
    assert count >= 2
    {:ok, pages} = Wal.wal_changed_pages_after(state, 0)
    assert Enum.sort(pages) == [1, 2]
    frames = for number <- 1..count, {:ok, frame} <- [Wal.wal_get_frame(state, number)], do: frame
    assert length(frames) == count

    copy = connect()
    assert Wal.wal_insert_begin(copy) == :ok
    for {frame, number} <- Enum.with_index(frames, 1), do: assert(Wal.wal_insert_frame(copy, number, frame) == :ok)
    assert Wal.wal_insert_end(copy) == :ok
    assert rows(copy, "SELECT a FROM t") == [[1]]
    assert {:error, %Error{code: :misuse}} = Wal.wal_insert_end(copy)
    assert {:error, %Error{code: :out_of_range}} = Wal.wal_get_frame(state, count + 1)
    assert {:ok, {_, _}} = Wal.checkpoint(state, :truncate)
    assert EctoLibSql.cacheflush(state) == :ok
  end

  test "a backup is a database of its own" do
    state = connect()
    run(state, "CREATE TABLE t AS SELECT 42 AS a")
    path = Support.path("backup")
    assert EctoLibSql.backup(state, path) == :ok
    {:ok, copy} = EctoLibSql.connect(database: path)
    assert rows(copy, "SELECT a FROM t") == [[42]]
    assert {:error, %Error{}} = EctoLibSql.backup(state, "/nowhere/backup.db")
  end

  test "pages reserve bytes" do
    state = connect()
    assert EctoLibSql.set_reserved_bytes(state, 12) == :ok
    assert EctoLibSql.get_reserved_bytes(state) == {:ok, 12}
  end

  test "extensions that are not there, or not allowed, are errors" do
    state = connect(extension_directories: ["/usr/lib"])
    assert {:error, "Failed to load extension: " <> _} = EctoLibSql.load_extension(state, "/tmp/nowhere.so")
    assert Native.enable_extensions(state, true) == :ok
  end

  test "UUIDs are made here and in SQL" do
    state = connect()
    assert {:ok, <<_::128>>} = UUID.bin(UUID.uuid4())
    assert_in_delta UUID.timestamp_ms(UUID.uuid7()), System.system_time(:millisecond), 60_000
    run(state, "CREATE TABLE t (id TEXT DEFAULT (#{UUID.generate_v7()}), other TEXT DEFAULT (#{UUID.generate()}))")
    [[id, other]] = rows(state, "INSERT INTO t DEFAULT VALUES RETURNING id, other")
    assert is_integer(UUID.timestamp_ms(id)) and UUID.timestamp_ms(other) == nil
    {:ok, bytes} = UUID.bin(id)
    assert rows(state, "SELECT #{UUID.to_string("?")}, #{UUID.to_blob("?")}", [{:blob, bytes}, id]) == [[id, bytes]]
  end

  test "vectors are stored and the nearest found" do
    state = connect()
    run(state, "CREATE TABLE v (id INTEGER PRIMARY KEY, e #{Vector.vector_type(2)})")

    for {id, vector} <- [{1, [1, 0]}, {2, [0, 1]}, {3, [0.9, 0.1]}],
        do: run(state, "INSERT INTO v VALUES (?, vector32(?))", [id, Vector.vector(vector)])

    assert {:ok, [{1, first}, {3, _}]} = Vector.nearest_neighbors(state, "v", "e", [1, 0], 2)
    assert first == 0.0
    assert [[1], [3], [2]] = rows(state, "SELECT id FROM v ORDER BY #{Vector.l2_distance("e", [1, 0])}")
    assert_raise ArgumentError, "type must be :f32 or :f64", fn -> Native.vector_type(3, :f8) end
    assert Native.vector_distance_cos("e", [1, 2]) == "vector_distance_cos(e, '[1,2]')"
    # A vector's text cannot leave its string, a column cannot be more than a name.
    assert Vector.distance_cos("e", "'); DROP TABLE v") == "vector_distance_cos(e, '''); DROP TABLE v')"
    assert_raise ArgumentError, fn -> Vector.distance_cos("e), (SELECT 1", [1]) end
  end

  test "the writers of a VM stand in line" do
    path = Support.path()
    states = for _ <- 1..4, do: elem(EctoLibSql.connect(database: path, mvcc: true), 1)
    run(hd(states), "CREATE TABLE t (a)")

    states
    |> Task.async_stream(fn state -> for i <- 1..25, do: run(state, "INSERT INTO t VALUES (?)", [i]) end,
      timeout: 30_000
    )
    |> Stream.run()

    assert rows(hd(states), "SELECT count(*) FROM t") == [[100]]
  end

  test "statements can be logged with their time" do
    state = connect(log_timing: :warning)
    log = ExUnit.CaptureLog.capture_log(fn -> rows(state, "SELECT 1") end)
    assert log =~ ~r/QUERY OK db=\d+\.\dms rows=1 SELECT 1/
  end

  test "a lock that another connection holds is waited for, and then it is busy" do
    path = Support.path()
    {:ok, one} = EctoLibSql.connect(database: path)
    {:ok, two} = EctoLibSql.connect(database: path, busy_timeout: 10)
    run(one, "CREATE TABLE t (a)")
    {:ok, :begin, one} = EctoLibSql.handle_begin([mode: :immediate], one)
    assert %Error{code: :busy, retryable: true} = failure(two, "INSERT INTO t VALUES (1)")
    {:ok, _, _} = EctoLibSql.handle_commit([], one)
    assert run(two, "INSERT INTO t VALUES (1)").num_rows == 1
  end

  defp eventually(check, left \\ 500) do
    cond do
      check.() -> true
      left == 0 -> false
      true -> receive(do: (:never -> :ok), after: (10 -> eventually(check, left - 1)))
    end
  end
end
