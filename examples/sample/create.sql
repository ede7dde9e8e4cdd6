-- The sample database of scripts/run: the lending library of a small town.

BEGIN;

CREATE TABLE author (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  born INTEGER
) STRICT;

CREATE TABLE book (
  id        INTEGER PRIMARY KEY,
  title     TEXT NOT NULL,
  author_id INTEGER NOT NULL REFERENCES author (id),
  year      INTEGER NOT NULL,
  shelf     TEXT NOT NULL DEFAULT 'store',
  details   TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
  -- How much a book is about the sea, the sky, people and machines: four numbers instead of a language model's hundreds.
  themes    BLOB
);
CREATE INDEX book_author ON book (author_id);

CREATE TABLE reader (
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  joined TEXT NOT NULL
) STRICT;

CREATE TABLE loan (
  id       INTEGER PRIMARY KEY,
  book_id  INTEGER NOT NULL REFERENCES book (id),
  reader_id INTEGER NOT NULL REFERENCES reader (id),
  taken    TEXT NOT NULL,
  returned TEXT CHECK (returned IS NULL OR returned >= taken)
) STRICT;
-- A book is out to one reader at a time.
CREATE UNIQUE INDEX loan_open ON loan (book_id) WHERE returned IS NULL;

CREATE TABLE journal (at TEXT NOT NULL, entry TEXT NOT NULL) STRICT;

CREATE TRIGGER loan_taken AFTER INSERT ON loan WHEN new.returned IS NULL BEGIN
  INSERT INTO journal
  SELECT new.taken, printf('%s took "%s"', reader.name, book.title)
  FROM reader, book WHERE reader.id = new.reader_id AND book.id = new.book_id;
END;

CREATE VIEW overdue AS
  SELECT book.title, reader.name AS reader, loan.taken
  FROM loan JOIN book ON book.id = loan.book_id JOIN reader ON reader.id = loan.reader_id
  WHERE loan.returned IS NULL;

INSERT INTO author (id, name, born) VALUES
  (1, 'Jules Verne', 1828), (2, 'Mary Shelley', 1797), (3, 'Herman Melville', 1819),
  (4, 'Jane Austen', 1775), (5, 'H. G. Wells', 1866), (6, 'George Eliot', 1819);

INSERT INTO book (id, title, author_id, year, shelf, details, themes) VALUES
  (1, 'Twenty Thousand Leagues Under the Seas', 1, 1870, 'adventure', '{"pages": 426, "language": "fr"}', vector32('[0.9, 0.0, 0.3, 0.8]')),
  (2, 'From the Earth to the Moon', 1, 1865, 'adventure', '{"pages": 186, "language": "fr"}', vector32('[0.0, 0.9, 0.3, 0.9]')),
  (3, 'Frankenstein', 2, 1818, 'gothic', '{"pages": 280, "language": "en"}', vector32('[0.2, 0.1, 0.9, 0.5]')),
  (4, 'Moby-Dick', 3, 1851, 'adventure', '{"pages": 635, "language": "en"}', vector32('[1.0, 0.1, 0.6, 0.1]')),
  (5, 'Pride and Prejudice', 4, 1813, 'novels', '{"pages": 432, "language": "en"}', vector32('[0.0, 0.0, 1.0, 0.0]')),
  (6, 'Persuasion', 4, 1817, 'novels', '{"pages": 249, "language": "en"}', vector32('[0.3, 0.0, 1.0, 0.0]')),
  (7, 'The Time Machine', 5, 1895, 'adventure', '{"pages": 118, "language": "en"}', vector32('[0.0, 0.3, 0.5, 1.0]')),
  (8, 'The First Men in the Moon', 5, 1901, 'adventure', '{"pages": 342, "language": "en"}', vector32('[0.0, 1.0, 0.4, 0.7]')),
  (9, 'Middlemarch', 6, 1871, 'novels', '{"pages": 880, "language": "en"}', vector32('[0.0, 0.0, 1.0, 0.1]'));

INSERT INTO reader (id, name, joined) VALUES
  (1, 'Ada', '2024-02-01'), (2, 'Ben', '2024-03-15'), (3, 'Chloé', '2024-06-30'), (4, 'Dmitri', '2025-01-07');

INSERT INTO loan (book_id, reader_id, taken, returned) VALUES
  (1, 1, '2025-01-10', '2025-02-01'), (2, 1, '2025-02-01', '2025-02-20'), (5, 2, '2025-01-12', '2025-01-30'),
  (9, 2, '2025-02-02', '2025-04-01'), (4, 3, '2025-01-20', '2025-03-18'), (3, 3, '2025-03-18', '2025-04-02'),
  (7, 4, '2025-02-11', '2025-02-14'), (8, 4, '2025-02-14', NULL),         (6, 2, '2025-04-03', NULL),
  (1, 3, '2025-04-05', NULL);

-- Full text: the titles once more, in an index of words.
CREATE VIRTUAL TABLE book_text USING fts5(title, content='book', content_rowid='id', tokenize='porter');
INSERT INTO book_text (book_text) VALUES ('rebuild');

COMMIT;
