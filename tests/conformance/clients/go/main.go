// The published libsql-client-go, through database/sql, over HTTP and over WebSocket.
//
//	go_client HTTP_URL WS_URL
package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	_ "github.com/tursodatabase/libsql-client-go/libsql"
)

var passed, failed int

func test(name string, body func() error) {
	if err := body(); err != nil {
		failed++
		fmt.Printf("not ok - %s\n    %v\n", name, err)
		return
	}
	passed++
	fmt.Printf("ok - %s\n", name)
}

func equal(what string, got, want any) error {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("%s: %v instead of %v", what, got, want)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func all(transport, url string) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	db, err := sql.Open("libsql", url)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	table := "go_" + transport
	name := func(text string) string { return transport + ": " + text }
	count := func() (n int, err error) {
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n)
		return
	}

	test(name("exec tells rows and the last rowid"), func() error {
		if _, err := db.ExecContext(ctx, "CREATE TABLE "+table+"(id INTEGER PRIMARY KEY, v)"); err != nil {
			return err
		}
		result, err := db.ExecContext(ctx, "INSERT INTO "+table+"(v) VALUES (?), (?)", "a", "b")
		if err != nil {
			return err
		}
		rows, err1 := result.RowsAffected()
		id, err2 := result.LastInsertId()
		return first(err1, err2, equal("rows", rows, 2), equal("id", id, 2))
	})
	test(name("values of every type come back as they went"), func() error {
		var i int64
		var f float64
		var s string
		var b []byte
		var n sql.NullString
		err := db.QueryRowContext(ctx, "SELECT ?, ?, ?, ?, ?", int64(math.MaxInt64), 1.5, "täxt", []byte{0, 1, 255}, nil).Scan(&i, &f, &s, &b, &n)
		if err == nil && !bytes.Equal(b, []byte{0, 1, 255}) {
			err = fmt.Errorf("blob %v", b)
		}
		return first(err, equal("integer", i, int64(math.MaxInt64)), equal("real", f, 1.5), equal("text", s, "täxt"), equal("null", n.Valid, false))
	})
	test(name("named arguments"), func() error {
		var v int
		err := db.QueryRowContext(ctx, "SELECT :a - :b", sql.Named("a", 5), sql.Named("b", 3)).Scan(&v)
		return first(err, equal("value", v, 2))
	})
	test(name("two queries on one pinned connection"), func() error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		for i := 1; i <= 5; i++ {
			var v int
			if err := conn.QueryRowContext(ctx, "SELECT ?", i).Scan(&v); err != nil {
				return fmt.Errorf("query %d: %w", i, err)
			}
			if v != i {
				return fmt.Errorf("%d instead of %d", v, i)
			}
		}
		_, err = conn.ExecContext(ctx, "INSERT INTO "+table+"(v) VALUES ('pinned')")
		return err
	})
	test(name("a pinned connection after an error"), func() error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "SELECT nope"); err == nil || !strings.Contains(err.Error(), "no such column") {
			return fmt.Errorf("no error of the statement but %v", err)
		}
		var v int
		return first(conn.QueryRowContext(ctx, "SELECT 7").Scan(&v), equal("value", v, 7))
	})
	test(name("a transaction is committed, another rolled back"), func() error {
		before, err := count()
		if err != nil {
			return err
		}
		for _, commit := range []bool{true, false} {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO "+table+"(v) VALUES ('tx')"); err != nil {
				return err
			}
			var inside int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&inside); err != nil {
				return err
			}
			if err := equal("inside", inside, before+map[bool]int{true: 1, false: 2}[commit]); err != nil {
				return err
			}
			if commit {
				err = tx.Commit()
			} else {
				err = tx.Rollback()
			}
			if err != nil {
				return err
			}
		}
		after, err := count()
		return first(err, equal("after", after, before+1))
	})
	test(name("a prepared statement runs many times"), func() error {
		stmt, err := db.PrepareContext(ctx, "INSERT INTO "+table+"(v) VALUES (?) RETURNING v")
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := 0; i < 20; i++ {
			var v int
			if err := first(stmt.QueryRowContext(ctx, i).Scan(&v), equal("value", v, i)); err != nil {
				return err
			}
		}
		return nil
	})
	test(name("ten thousand rows"), func() error {
		rows, err := db.QueryContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i, 'row ' || i FROM n")
		if err != nil {
			return err
		}
		defer rows.Close()
		sum := 0
		for rows.Next() {
			var i int
			var s string
			if err := rows.Scan(&i, &s); err != nil {
				return err
			}
			sum += i
		}
		return first(rows.Err(), equal("sum", sum, 50005000))
	})
	test(name("a constraint is an error that names it"), func() error {
		_, err := db.ExecContext(ctx, "INSERT INTO "+table+"(id) VALUES (1)")
		if err == nil || !strings.Contains(err.Error(), "UNIQUE constraint failed") {
			return fmt.Errorf("got %v", err)
		}
		return nil
	})
	test(name("statements on a table that other connections have changed meanwhile"), func() error {
		for i := 0; i < 4; i++ {
			if _, err := count(); err != nil {
				return err
			}
		}
		if _, err := db.ExecContext(ctx, "ALTER TABLE "+table+" ADD COLUMN more"); err != nil {
			return err
		}
		for i := 0; i < 8; i++ {
			if _, err := db.ExecContext(ctx, "INSERT INTO "+table+" VALUES (NULL, 1, 2)"); err != nil {
				return err
			}
		}
		return nil
	})
}

func main() {
	all("http", os.Args[1])
	all("ws", os.Args[2])
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}
