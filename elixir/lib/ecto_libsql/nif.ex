defmodule EctoLibSql.Nif do
  @moduledoc false
  # The native functions. None of them waits: `call/5` queues an operation for the thread of its connection, and the
  # answer comes as a message.

  @on_load :load

  def load do
    path =
      System.get_env("ECTO_LIBSQL_NIF") ||
        Path.join(to_string(:code.priv_dir(:ecto_libsql)), "ecto_libsql_nif")

    path |> Path.rootname(".so") |> String.to_charlist() |> :erlang.load_nif(0)
  end

  @doc "A connection that is not open yet."
  def new, do: :erlang.nif_error(:not_loaded)

  @doc "Queues an operation. Returns a ticket, `:gone` or `:overloaded`; the answer comes as `{reference, answer}`."
  def call(_handle, _reference, _operation, _arguments, _timeout), do: :erlang.nif_error(:not_loaded)

  @doc "Ends a call soon. Its answer still comes."
  def cancel(_ticket), do: :erlang.nif_error(:not_loaded)

  @doc "Gives up a call. `true`: no answer will come; `false`: it is on its way."
  def abandon(_ticket), do: :erlang.nif_error(:not_loaded)

  @doc "Closes a connection. If it was open, `{reference, :closed}` comes once its files are closed."
  def close(_connection, _reference), do: :erlang.nif_error(:not_loaded)

  @doc "Ends the call that a connection runs now."
  def interrupt(_connection), do: :erlang.nif_error(:not_loaded)

  @doc "Whether that transaction, or any one of that connection, is open, as the last answer said. Asks nobody."
  def in_transaction(_handle), do: :erlang.nif_error(:not_loaded)

  @doc "Whether that connection is open or opening."
  def exists(_connection), do: :erlang.nif_error(:not_loaded)

  @doc "What a handle is of: `{kind, connection number}`, or nil."
  def owner(_handle), do: :erlang.nif_error(:not_loaded)

  @doc "How many connections, and threads of them, this VM has."
  def counts, do: :erlang.nif_error(:not_loaded)
end
