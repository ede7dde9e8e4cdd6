defmodule EctoLibSql.Error do
  @moduledoc """
  A failure of a statement or of a connection.

    * `message` - for people; errors of SQLite read ``SQLite failure: `...` ``
    * `sqlite` - `%{code: atom, message: text}`, where `code` is the engine's extended result code, such as
      `:constraint_unique`; nil if the engine was not asked
    * `code` - the kind of failure: `:busy`, `:constraint`, `:timeout`, `:interrupted`, `:read_only`, `:sql_error`, ...
    * `extended_code` - the engine's extended result code as a number, or nil
    * `statement` - the SQL text, never the values of its parameters
    * `offset` - the byte offset of the fault in it, if it is known
    * `constraint`, `table`, `columns`, `index` - of a constraint: its kind (`:unique`, `:foreign_key`, `:check`,
      `:not_null`, `:primary_key`, ...), and what the engine names
    * `retryable` - whether the same call may succeed later without any change
    * `disconnect` - whether the connection can be used no more
  """
  defexception [
    :message,
    :sqlite,
    :code,
    :extended_code,
    :statement,
    :offset,
    :constraint,
    :table,
    :index,
    columns: [],
    retryable: false,
    disconnect: false
  ]

  @type t :: %__MODULE__{}

  @primary %{
    1 => :error,
    2 => :internal,
    3 => :perm,
    4 => :abort,
    5 => :busy,
    6 => :locked,
    7 => :nomem,
    8 => :readonly,
    9 => :interrupt,
    10 => :ioerr,
    11 => :corrupt,
    12 => :notfound,
    13 => :full,
    14 => :cantopen,
    15 => :protocol,
    16 => :empty,
    17 => :schema,
    18 => :toobig,
    19 => :constraint,
    20 => :mismatch,
    21 => :misuse,
    22 => :nolfs,
    23 => :auth,
    24 => :format,
    25 => :range,
    26 => :notadb
  }

  # https://www.sqlite.org/rescode.html; what is missing here has the name of its primary code.
  @extended %{
    {19, 1} => :constraint_check,
    {19, 2} => :constraint_commithook,
    {19, 3} => :constraint_foreignkey,
    {19, 4} => :constraint_function,
    {19, 5} => :constraint_notnull,
    {19, 6} => :constraint_primarykey,
    {19, 7} => :constraint_trigger,
    {19, 8} => :constraint_unique,
    {19, 9} => :constraint_vtab,
    {19, 10} => :constraint_rowid,
    {19, 11} => :constraint_pinned,
    {19, 12} => :constraint_datatype,
    {5, 1} => :busy_recovery,
    {5, 2} => :busy_snapshot,
    {5, 3} => :busy_timeout,
    {6, 1} => :locked_sharedcache,
    {8, 1} => :readonly_recovery,
    {8, 4} => :readonly_dbmoved
  }

  @doc "The name of an extended result code of SQLite."
  @spec code_name(integer) :: atom
  def code_name(code) do
    primary = Bitwise.band(code, 0xFF)
    Map.get(@extended, {primary, Bitwise.bsr(code, 8)}) || Map.get(@primary, primary, :error)
  end

  @doc "Whether a constraint refused the change."
  def constraint_violation?(%__MODULE__{code: :constraint}), do: true
  def constraint_violation?(%__MODULE__{message: message}), do: message != nil and message =~ "constraint failed"

  @doc """
  What the constraint is on: the column that a message `constraint failed: table.column` names, else nil.
  """
  def constraint_name(%__MODULE__{message: message}) when is_binary(message) do
    case Regex.run(~r/constraint failed: [^.\s`]+\.([^\s,`]+)/, message) do
      [_all, column] -> column
      nil -> nil
    end
  end

  def constraint_name(%__MODULE__{}), do: nil

  @impl true
  def message(%__MODULE__{message: message, statement: nil}), do: message
  def message(%__MODULE__{message: message, statement: sql}), do: "#{message}\nSQL: #{sql}"

  # A server tells the primary code and, in its words, the kind.
  @kinds %{
    check: :constraint_check,
    commit_hook: :constraint_commithook,
    foreign_key: :constraint_foreignkey,
    function: :constraint_function,
    not_null: :constraint_notnull,
    primary_key: :constraint_primarykey,
    trigger: :constraint_trigger,
    unique: :constraint_unique,
    virtual_table: :constraint_vtab,
    rowid: :constraint_rowid,
    data_type: :constraint_datatype
  }

  defp name_of(%{sqlite_code: 19, constraint: kind}), do: Map.get(@kinds, kind, :constraint)
  defp name_of(%{sqlite_code: code}), do: code_name(code)

  @doc false
  # The exception for what the native part answered. `prefix` stands before its text.
  def from_reason(reason, statement \\ nil, prefix \\ "")

  def from_reason(%{code: code} = reason, statement, prefix) do
    number = reason.sqlite_code
    text = prefix <> text(reason)

    %__MODULE__{
      message: text,
      sqlite: if(number != 0, do: %{code: name_of(reason), message: text}),
      code: code,
      extended_code: if(number != 0, do: number),
      statement: Map.get(reason, :sql) || statement,
      offset: Map.get(reason, :offset),
      constraint: Map.get(reason, :constraint),
      table: Map.get(reason, :table),
      columns: Map.get(reason, :columns, []),
      index: Map.get(reason, :name),
      retryable: reason.retryable,
      disconnect: not reason.session_usable
    }
  end

  def from_reason(reason, statement, prefix) do
    %__MODULE__{
      message: prefix <> text(reason),
      code: if(is_atom(reason), do: reason, else: :misuse),
      statement: statement,
      disconnect: reason == :stuck
    }
  end

  @doc false
  # The text that the functions of `EctoLibSql.Native` answer with.
  def text(%{message: message, origin: :engine}), do: "SQLite failure: `#{message}`"
  def text(%{message: message, origin: origin}) when origin in [:server, :network], do: "Hrana: `#{message}`"
  def text(%{message: message}), do: message
  def text({:not_found, what}), do: "#{what} not found"
  def text({:foreign, "Transaction"}), do: "Transaction does not belong to this connection"
  def text({:foreign, what}), do: "#{what} does not belong to connection"
  def text({:argument, message}), do: message

  def text({:unsupported_argument, {name, _value}}) when is_atom(name) and name != :blob,
    do: "Unsupported atom tuple: #{name}"

  def text({:unsupported_argument, term}), do: "Unsupported argument type: #{inspect(term)}"
  def text(:gone), do: "Invalid connection ID"
  def text(:closed), do: "the connection was closed"
  def text(:cancelled), do: "the call was cancelled"
  def text(:timeout), do: "the call took longer than its timeout"
  def text(:stuck), do: "the call took longer than its timeout and did not end; its connection has to be closed"
  def text(:overloaded), do: "too many calls wait for this connection"
  def text(text) when is_binary(text), do: text
  def text(other), do: inspect(other)
end
