defmodule EctoLibSql.ReplicaTest do
  use EctoLibSql.Case, async: true

  # Two replicas of one database.
  defp two do
    options = Support.options()
    {:ok, one} = EctoLibSql.connect(options)
    {:ok, two} = EctoLibSql.connect(Keyword.put(options, :database, Support.path()))
    {one, two}
  end

  test "what one replica writes, it reads at once, and another after a sync" do
    {one, two} = two()
    assert one.mode == :remote_replica and one.sync == :enable_sync
    run(one, "CREATE TABLE t (a)")
    run(one, "INSERT INTO t VALUES (1), (2)")
    assert rows(one, "SELECT a FROM t") == [[1], [2]]
    frame = Native.max_write_replication_index(one.conn_id)
    assert frame > 0
    assert {:ok, %{frame_no: synced, frames_synced: count}} = EctoLibSql.sync(two)
    assert synced >= frame and count > 0
    assert rows(two, "SELECT a FROM t") == [[1], [2]]
    assert Native.get_frame_number(two.conn_id) == synced
    assert EctoLibSql.flush_replicator(two) == {:ok, synced}
    assert Native.sync(two) == {:ok, "success sync"}
  end

  test "a sync can be until a frame, and a frame that the primary lacks is an error" do
    {one, two} = two()
    run(one, "CREATE TABLE t (a)")
    frame = Native.max_write_replication_index(one.conn_id)
    assert Native.sync_until_frame(two, frame) == :ok
    assert {:ok, %{frame_no: ^frame}} = EctoLibSql.sync_until(two, frame)
    assert {:error, "sync_until failed: " <> _} = Native.sync_until_frame(two, frame + 1_000)
  end

  test "the mode of a state stays after a rollback, so it still syncs" do
    {one, two} = two()
    run(one, "CREATE TABLE t (a)")
    {:ok, :begin, inside} = EctoLibSql.handle_begin([], two)
    {:ok, _, after_rollback} = EctoLibSql.handle_rollback([], inside)
    assert Native.sync(after_rollback) == {:ok, "success sync"}
    assert rows(after_rollback, "SELECT count(*) FROM t") == [[0]]
  end

  test "a frozen replica is an ordinary database" do
    {one, _two} = two()
    run(one, "CREATE TABLE t AS SELECT 7 AS a")
    assert {:ok, _} = EctoLibSql.sync(one)
    assert {:ok, frozen} = EctoLibSql.freeze(one)
    assert frozen.mode == :local
    assert rows(frozen, "SELECT a FROM t") == [[7]]
    assert run(frozen, "INSERT INTO t VALUES (8)").num_rows == 1
    assert {:error, %Error{code: code}} = EctoLibSql.sync(frozen)
    assert code in [:unsupported, :misuse]
  end

  test "an encrypted replica opens with its key alone" do
    options = Support.options() ++ [encryption_key: "secret"]
    {:ok, state} = EctoLibSql.connect(options)
    run(state, "CREATE TABLE t AS SELECT 'needle' AS a")
    assert {:ok, _} = EctoLibSql.sync(state)
    EctoLibSql.disconnect([], state)
    refute File.read!(options[:database]) =~ "needle"
    assert {:error, _} = EctoLibSql.connect(Keyword.put(options, :encryption_key, "wrong"))
    {:ok, state} = EctoLibSql.connect(options)
    assert rows(state, "SELECT a FROM t") == [["needle"]]
  end

  test "options that mean nothing for a replica are named" do
    assert_raise ArgumentError, "option :journal_mode means nothing for a replica", fn ->
      connect(journal_mode: :wal)
    end
  end
end
