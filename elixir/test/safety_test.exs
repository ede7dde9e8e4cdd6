defmodule EctoLibSql.SafetyTest do
  # What must not happen to the VM: no crash, no leak, no blocked scheduler, whatever races.
  use EctoLibSql.Case, async: false
  alias EctoLibSql.{Call, Nif}

  setup do
    path = Support.path()
    {:ok, state} = EctoLibSql.connect(database: path)
    run(state, "CREATE TABLE t (id INTEGER PRIMARY KEY, name)")
    run(state, "INSERT INTO t(name) VALUES ('a'), ('b'), ('c')")
    on_exit(fn -> EctoLibSql.disconnect([], state) end)
    {:ok, state: state, path: path}
  end

  test "timeouts, kills, interrupts and closes race with open cursors for 1000 rounds", %{path: path} do
    # Those of earlier tests may still be closing.
    before = Nif.counts()

    schedule = fn worker ->
      :rand.seed(:exsss, {worker, 2, 3})

      for _ <- 1..125 do
        {:ok, state} = EctoLibSql.connect(database: path, busy_timeout: 5)
        cursor = Native.declare_cursor(state.conn_id, "SELECT a.id FROM t a, t b, t c", [])
        assert {_, [[_]], 1} = Native.fetch_cursor(state.conn_id, cursor, 1)
        query = fn -> EctoLibSql.handle_execute(endless(), [], [timeout: 1 + :rand.uniform(5)], state) end

        case :rand.uniform(4) do
          1 ->
            # On a machine that is busy the engine may not obey in time: then the connection is to be replaced.
            assert {kind, %Error{code: code}, _} = query.()
            assert {kind, code} in [error: :timeout, disconnect: :stuck]

          2 ->
            pid = spawn(query)
            Process.exit(pid, :kill)

          3 ->
            spawn(query)
            Native.interrupt(state)

          4 ->
            spawn(query)
            EctoLibSql.disconnect([], state)
        end

        if :rand.uniform(2) == 1, do: EctoLibSql.disconnect([], state)
      end
    end

    1..8 |> Task.async_stream(schedule, timeout: 60_000, max_concurrency: 8) |> Stream.run()
    # What nobody closed closes itself with its last holder.
    assert eventually(fn -> Nif.counts() <= before end)
  end

  test "a late cancel never ends another call: 2000 rounds", %{state: state} do
    for n <- 1..2_000 do
      reference = make_ref()
      ticket = Nif.call(state.conn_id, reference, :run, {"SELECT ?", [n], nil, nil}, :infinity)
      assert_receive {^reference, {:ok, _, [[^n]], _, _, _}}, 30_000
      canceller = spawn(fn -> for _ <- 1..3, do: Nif.cancel(ticket) end)
      assert rows(state, "SELECT ? + 1", [n]) == [[n + 1]]
      Nif.cancel(ticket)
      assert rows(state, "SELECT 7") == [[7]]
      _ = canceller
    end
  end

  test "a statement ends within 20 ms of its timeout, at least half the time on a machine that is busy", %{path: path} do
    late =
      for _ <- 1..15 do
        {:ok, state} = EctoLibSql.connect(database: path)
        started = System.monotonic_time(:microsecond)
        {kind, %Error{code: code}, _} = EctoLibSql.handle_execute(endless(), [], [timeout: 30], state)
        time = System.monotonic_time(:microsecond) - started - 30_000
        # Either the connection is usable, or it says that it has to be replaced.
        assert {kind, code} in [error: :timeout, disconnect: :stuck]
        if kind == :error, do: assert(rows(state, "SELECT 1") == [[1]])
        EctoLibSql.disconnect([], state)
        time
      end

    assert Enum.min(late) >= 0
    assert late |> Enum.sort() |> Enum.at(7) < 20_000
  end

  test "waiting for a lock ends with the timeout too, and occupies no scheduler", %{state: state, path: path} do
    {:ok, holder} = EctoLibSql.connect(database: path)
    {:ok, :begin, holder} = EctoLibSql.handle_begin([mode: :immediate], holder)

    waiters =
      for _ <- 1..64 do
        Task.async(fn ->
          {:ok, waiter} = EctoLibSql.connect(database: path, busy_timeout: 60_000)
          EctoLibSql.handle_execute("INSERT INTO t(name) VALUES ('w')", [], [timeout: 60_000], waiter)
        end)
      end

    # All wait; the holder's statements are served meanwhile, and dirty schedulers have nothing to do with it.
    for n <- 1..50, do: assert(rows(holder, "SELECT ?", [n]) == [[n]])
    {:ok, _, _} = EctoLibSql.handle_commit([], holder)
    for task <- waiters, do: assert({:ok, _, %Result{num_rows: 1}, _} = Task.await(task, 60_000))
    assert rows(state, "SELECT count(*) FROM t WHERE name = 'w'") == [[64]]
    {:ok, :begin, holder} = EctoLibSql.handle_begin([mode: :immediate], %{holder | trx_id: nil})
    assert {_kind, %Error{code: code}, _} = EctoLibSql.handle_execute("DELETE FROM t", [], [timeout: 50], state)
    assert code in [:timeout, :stuck]
    {:ok, _, _} = EctoLibSql.handle_rollback([], holder)
    EctoLibSql.disconnect([], holder)
  end

  test "terms of any shape are refused, not followed", %{state: state} do
    conn = state.conn_id
    odd = [nil, :atom, 1.5, -1, "text", <<1::3>>, [], [1 | 2], %{}, {}, {1, 2}, self(), make_ref(), fn -> 1 end]

    for operation <- [
          :run,
          :begin,
          :commit,
          :prepare,
          :run_statement,
          :fetch_cursor,
          :declare_cursor,
          :drop,
          :batch,
          :open,
          :script,
          :execute_many,
          :busy_timeout,
          :load_extension,
          :wal_frame,
          :update_hook,
          :authorizer,
          :nothing
        ],
        one <- odd,
        arguments <- [one, {one}, {one, one}, {one, one, one}, {one, one, one, one}] do
      try do
        Call.run(conn, operation, arguments, 1_000)
      rescue
        ArgumentError -> :refused
      end
    end

    for one <- odd do
      for call <- [
            fn -> Nif.cancel(one) end,
            fn -> Nif.abandon(one) end,
            fn -> Nif.close(one, make_ref()) end,
            fn -> Nif.owner(one) end,
            fn -> Nif.interrupt(one) end,
            fn -> Nif.in_transaction(one) end,
            fn -> Nif.call(conn, one, :ping, {}, 5) end,
            fn -> Nif.call(one, make_ref(), :ping, {}, 5) end,
            fn -> Nif.call(conn, make_ref(), :run, {"SELECT 1", [], nil, nil}, one) end
          ] do
        try do
          call.()
        rescue
          ArgumentError -> :refused
        end
      end
    end

    assert eventually(fn ->
             match?({:ok, _, %Result{rows: [[1]]}, _}, EctoLibSql.handle_execute("SELECT 1", [], [], state))
           end)
  end

  test "memory stays where it is over many queries", %{state: state} do
    work = fn count ->
      for n <- 1..count do
        run(state, "SELECT ?, ?, id FROM t", [n, String.duplicate("x", 100)])
        {:ok, statement} = Native.prepare(state, "SELECT #{rem(n, 50)}")
        Native.query_stmt(state, statement, [])
      end

      :erlang.garbage_collect()
      resident()
    end

    work.(3_000)
    before = work.(3_000)
    assert work.(9_000) - before < 16_000
  end

  # Kilobytes.
  defp resident do
    [_, pages | _] = "/proc/self/statm" |> File.read!() |> String.split()
    String.to_integer(pages) * 4
  end

  test "calls in flight when their connection closes are answered", %{path: path} do
    for _ <- 1..50 do
      {:ok, state} = EctoLibSql.connect(database: path)

      tasks =
        for _ <- 1..4, do: Task.async(fn -> EctoLibSql.handle_execute(endless(), [], [timeout: :infinity], state) end)

      EctoLibSql.disconnect([], state)

      for task <- tasks,
          do: assert({kind, %Error{}, _} = Task.await(task, 30_000)) && assert(kind in [:error, :disconnect])
    end
  end

  test "handles survive a trip through messages and tables", %{path: path} do
    {:ok, state} = EctoLibSql.connect(database: path)
    table = :ets.new(:handles, [:public])
    :ets.insert(table, {:state, state})
    parent = self()
    spawn(fn -> send(parent, {:back, :ets.lookup_element(table, :state, 2)}) end)
    assert_receive {:back, returned}
    :erlang.garbage_collect()
    assert rows(returned, "SELECT 1") == [[1]]
    EctoLibSql.disconnect([], returned)
  end

  defp eventually(check, left \\ 1_500) do
    cond do
      check.() ->
        true

      left == 0 ->
        false

      true ->
        :erlang.garbage_collect()
        receive(do: (:never -> :ok), after: (10 -> eventually(check, left - 1)))
    end
  end
end
