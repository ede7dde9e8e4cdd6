.mode box
.headers on
.print What is in the sample database: a lending library.
.tables

.print
.print Books and their authors, the oldest first.
SELECT book.title, author.name AS author, book.year, details ->> 'pages' AS pages
FROM book JOIN author ON author.id = book.author_id
ORDER BY year LIMIT 5;

.print
.print Who has what, and for how long on the first of May.
SELECT reader, title, julianday('2025-05-01') - julianday(taken) AS days FROM overdue ORDER BY days DESC;

.print
.print A window function: each reader's loans counted as they come.
SELECT reader.name AS reader, book.title, taken,
       row_number() OVER (PARTITION BY reader_id ORDER BY taken) AS nth
FROM loan JOIN reader ON reader.id = loan.reader_id JOIN book ON book.id = loan.book_id
WHERE reader.name IN ('Ada', 'Ben') ORDER BY reader.name, taken;

.print
.print Full-text search finds the seas when asked for the sea.
SELECT book.title, round(bm25(book_text), 2) AS rank
FROM book_text JOIN book ON book.id = book_text.rowid
WHERE book_text MATCH 'sea OR moon' ORDER BY rank;

.print
.print Vectors: the books nearest to the sky and machines.
SELECT title, round(vector_distance_cos(themes, vector32('[0, 1, 0, 1]')), 3) AS distance
FROM book ORDER BY distance LIMIT 3;

.print
.print A transaction: a book is returned and lent again, its trigger writes the journal, and all of it is undone.
BEGIN;
UPDATE loan SET returned = '2025-05-01' WHERE book_id = 8 AND returned IS NULL;
INSERT INTO loan (book_id, reader_id, taken) VALUES (8, 1, '2025-05-01') RETURNING id, taken;
SELECT * FROM journal ORDER BY at DESC LIMIT 2;
ROLLBACK;
SELECT count(*) AS open_loans FROM loan WHERE returned IS NULL;
