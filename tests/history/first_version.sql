-- What the first version of the history made on PostgreSQL, with what one person said in it.
-- Nobody changes this file: every later version has to open such a database.
CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE conversations (
    conversation_id VARCHAR(32) PRIMARY KEY, person TEXT NOT NULL, title TEXT NOT NULL,
    words TEXT NOT NULL, created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE INDEX ix_conversations_updated ON conversations (updated);
CREATE INDEX conversations_by_person ON conversations (person, updated);
CREATE TABLE turns (
    turn_id VARCHAR(32) PRIMARY KEY,
    conversation_id VARCHAR(32) NOT NULL
        REFERENCES conversations (conversation_id) ON DELETE CASCADE,
    number INTEGER NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL, words TEXT NOT NULL,
    time TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT turns_in_order UNIQUE (conversation_id, number));
CREATE TABLE feedback (
    feedback_id SERIAL PRIMARY KEY,
    conversation_id VARCHAR(32) REFERENCES conversations (conversation_id) ON DELETE CASCADE,
    turn_id VARCHAR(32) NOT NULL, person TEXT NOT NULL, time TIMESTAMP WITH TIME ZONE NOT NULL,
    question TEXT NOT NULL, history TEXT NOT NULL, answer TEXT NOT NULL,
    rating VARCHAR(8) NOT NULL, comment TEXT NOT NULL);
CREATE INDEX ix_feedback_conversation_id ON feedback (conversation_id);
CREATE INDEX ix_feedback_person ON feedback (person);
CREATE INDEX ix_feedback_time ON feedback (time);
CREATE TABLE audit (
    audit_id SERIAL PRIMARY KEY, time TIMESTAMP WITH TIME ZONE NOT NULL,
    request VARCHAR(32) NOT NULL, who TEXT NOT NULL, address TEXT NOT NULL, what TEXT NOT NULL,
    status INTEGER NOT NULL, details TEXT NOT NULL);
CREATE INDEX ix_audit_time ON audit (time);
CREATE INDEX ix_audit_who ON audit (who);
CREATE TABLE imports (source VARCHAR(120) PRIMARY KEY, lines INTEGER NOT NULL);
INSERT INTO conversations VALUES (
    'kept-of-old', 'user ann-1', 'Where is the crane?', 'where is the crane?',
    '2026-03-01 12:00:00+00', '2026-03-01 12:00:00+00');
INSERT INTO turns VALUES (
    'turn-of-old', 'kept-of-old', 1, 'Where is the crane?',
    '{"question": "Where is the crane?", "query": "Where is the crane?", "text": "",
      "abstained": true, "confidence": 0.1, "sentences": [], "citations": [], "hits": [],
      "answer_span": null, "mode": "reader", "note": "", "unresolved": [], "clarification": null,
      "timings_ms": {}}',
    'where is the crane?', '2026-03-01 12:00:00+00');
INSERT INTO feedback (
    conversation_id, turn_id, person, time, question, history, answer, rating, comment)
VALUES (
    'kept-of-old', 'turn-of-old', 'user ann-1', '2026-03-01 12:01:00+00', 'Where is the crane?',
    '[]', '{"question": "Where is the crane?", "query": "Where is the crane?", "text": "",
      "abstained": true, "confidence": 0.1, "sentences": [], "citations": [], "hits": [],
      "answer_span": null, "mode": "reader", "note": "", "unresolved": [], "clarification": null,
      "timings_ms": {}}',
    'down', 'It stands at the dock');
INSERT INTO audit (time, request, who, address, what, status, details) VALUES (
    '2026-03-01 12:00:00+00', 'abc123', 'user ann-1', '10.0.0.7', 'POST /api/v1/chat', 200, '{}');
