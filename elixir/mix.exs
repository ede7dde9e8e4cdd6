defmodule EctoLibSql.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :ecto_libsql,
      version: @version,
      elixir: "~> 1.14",
      description: "libSQL and SQLite databases for Elixir: local files, servers and replicas",
      compilers: [:ecto_libsql_nif] ++ Mix.compilers(),
      deps: [],
      package: [licenses: ["MIT"], files: ~w(lib c_src mix.exs README.md CMakeLists.txt)]
    ]
  end

  def application, do: [extra_applications: [:logger, :crypto]]
end

defmodule Mix.Tasks.Compile.EctoLibsqlNif do
  @moduledoc """
  Builds the native part with CMake, from the source tree around this package, into `priv`.

  `ECTO_LIBSQL_NIF` names one that is built already: then nothing is compiled.
  """
  use Mix.Task.Compiler

  @impl true
  def run(_arguments) do
    if System.get_env("ECTO_LIBSQL_NIF"), do: {:noop, []}, else: build()
  end

  defp build do
    cmake =
      System.find_executable("cmake") ||
        Mix.raise("ecto_libsql: cmake is not installed; it compiles the native part, with a C++20 compiler")

    source = Path.expand("..", __DIR__)
    build = Path.join(Mix.Project.build_path(), "ecto_libsql_nif")
    erlang = Path.join(to_string(:code.root_dir()), "usr/include")

    configure =
      ["-S", source, "-B", build, "-DCMAKE_BUILD_TYPE=Release"] ++
        Enum.map(~w(CLI SERVER TESTS EXAMPLES), &"-DLIBSQL_BUILD_#{&1}=OFF") ++
        ["-DLIBSQL_INSTALL=OFF", "-DLIBSQL_WERROR=OFF", "-DLIBSQL_BUILD_ELIXIR=ON"]

    jobs = to_string(System.schedulers_online())
    command(cmake, configure, [{"ERTS_INCLUDE_DIR", erlang}])
    command(cmake, ["--build", build, "--target", "ecto_libsql_nif", "--parallel", jobs], [])

    priv = Path.join(Mix.Project.app_path(), "priv")
    # Mix links the package's own priv folder into the build, where it exists.
    File.mkdir_p!(Path.join(__DIR__, "priv"))
    unless File.exists?(priv), do: File.ln_s(Path.join(__DIR__, "priv"), priv)
    File.cp!(Path.join(build, "elixir/ecto_libsql_nif.so"), Path.join([__DIR__, "priv", "ecto_libsql_nif.so"]))
    {:ok, []}
  end

  defp command(program, arguments, environment) do
    case System.cmd(program, arguments, env: environment, stderr_to_stdout: true) do
      {_output, 0} -> :ok
      {output, status} -> Mix.raise("ecto_libsql: #{Path.basename(program)} failed with #{status}:\n#{output}")
    end
  end
end
