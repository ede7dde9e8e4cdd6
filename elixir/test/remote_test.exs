defmodule EctoLibSql.RemoteTest do
  use EctoLibSql.Case, async: true

  test "a server that is not there is an error that says so" do
    assert {:error, "Failed ping: " <> _} = EctoLibSql.connect(uri: "http://127.0.0.1:1", auth_token: "")
  end

  test "options of files mean nothing for a server" do
    assert_raise ArgumentError, "option :journal_mode means nothing for a remote database", fn ->
      EctoLibSql.connect(Support.options() ++ [journal_mode: :wal])
    end
  end

  test "what a server does not have is an error that names it" do
    state = connect()
    assert {:error, %Error{code: :unsupported}} = EctoLibSql.Hooks.set_update_hook(state, self())
    assert {:error, %Error{code: :unsupported}} = EctoLibSql.Wal.wal_frame_count(state)
    assert {:error, text} = Native.load_ext(state, "/nowhere.so")
    assert text =~ "Loading extension is only supported in local databases."
  end

  test "a call of a server that does not answer in time ends" do
    # A listener that never accepts, so never answers.
    {:ok, listener} = :gen_tcp.listen(0, [:binary, ip: {127, 0, 0, 1}])
    {:ok, port} = :inet.port(listener)
    conn = EctoLibSql.Nif.new()
    options = EctoLibSql.Options.native([uri: "http://127.0.0.1:#{port}", auth_token: ""], :remote)
    assert {:error, :timeout} = EctoLibSql.Call.run(conn, :open, {options}, 100)
    :gen_tcp.close(listener)
  end
end
