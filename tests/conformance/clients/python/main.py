"""The published libsql-client over HTTP and WebSocket, and the published libsql, against a server.

python main.py HTTP_URL WS_URL
"""
import asyncio
import sys
import traceback

import libsql
import libsql_client

passed = failed = 0
MANY = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n'


def note(name, error=None):
    global passed, failed
    if error is None:
        passed += 1
        print(f'ok - {name}')
    else:
        failed += 1
        print(f'not ok - {name}')
        print(''.join('    ' + line for line in traceback.format_exception(error)))


async def test_async(name, body):
    try:
        await asyncio.wait_for(body(), 60)
        note(name)
    except Exception as error:  # pylint: disable=broad-except
        note(name, error)


def test(name, body):
    try:
        body()
        note(name)
    except BaseException as error:  # a panic of its Rust part is no Exception
        note(name, error)


def equal(got, want):
    if got != want or type(got) is not type(want):
        raise AssertionError(f'{got!r} instead of {want!r}')


async def client_tests(transport, url):
    table = f'python_{transport}'
    async with libsql_client.create_client(url) as client:

        async def values():
            given = [2**62, 1.5, 'täxt', b'\x00\x01\xff', None]
            result = await client.execute('SELECT ?, ?, ?, ?, ?', given)
            equal(list(result.rows[0]), given)

        async def writes():
            await client.execute(f'CREATE TABLE {table}(id INTEGER PRIMARY KEY, v)')
            result = await client.execute(f'INSERT INTO {table}(v) VALUES (?), (?)', ['a', 'b'])
            equal((result.rows_affected, result.last_insert_rowid), (2, 2))

        async def named():
            result = await client.execute('SELECT :a - :b AS d', {'a': 5, 'b': 3})
            equal((result.columns, result.rows[0]['d']), (('d',), 2))

        async def batches():
            results = await client.batch([f'INSERT INTO {table}(v) VALUES (1)', (f'SELECT count(*) FROM {table} WHERE v = ?', [1])])
            equal(results[1].rows[0][0], 1)
            try:
                await client.batch([f'INSERT INTO {table}(v) VALUES (2)', 'SELECT nope'])
                raise AssertionError('no error')
            except libsql_client.LibsqlError as error:
                assert 'no such column' in str(error), error
            equal((await client.execute(f'SELECT count(*) FROM {table} WHERE v = 2')).rows[0][0], 0)

        async def transactions():
            transaction = client.transaction()
            await transaction.execute(f"INSERT INTO {table}(v) VALUES ('kept')")
            await transaction.commit()
            transaction = client.transaction()
            await transaction.execute(f"INSERT INTO {table}(v) VALUES ('gone')")
            await transaction.rollback()
            equal((await client.execute(f"SELECT count(*) FROM {table} WHERE v IN ('kept', 'gone')")).rows[0][0], 1)

        async def many_rows():
            equal(sum(row[0] for row in (await client.execute(MANY)).rows), 50005000)

        async def errors():
            for sql, text in [(f'INSERT INTO {table}(id) VALUES (1)', 'UNIQUE constraint failed'), ('SELEC 1', 'syntax error')]:
                try:
                    await client.execute(sql)
                    raise AssertionError('no error')
                except libsql_client.LibsqlError as error:
                    assert text in str(error), error
            equal((await client.execute('SELECT 7')).rows[0][0], 7)

        async def at_once():
            results = await asyncio.gather(*(client.execute('SELECT ?', [i]) for i in range(50)))
            equal([result.rows[0][0] for result in results], list(range(50)))

        for name, body in [('writes tell rows and the last rowid', writes), ('values of every type come back as they went', values),
                           ('named arguments', named), ('batches', batches), ('ten thousand rows', many_rows),
                           ('errors of the statement', errors), ('fifty statements at once', at_once)]:
            await test_async(f'libsql_client, {transport}: {name}', body)
        if transport == 'ws':  # the client has interactive transactions there only
            await test_async(f'libsql_client, {transport}: transactions', transactions)


def libsql_tests(url):
    conn = libsql.connect(url, auth_token='')

    def writes():
        conn.execute('CREATE TABLE python_libsql(id INTEGER PRIMARY KEY, v)')
        cursor = conn.execute('INSERT INTO python_libsql(v) VALUES (?)', ('a',))
        equal(cursor.lastrowid, 1)
        conn.commit()

    def values():
        given = (2**62, 1.5, 'täxt', b'\x00\x01\xff', None)
        equal(conn.execute('SELECT ?, ?, ?, ?, ?', given).fetchone(), given)

    def transactions():
        conn.execute("INSERT INTO python_libsql(v) VALUES ('kept')")
        conn.commit()
        conn.execute("INSERT INTO python_libsql(v) VALUES ('gone')")
        conn.rollback()
        equal(conn.execute("SELECT count(*) FROM python_libsql WHERE v IN ('kept', 'gone')").fetchone(), (1,))

    def many():
        conn.executemany('INSERT INTO python_libsql(v) VALUES (?)', [('m',), ('m',)])
        conn.commit()
        equal(conn.execute("SELECT count(*) FROM python_libsql WHERE v = 'm'").fetchone(), (2,))
        conn.executescript("INSERT INTO python_libsql(v) VALUES ('s'); INSERT INTO python_libsql(v) VALUES ('s');")
        equal(conn.execute("SELECT count(*) FROM python_libsql WHERE v = 's'").fetchall(), [(2,)])

    def many_rows():
        equal(sum(row[0] for row in conn.execute(MANY).fetchall()), 50005000)

    def errors():
        try:
            conn.execute('SELECT nope').fetchall()
        except Exception as error:  # its class is ValueError
            assert 'no such column' in str(error), error
        else:
            raise AssertionError('no error')
        equal(conn.execute('SELECT 7').fetchone(), (7,))

    for name, body in [('writes tell the last rowid', writes), ('values of every type come back as they went', values),
                       ('transactions', transactions), ('executemany and executescript', many), ('ten thousand rows', many_rows),
                       ('errors of the statement', errors)]:
        test(f'libsql: {name}', body)


for name, address in [('http', sys.argv[1]), ('ws', sys.argv[2])]:
    asyncio.run(client_tests(name, address))
libsql_tests(sys.argv[1])
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed or not passed else 0)
