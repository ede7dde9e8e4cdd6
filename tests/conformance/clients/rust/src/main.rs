// The published crate libsql, against a server. libsql-rust-client HTTP_URL
use libsql::{params, Builder, Connection, Database, TransactionBehavior, Value};
use std::future::Future;

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Tests {
    passed: u32,
    failed: u32,
}

impl Tests {
    async fn run(&mut self, name: &str, body: impl Future<Output = Outcome>) {
        match body.await {
            Ok(()) => {
                self.passed += 1;
                println!("ok - {name}");
            }
            Err(error) => {
                self.failed += 1;
                println!("not ok - {name}\n    {error}");
            }
        }
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, want: T) -> Outcome {
    if got == want {
        Ok(())
    } else {
        Err(format!("{got:?} instead of {want:?}").into())
    }
}

async fn number(conn: &Connection, sql: &str) -> Result<i64, Box<dyn std::error::Error>> {
    let mut rows = conn.query(sql, ()).await?;
    let row = rows.next().await?.ok_or("no row")?;
    Ok(row.get::<i64>(0)?)
}

async fn executes(db: &Database) -> Outcome {
    let conn = db.connect()?;
    conn.execute("CREATE TABLE rust(id INTEGER PRIMARY KEY, v)", ()).await?;
    equal(conn.execute("INSERT INTO rust(v) VALUES (?1), (?2)", params!["a", "b"]).await?, 2)?;
    equal(conn.last_insert_rowid(), 2)?;
    equal(conn.changes(), 2)
}

async fn values(db: &Database) -> Outcome {
    let conn = db.connect()?;
    let given = [Value::Integer(i64::MAX), Value::Real(1.5), Value::Text("täxt".into()), Value::Blob(vec![0, 1, 255]), Value::Null];
    let mut rows = conn.query("SELECT ?1, ?2, ?3, ?4, ?5", given.to_vec()).await?;
    let row = rows.next().await?.ok_or("no row")?;
    for (i, value) in given.iter().enumerate() {
        equal(row.get_value(i as i32)?, value.clone())?;
    }
    equal(rows.next().await?.is_none(), true)
}

async fn named(db: &Database) -> Outcome {
    let conn = db.connect()?;
    let mut rows = conn.query("SELECT :a - :b", libsql::named_params! { ":a": 5, ":b": 3 }).await?;
    equal(rows.next().await?.ok_or("no row")?.get::<i64>(0)?, 2)
}

async fn prepared(db: &Database) -> Outcome {
    let conn = db.connect()?;
    let mut statement = conn.prepare("SELECT ?1 * 2 AS twice").await?;
    equal(statement.columns()[0].name().to_string(), "twice".to_string())?;
    for i in 0..10_i64 {
        statement.reset();
        equal(statement.query_row([i]).await?.get::<i64>(0)?, i * 2)?;
    }
    Ok(())
}

async fn transactions(db: &Database) -> Outcome {
    let conn = db.connect()?;
    let before = number(&conn, "SELECT count(*) FROM rust").await?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).await?;
    tx.execute("INSERT INTO rust(v) VALUES ('kept')", ()).await?;
    equal(number(&tx, "SELECT count(*) FROM rust").await?, before + 1)?;
    tx.commit().await?;
    let tx = conn.transaction().await?;
    tx.execute("INSERT INTO rust(v) VALUES ('gone')", ()).await?;
    tx.rollback().await?;
    let tx = conn.transaction().await?;
    tx.execute("INSERT INTO rust(v) VALUES ('dropped')", ()).await?;
    drop(tx);
    equal(conn.is_autocommit(), true)?;
    equal(number(&db.connect()?, "SELECT count(*) FROM rust WHERE v IN ('kept', 'gone')").await?, 1)
}

async fn batches(db: &Database) -> Outcome {
    let conn = db.connect()?;
    conn.execute_batch("CREATE TABLE batch(x); INSERT INTO batch VALUES (1); INSERT INTO batch VALUES (2)").await?;
    equal(number(&conn, "SELECT sum(x) FROM batch").await?, 3)?;
    let failed = conn.execute_transactional_batch("INSERT INTO batch VALUES (3); INSERT INTO nope VALUES (4)").await;
    equal(failed.is_err(), true)?;
    equal(number(&conn, "SELECT sum(x) FROM batch").await?, 3)?;
    conn.execute_transactional_batch("INSERT INTO batch VALUES (3); INSERT INTO batch VALUES (4)").await?;
    equal(number(&conn, "SELECT sum(x) FROM batch").await?, 10)
}

async fn many_rows(db: &Database) -> Outcome {
    let conn = db.connect()?;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i, 'row ' || i FROM n";
    let mut rows = conn.query(sql, ()).await?;
    let mut sum = 0;
    while let Some(row) = rows.next().await? {
        sum += row.get::<i64>(0)?;
    }
    equal(sum, 50_005_000)
}

async fn errors(db: &Database) -> Outcome {
    let conn = db.connect()?;
    for (sql, text) in [
        ("INSERT INTO rust(id) VALUES (1)", "UNIQUE constraint failed"),
        ("SELECT nope", "no such column"),
        ("SELEC 1", "syntax error"),
    ] {
        match conn.execute(sql, ()).await {
            Ok(_) => return Err(format!("no error: {sql}").into()),
            Err(error) if error.to_string().contains(text) => {}
            Err(error) => return Err(format!("{sql}: {error}").into()),
        }
    }
    equal(number(&conn, "SELECT 7").await?, 7)
}

async fn altered(db: &Database) -> Outcome {
    let (one, two) = (db.connect()?, db.connect()?);
    one.execute("CREATE TABLE altered(a)", ()).await?;
    number(&two, "SELECT count(*) FROM altered").await?;
    one.execute("ALTER TABLE altered ADD COLUMN b", ()).await?;
    two.execute("INSERT INTO altered VALUES (1, 2)", ()).await?;
    one.execute("ALTER TABLE altered ALTER COLUMN b TO b INTEGER NOT NULL DEFAULT 9", ()).await?;
    two.execute("INSERT INTO altered(a) VALUES (1)", ()).await?;
    equal(number(&one, "SELECT sum(b) FROM altered").await?, 11)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).expect("a URL");
    let connector = hyper::client::HttpConnector::new();
    let db = Builder::new_remote(url, String::new()).connector(connector).build().await.expect("a database");
    let mut tests = Tests { passed: 0, failed: 0 };
    tests.run("execute tells rows and the last rowid", executes(&db)).await;
    tests.run("values of every type come back as they went", values(&db)).await;
    tests.run("named arguments", named(&db)).await;
    tests.run("a prepared statement runs many times", prepared(&db)).await;
    tests.run("transactions are committed, rolled back and dropped", transactions(&db)).await;
    tests.run("batches, also transactional ones", batches(&db)).await;
    tests.run("ten thousand rows", many_rows(&db)).await;
    tests.run("errors of the statement", errors(&db)).await;
    tests.run("a table that another connection has altered", altered(&db)).await;
    println!("{} passed, {} failed", tests.passed, tests.failed);
    std::process::exit(if tests.failed > 0 || tests.passed == 0 { 1 } else { 0 });
}
