-- The catalogue: documents, their passages and vectors, and the order in which they changed.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- One row per file that was looked at; `reason` is '' when it was read without a problem.
CREATE TABLE files (
    path           TEXT PRIMARY KEY,      -- absolute
    source         TEXT NOT NULL,         -- as the person gave it
    sha256         TEXT NOT NULL,
    size_bytes     INTEGER NOT NULL,
    mtime_ns       INTEGER NOT NULL,
    seen_ns        INTEGER NOT NULL,
    reader_version INTEGER NOT NULL,
    reason         TEXT NOT NULL DEFAULT '',
    message        TEXT NOT NULL DEFAULT '',
    hint           TEXT NOT NULL DEFAULT '',
    collection     TEXT NOT NULL DEFAULT 'default'
) WITHOUT ROWID;

CREATE TABLE documents (
    doc_id       TEXT PRIMARY KEY,
    path         TEXT NOT NULL,
    title        TEXT NOT NULL,
    source       TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    text         BLOB NOT NULL,           -- UTF-8, deflated
    metadata     TEXT NOT NULL,           -- JSON
    sections     TEXT NOT NULL,           -- JSON: [[title, level, start], ...]
    page_starts  TEXT NOT NULL,           -- JSON: [start, ...]
    collection   TEXT NOT NULL DEFAULT 'default'
);
CREATE INDEX documents_by_path ON documents (path);
CREATE INDEX documents_by_collection ON documents (collection, doc_id);

CREATE TABLE passages (
    passage_id TEXT PRIMARY KEY,
    doc_id     TEXT NOT NULL REFERENCES documents (doc_id) ON DELETE CASCADE,
    start      INTEGER NOT NULL,
    "end"      INTEGER NOT NULL,
    page       INTEGER,
    section    TEXT NOT NULL,
    text       TEXT NOT NULL,
    vector_key TEXT NOT NULL,
    seq        INTEGER NOT NULL           -- the change that last wrote this row
);
CREATE INDEX passages_by_document ON passages (doc_id, start);
CREATE INDEX passages_by_seq ON passages (seq);
CREATE INDEX passages_by_vector ON passages (vector_key);

-- Equal text is embedded once, however many passages hold it.
CREATE TABLE vectors (
    vector_key TEXT PRIMARY KEY,
    vector     BLOB NOT NULL              -- float16, little-endian, unit length
);

CREATE TABLE removals (
    passage_id TEXT PRIMARY KEY,
    seq        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX removals_by_seq ON removals (seq);

-- A name for each change, which tells a catalogue's history from that of a copy that went its own way.
CREATE TABLE history (
    seq   INTEGER PRIMARY KEY,
    token TEXT NOT NULL
);
