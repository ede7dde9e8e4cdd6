defmodule EctoLibSql.Wal do
  @moduledoc """
  The write-ahead log of a local database, frame by frame. Frames are binaries: a header of 24 bytes, and a page.
  """
  alias EctoLibSql.{Call, Error, State}

  @doc "The number of the last committed frame."
  def wal_frame_count(%State{} = state), do: value(Call.run(state.conn_id, :wal_frame_count, {}))

  @doc "A committed frame, counted from 1."
  def wal_get_frame(%State{} = state, number) when is_integer(number) and number > 0,
    do: value(Call.run(state.conn_id, :wal_frame, {number}))

  @doc "The pages that the frames after `number` hold."
  def wal_changed_pages_after(%State{} = state, number) when is_integer(number) and number >= 0,
    do: value(Call.run(state.conn_id, :wal_changed_pages_after, {number}))

  @doc "Copies frames into the file: `:passive`, `:full`, `:restart` or `:truncate`. Returns `{frames, copied}`."
  def checkpoint(%State{} = state, mode \\ :passive) when mode in [:passive, :full, :restart, :truncate],
    do: value(Call.run(state.conn_id, :wal_checkpoint, {mode}))

  @doc "Begins to insert frames: takes the write lock."
  def wal_insert_begin(%State{} = state), do: done(Call.run(state.conn_id, :wal_insert_begin, {}))

  @doc "Inserts a frame at a position. Its header says which page it is, and whether it commits."
  def wal_insert_frame(%State{} = state, number, frame) when is_integer(number) and number > 0 and is_binary(frame),
    do: done(Call.run(state.conn_id, :wal_insert_frame, {number, frame}))

  @doc "Ends the insertion. Frames after the last commit are dropped."
  def wal_insert_end(%State{} = state), do: done(Call.run(state.conn_id, :wal_insert_end, {}))

  defp value({:ok, value, _in_transaction}), do: {:ok, value}
  defp value({:error, reason}), do: {:error, Error.from_reason(reason)}

  defp done({:ok, _value, _in_transaction}), do: :ok
  defp done({:error, reason}), do: {:error, Error.from_reason(reason)}
end
