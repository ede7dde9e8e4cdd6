defmodule EctoLibSql.Options do
  @moduledoc false
  # The options of a connection, checked and in the form that the native part takes.

  @pragmas [
    journal_mode: [:delete, :truncate, :persist, :memory, :wal, :off],
    synchronous: [:off, :normal, :full, :extra],
    foreign_keys: [:on, :off, true, false],
    cache_size: :integer,
    temp_store: [:default, :file, :memory],
    cache_spill: [:on, :off, true, false],
    auto_vacuum: [:none, :full, :incremental],
    locking_mode: [:normal, :exclusive],
    secure_delete: [:on, :off, :fast, true, false],
    case_sensitive_like: [:on, :off, true, false],
    recursive_triggers: [:on, :off, true, false],
    wal_auto_check_point: :integer,
    journal_size_limit: :integer,
    mmap_size: :integer,
    soft_heap_limit: :integer,
    hard_heap_limit: :integer
  ]
  @renamed %{wal_auto_check_point: "wal_autocheckpoint"}

  # What means something for a file of this process only.
  @local_only [
    :encryption_key,
    :encryption,
    :open_flags,
    :vfs,
    :mvcc,
    :load_extensions,
    :extension_directories,
    :statement_cache_bytes,
    :custom_pragmas | Keyword.keys(@pragmas)
  ]
  @replica_too [:encryption_key, :encryption, :statement_cache_bytes]
  @replica_only [:read_your_writes, :sync_interval]
  @remote_only [:remote_encryption_key, :namespace, :tls]

  @doc "The options as a map. Raises `ArgumentError`, which names option, value and what is allowed."
  def native(options, :local) do
    refuse(options, @remote_only ++ @replica_only, "a local database")
    {path, create} = path(required(options, :database), options)
    if create, do: File.mkdir_p!(create)
    {key, cipher} = encryption(options)

    %{
      remote: false,
      database: path,
      encryption_key: key,
      cipher: cipher,
      busy_timeout: busy_timeout(options),
      open_mode: open_mode(options[:open_flags]),
      vfs: string(options, :vfs),
      mvcc: boolean(options, :mvcc),
      statement_cache_bytes: natural(options, :statement_cache_bytes),
      pragmas: pragmas(options),
      load_extensions: strings(options, :load_extensions),
      extension_directories: strings(options, :extension_directories)
    }
  end

  def native(options, :remote) do
    refuse(options, @local_only ++ @replica_only, "a remote database")
    tls = Keyword.get(options, :tls, [])

    %{
      remote: true,
      uri: uri(required(options, :uri)),
      auth_token: required(options, :auth_token),
      namespace: string(options, :namespace),
      remote_encryption_key: string(options, :remote_encryption_key),
      busy_timeout: busy_timeout(options),
      cacertfile: tls[:cacertfile] && to_string(tls[:cacertfile]),
      accept_any_certificate: tls[:verify] == :verify_none
    }
  end

  def native(options, :remote_replica) do
    refuse(options, @local_only -- @replica_too, "a replica")
    {key, cipher} = encryption(options)
    {path, create} = path(required(options, :database), options)
    if create, do: File.mkdir_p!(create)

    options
    |> Keyword.take([:uri, :auth_token, :namespace, :remote_encryption_key, :tls, :busy_timeout])
    |> native(:remote)
    |> Map.merge(%{
      remote: false,
      replica: true,
      database: path,
      encryption_key: key,
      cipher: cipher,
      statement_cache_bytes: natural(options, :statement_cache_bytes),
      read_your_writes: boolean(options, :read_your_writes, true),
      sync_interval: natural(options, :sync_interval)
    })
  end

  # Text without a scheme is a host.
  defp uri(uri), do: if(uri =~ ~r{^[a-z]+:}, do: uri, else: "https://" <> uri)

  defp required(options, key) do
    case Keyword.fetch(options, key) do
      {:ok, value} when is_binary(value) -> value
      {:ok, :memory} when key == :database -> ":memory:"
      other -> raise ArgumentError, "option #{inspect(key)} is a string, got: #{inspect(value(other))}"
    end
  end

  defp value({:ok, value}), do: value
  defp value(:error), do: nil

  # The path, and a folder to create first.
  defp path(":memory:", _options), do: {":memory:", nil}
  defp path("", _options), do: {"", nil}
  defp path("file:" <> _ = uri, _options), do: {uri, nil}

  defp path(path, options) do
    folder = Path.dirname(path)
    creates = open_mode(options[:open_flags]) == :create and folder != "." and not File.exists?(folder)
    {path, if(creates, do: folder)}
  end

  defp encryption(options) do
    case {options[:encryption_key], options[:encryption]} do
      {nil, nil} ->
        {nil, nil}

      {key, nil} when is_binary(key) ->
        {key, nil}

      {nil, given} when is_list(given) ->
        key = given[:key]
        is_binary(key) || raise ArgumentError, "option :encryption needs a key: a string"
        {key, given[:cipher] && to_string(given[:cipher])}

      _other ->
        raise ArgumentError,
              "give either :encryption_key, a string, or :encryption, such as [cipher: :aes256cbc, key: key]"
    end
  end

  defp busy_timeout(options) do
    case Keyword.get(options, :busy_timeout, 5_000) do
      nil -> 5_000
      timeout when is_integer(timeout) and timeout >= 0 -> timeout
      other -> invalid(:busy_timeout, other, "milliseconds, 0 or more")
    end
  end

  defp open_mode(nil), do: :create

  defp open_mode(flags) do
    unknown = List.wrap(flags) -- [:readonly, :readwrite, :create, :nomutex]
    if unknown != [], do: invalid(:open_flags, flags, ":readonly, :readwrite, :create, :nomutex")

    cond do
      :readonly in List.wrap(flags) -> :readonly
      :create in List.wrap(flags) -> :create
      true -> :readwrite
    end
  end

  defp pragmas(options) do
    known =
      for {name, allowed} <- @pragmas, value = Keyword.get(options, name), value != nil do
        {Map.get(@renamed, name, Atom.to_string(name)), pragma_value(name, value, allowed)}
      end

    custom =
      for {name, value} <- Keyword.get(options, :custom_pragmas, []) do
        {to_string(name), if(is_integer(value), do: value, else: to_string(value))}
      end

    # `false` is a value here, which the comprehension above passes over.
    off =
      for {name, allowed} <- @pragmas,
          options[name] == false,
          is_list(allowed) and false in allowed,
          do: {Atom.to_string(name), 0}

    known ++ off ++ custom
  end

  defp pragma_value(_name, value, :integer) when is_integer(value), do: value
  defp pragma_value(name, value, :integer), do: invalid(name, value, "an integer")

  defp pragma_value(name, value, allowed) do
    if value in allowed, do: value, else: invalid(name, value, Enum.map_join(allowed, ", ", &inspect/1))
  end

  defp string(options, key) do
    case options[key] do
      nil -> nil
      text when is_binary(text) -> text
      other -> invalid(key, other, "a string")
    end
  end

  defp strings(options, key) do
    list = Keyword.get(options, key) || []
    if is_list(list) and Enum.all?(list, &is_binary/1), do: list, else: invalid(key, list, "a list of strings")
  end

  defp boolean(options, key, default \\ false) do
    case Keyword.get(options, key, default) do
      value when is_boolean(value) -> value
      other -> invalid(key, other, "true, false")
    end
  end

  defp natural(options, key) do
    case options[key] do
      nil -> nil
      number when is_integer(number) and number >= 0 -> number
      other -> invalid(key, other, "an integer, 0 or more")
    end
  end

  defp refuse(options, keys, where) do
    for key <- keys, options[key] != nil do
      raise ArgumentError, "option #{inspect(key)} means nothing for #{where}"
    end
  end

  defp invalid(key, value, allowed) do
    raise ArgumentError, "option #{inspect(key)} cannot be #{inspect(value)}; allowed: #{allowed}"
  end
end
