defmodule EctoLibSql.Support do
  @moduledoc false
  # What tests need of their surroundings: a folder, and in the suite `remote` a server of many databases.

  def start(suite) do
    folder = Path.join(System.tmp_dir!(), "ecto_libsql-#{System.pid()}-#{System.unique_integer([:positive])}")
    File.mkdir_p!(folder)
    :persistent_term.put(__MODULE__, %{folder: folder, suite: suite, server: nil})
    if suite in ["remote", "replica"], do: start_server()
  end

  def stop do
    %{folder: folder, server: server} = :persistent_term.get(__MODULE__)
    # The shell around the server ends it when its input ends.
    if server, do: Port.close(server.port)
    File.rm_rf!(folder)
  end

  def suite, do: :persistent_term.get(__MODULE__).suite

  @doc "The path of a file that does not exist yet."
  def path(name \\ "test"),
    do: Path.join(:persistent_term.get(__MODULE__).folder, "#{name}-#{System.unique_integer([:positive])}.db")

  @doc "Options of a new, empty database of the suite's kind."
  def options do
    case suite() do
      "remote" -> [uri: server().uri, auth_token: "", namespace: namespace()]
      "replica" -> [uri: server().uri, auth_token: "", namespace: namespace(), database: path(), sync: true]
      _local -> [database: path()]
    end
  end

  def server, do: :persistent_term.get(__MODULE__).server

  defp namespace do
    name = "n#{System.unique_integer([:positive])}"
    %URI{host: host, port: port} = URI.parse(server().admin)
    {:ok, socket} = :gen_tcp.connect(String.to_charlist(host), port, [:binary, active: false])

    :ok =
      :gen_tcp.send(socket, [
        "POST /v1/namespaces/#{name}/create HTTP/1.1\r\nhost: #{host}\r\nconnection: close\r\n",
        "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
      ])

    {:ok, "HTTP/1.1 200" <> _} = :gen_tcp.recv(socket, 0, 30_000)
    :gen_tcp.close(socket)
    name
  end

  # A program that waits for the end of its input, which comes also when this VM is killed, and ends the server then.
  @keeper ~S("$@" & server=$!; while read -r _; do :; done; kill "$server"; wait "$server")

  defp start_server do
    program = System.fetch_env!("ECTO_LIBSQL_PROGRAM")
    state = :persistent_term.get(__MODULE__)

    arguments = [
      "serve",
      "--data",
      Path.join(state.folder, "server"),
      "--enable-namespaces",
      "--http-listen",
      "127.0.0.1:0",
      "--admin-listen",
      "127.0.0.1:0",
      "--log-level",
      "warn",
      "--replication-log"
    ]

    port =
      Port.open({:spawn_executable, System.find_executable("sh")}, [
        :binary,
        {:line, 4096},
        args: ["-c", @keeper, "sh", program | arguments]
      ])

    {http, admin} = ready(port)
    :persistent_term.put(__MODULE__, %{state | server: %{port: port, uri: http, admin: admin}})
  end

  # libsql: ready http=http://127.0.0.1:8080 admin=http://127.0.0.1:9090
  defp ready(port) do
    receive do
      {^port, {:data, {:eol, line}}} ->
        case Regex.run(~r/ready.* http=(\S+).* admin=(\S+)/, line) do
          [_, http, admin] -> {http, admin}
          nil -> ready(port)
        end
    after
      30_000 -> raise "the server does not say that it is ready"
    end
  end
end

defmodule EctoLibSql.Case do
  @moduledoc false
  use ExUnit.CaseTemplate
  alias EctoLibSql.{Result, Support}

  using do
    quote do
      import EctoLibSql.Case
      alias EctoLibSql.{Error, Native, Query, Result, State, Support}
    end
  end

  @doc "A connection to a new database, closed when the test ends."
  def connect(options \\ []) do
    {:ok, state} = EctoLibSql.connect(Support.options() ++ options)
    state
  end

  @doc "The result of a statement that succeeds."
  def run(state, sql, args \\ [], options \\ []) do
    {:ok, _query, %Result{} = result, _state} = EctoLibSql.handle_execute(sql, args, options, state)
    result
  end

  def rows(state, sql, args \\ []), do: run(state, sql, args).rows

  @doc "The error of a statement that fails."
  def failure(state, sql, args \\ [], options \\ []) do
    {:error, %EctoLibSql.Error{} = error, _state} = EctoLibSql.handle_execute(sql, args, options, state)
    error
  end

  @endless "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
  @doc "A statement that never ends by itself."
  def endless, do: @endless
end
