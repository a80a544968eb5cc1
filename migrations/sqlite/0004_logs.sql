-- Servers of one catalog, each with a log of its own.
--
-- * logs       the logs that this catalog belongs to. What a log that is not here calls a bus or a
--              route may be another one.

CREATE TABLE logs (
    uuid TEXT NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO logs (uuid) SELECT log_uuid FROM catalog WHERE log_uuid IS NOT NULL;

ALTER TABLE catalog DROP COLUMN log_uuid;
