defmodule EctoLibSql.State do
  @moduledoc """
  What stands for a connection: its handle, that of its open transaction, and how it was opened.

  Handles are strings that mean nothing to their holders. A connection, statement, cursor or transaction whose handle
  no process holds any more is closed by itself.
  """
  @enforce_keys [:conn_id]
  defstruct [
    :conn_id,
    :trx_id,
    :mode,
    :sync,
    savepoints: 0,
    default_transaction_mode: :deferred,
    chunk_size: 500,
    log_timing: false
  ]

  @type t :: %__MODULE__{conn_id: String.t(), trx_id: String.t() | nil, mode: atom, sync: atom}

  @doc """
  The mode that the options of a connection ask for: `:local`, `:remote`, `:remote_replica` or `:unknown`.

      iex> EctoLibSql.State.detect_mode(database: "app.db")
      :local
      iex> EctoLibSql.State.detect_mode(uri: "libsql://app.turso.io", auth_token: "secret")
      :remote
      iex> EctoLibSql.State.detect_mode(uri: "libsql://app.turso.io", auth_token: "secret", database: "app.db", sync: true)
      :remote_replica
      iex> EctoLibSql.State.detect_mode([])
      :unknown

  A server that wants no token is asked for with `auth_token: ""`.

  """
  @spec detect_mode(keyword) :: :local | :remote | :remote_replica | :unknown
  def detect_mode(options) do
    given = fn key -> options[key] != nil end

    cond do
      given.(:uri) and given.(:auth_token) and given.(:database) and given.(:sync) -> :remote_replica
      given.(:uri) and given.(:auth_token) -> :remote
      given.(:database) -> :local
      true -> :unknown
    end
  end

  @doc """
  `:enable_sync` for `sync: true`, else `:disable_sync`.
  """
  @spec detect_sync(keyword) :: :enable_sync | :disable_sync
  def detect_sync(options), do: if(options[:sync] == true, do: :enable_sync, else: :disable_sync)
end
