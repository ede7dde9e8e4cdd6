defmodule EctoLibSql.TransactionsTest do
  use EctoLibSql.Case, async: true

  setup do
    state = connect()
    run(state, "CREATE TABLE t (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)")
    {:ok, state: state}
  end

  test "commit keeps, rollback undoes, and the mode of the state stays", %{state: state} do
    {:ok, :begin, inside} = EctoLibSql.handle_begin([], state)
    assert is_binary(inside.trx_id)
    run(inside, "INSERT INTO t(id) VALUES (1)")
    assert {:transaction, inside} = EctoLibSql.handle_status([], inside)
    {:ok, %Result{}, after_commit} = EctoLibSql.handle_commit([], inside)
    assert after_commit.trx_id == nil and after_commit.mode == state.mode
    assert {:idle, ^after_commit} = EctoLibSql.handle_status([], after_commit)

    {:ok, :begin, inside} = EctoLibSql.handle_begin([mode: :immediate], after_commit)
    run(inside, "INSERT INTO t(id) VALUES (2)")
    {:ok, %Result{}, after_rollback} = EctoLibSql.handle_rollback([], inside)
    assert after_rollback.mode == state.mode
    assert rows(after_rollback, "SELECT id FROM t") == [[1]]
  end

  test "handle_status makes no call", %{state: state} do
    {:ok, :begin, state} = EctoLibSql.handle_begin([], state)
    # A process cannot trace itself.
    client = spawn(fn -> serve(state) end)
    :erlang.trace_pattern({EctoLibSql.Nif, :call, 5}, true, [:local])
    :erlang.trace(client, true, [:call])
    assert ask(client, fn state -> EctoLibSql.handle_status([], state) end) == {:transaction, state}
    refute_received {:trace, _, :call, _}
    assert ask(client, fn state -> rows(state, "SELECT 1") end) == [[1]]
    assert_receive {:trace, ^client, :call, {EctoLibSql.Nif, :call, [_, _, :run, _, _]}}
    # One call is all that a query is.
    refute_received {:trace, _, :call, _}
    Process.exit(client, :kill)
  end

  defp ask(client, work) do
    send(client, {self(), work})
    assert_receive {^client, answer}, 10_000
    answer
  end

  defp serve(state) do
    receive do
      {from, work} ->
        send(from, {self(), work.(state)})
        serve(state)
    end
  end

  test "a transaction within a transaction is refused, a savepoint is not", %{state: state} do
    {:ok, :begin, state} = EctoLibSql.handle_begin([], state)
    {:error, %Error{message: message}, ^state} = EctoLibSql.handle_begin([], state)
    assert message == "Begin failed: SQLite failure: `cannot start a transaction within a transaction`"

    run(state, "INSERT INTO t(id) VALUES (1)")
    {:ok, :begin, state} = EctoLibSql.handle_begin([mode: :savepoint], state)
    run(state, "INSERT INTO t(id) VALUES (2)")
    {:ok, :begin, state} = EctoLibSql.handle_begin([mode: :savepoint], state)
    run(state, "INSERT INTO t(id) VALUES (3)")
    {:ok, _, state} = EctoLibSql.handle_rollback([], state)
    assert rows(state, "SELECT id FROM t") == [[1], [2]]
    {:ok, _, state} = EctoLibSql.handle_commit([], state)
    assert {:transaction, state} = EctoLibSql.handle_status([], state)
    {:ok, _, state} = EctoLibSql.handle_commit([], state)
    assert rows(state, "SELECT id FROM t") == [[1], [2]]
  end

  test "a read-only transaction refuses writes", %{state: state} do
    {:ok, :begin, state} = EctoLibSql.handle_begin([mode: :read_only], state)
    assert rows(state, "SELECT count(*) FROM t") == [[0]]
    assert failure(state, "INSERT INTO t(id) VALUES (1)").code == :read_only
    {:ok, _, _} = EctoLibSql.handle_rollback([], state)
  end

  test "an unknown mode is named", %{state: state} do
    assert_raise ArgumentError, ~r/option :mode cannot be :sometimes/, fn ->
      EctoLibSql.handle_begin([mode: :sometimes], state)
    end
  end

  test "an error inside a transaction leaves it open", %{state: state} do
    {:ok, :begin, state} = EctoLibSql.handle_begin([], state)
    run(state, "INSERT INTO t(id) VALUES (1)")
    failure(state, "INSERT INTO t(id) VALUES (1)")
    assert {:transaction, state} = EctoLibSql.handle_status([], state)
    {:ok, _, state} = EctoLibSql.handle_commit([], state)
    assert rows(state, "SELECT id FROM t") == [[1]]
  end

  test "without a transaction, commit and rollback are errors", %{state: state} do
    assert {:error, %RuntimeError{message: "no active transaction"}, ^state} = EctoLibSql.handle_commit([], state)
    assert {:error, %RuntimeError{message: "no active transaction"}, ^state} = EctoLibSql.handle_rollback([], state)
    assert_raise ArgumentError, fn -> Native.commit(state) end
  end

  test "savepoints by name work in a transaction only", %{state: state} do
    assert Native.create_savepoint(state, "s") ==
             {:error, "No active transaction - cannot create savepoint outside transaction"}

    {:ok, state} = Native.begin(state, behavior: :immediate)
    assert Native.create_savepoint(state, "s") == :ok
    run(state, "INSERT INTO t(id) VALUES (1)")
    assert Native.rollback_to_savepoint_by_name(state, "s") == :ok
    assert Native.release_savepoint_by_name(state, "s") == :ok
    assert {:error, "Release savepoint failed: " <> _} = Native.release_savepoint_by_name(state, "s")

    assert Native.create_savepoint(state, "a; DROP TABLE t") ==
             {:error, "Invalid savepoint name: must be a valid SQL identifier"}

    assert Native.commit(state) == {:ok, "commit success"}
    assert rows(%{state | trx_id: nil}, "SELECT id FROM t") == []
  end

  test "a transaction belongs to its connection", %{state: state} do
    other = connect()
    {:ok, inside} = Native.begin(state)

    assert Native.execute_with_transaction(inside.trx_id, other.conn_id, "SELECT 1", []) ==
             {:error, "Transaction does not belong to this connection"}

    assert Native.query_with_trx_args("made up", state.conn_id, "SELECT 1", []) == {:error, "Transaction not found"}
    assert Native.handle_status_transaction(inside.trx_id) == :ok
    assert Native.rollback(inside) == {:ok, "rollback success"}
    assert Native.handle_status_transaction(inside.trx_id) == {:error, "Transaction not found"}
    assert {:idle, _} = EctoLibSql.handle_status([], inside)

    assert Native.execute_with_transaction(inside.trx_id, state.conn_id, "SELECT 1", []) ==
             {:error, "Transaction not found"}
  end

  test "a commit that cannot succeed yet leaves the transaction open", %{state: state} do
    run(state, "PRAGMA foreign_keys = ON")
    {:ok, :begin, state} = EctoLibSql.handle_begin([], state)
    run(state, "INSERT INTO t(id, parent) VALUES (1, 7)")
    assert {:error, %Error{constraint: :foreign_key}, state} = EctoLibSql.handle_commit([], state)
    assert {:transaction, state} = EctoLibSql.handle_status([], state)
    run(state, "INSERT INTO t(id) VALUES (7)")
    assert {:ok, _, _} = EctoLibSql.handle_commit([], state)
  end

  test "a transaction whose handle is gone is rolled back", %{state: state} do
    # In a process of its own, which ends with all it holds.
    Task.async(fn ->
      {:ok, inside} = Native.begin(state, behavior: :immediate)
      run(inside, "INSERT INTO t(id) VALUES (1)")
      :done
    end)
    |> Task.await()

    assert eventually(fn -> Native.get_is_autocommit(state) == true end)
    assert rows(state, "SELECT id FROM t") == []
  end

  defp eventually(check, left \\ 500) do
    cond do
      check.() -> true
      left == 0 -> false
      true -> receive(do: (:never -> :ok), after: (10 -> eventually(check, left - 1)))
    end
  end
end
