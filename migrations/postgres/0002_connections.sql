-- Connections: credentials that the calls of targets carry, kept apart from rules.
--
-- * catalog.version  how many changes were ever made, raised by each of them. A change that depends
--                    on the whole catalog (a connection goes only when no rule names it) expects it.
-- * connections      `spec` is JSON as it was given, with every secret sealed: `{"sealed": "v1.<key
--                    id>.<nonce and ciphertext>"}`. The ciphertext is bound to the name and the
--                    field, so a row copied under another name does not open. `revision` is the
--                    version of the catalog in which the row was written, so that no connection
--                    ever has an old revision again, also not one deleted and created anew. Deleted rows
--                    go: nothing but rules in force names a connection.
--
-- The same tables, with the types of each database, are in migrations/sqlite.

ALTER TABLE catalog ADD COLUMN version BIGINT NOT NULL DEFAULT 0;

CREATE TABLE connections (
    name     TEXT   NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    spec     TEXT   NOT NULL
);
