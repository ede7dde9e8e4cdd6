defmodule EctoLibSql.NoReplicaTest do
  use EctoLibSql.Case, async: true

  test "what belongs to replicas says so in other modes" do
    state = connect()
    conn = state.conn_id
    assert Native.sync(state) == {:ok, "success sync"}
    assert Native.get_frame_number_for_replica(state) == {:ok, 0}
    assert Native.get_max_write_frame(conn) == {:ok, 0}
    assert {:error, "sync_until failed: " <> _} = Native.sync_until_frame(state, 5)
    assert {:error, %Error{code: :unsupported}} = EctoLibSql.sync(state)
    assert {:error, %Error{code: :unsupported}} = EctoLibSql.freeze(state)
    assert Native.freeze_replica(state) == {:error, :unsupported}
    assert Native.freeze_database(conn) == :unsupported
    assert Native.freeze_database("made up") == {:error, "Connection not found"}
  end
end
