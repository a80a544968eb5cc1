-- The schemas of event types, the sources of buses, and what buses refuse.
--
-- * catalog.last_schema  the highest number given to a version of any schema.
-- * schemas          the entry of an event type. `settings` is JSON. `revision` is the version of the
--                    catalog in which the entry was last changed, a new version of it included.
--                    `last_version` counts its versions and never goes back: a deleted entry keeps its
--                    row, so that the number of a version never names another document.
-- * schema_versions  written once. `document` is JSON kept as text: `\u0000` is valid in it, and the
--                    spelling of numbers must survive. `id` is unique over all types. Versions of a
--                    deleted entry go.
-- * sources          who publishes to a bus. `spec` is JSON as it was given, `revision` as of connections.
-- * bus_settings     what a bus refuses, as JSON; no row stands for the defaults.
--
-- The same tables, with the types of each database, are in migrations/sqlite.

ALTER TABLE catalog ADD COLUMN last_schema BIGINT NOT NULL DEFAULT 0;

CREATE TABLE schemas (
    type         TEXT NOT NULL PRIMARY KEY,
    revision     BIGINT NOT NULL,
    settings     TEXT NOT NULL,
    last_version BIGINT NOT NULL,
    deleted      BOOLEAN NOT NULL
);

CREATE TABLE schema_versions (
    id       BIGINT NOT NULL PRIMARY KEY,
    type     TEXT NOT NULL CONSTRAINT schema_versions_type_fkey REFERENCES schemas (type),
    version  BIGINT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT schema_versions_key UNIQUE (type, version)
);

CREATE TABLE sources (
    bus      BIGINT NOT NULL CONSTRAINT sources_bus_fkey REFERENCES buses (number),
    name     TEXT NOT NULL,
    revision BIGINT NOT NULL,
    spec     TEXT NOT NULL,
    PRIMARY KEY (bus, name)
);

CREATE TABLE bus_settings (
    bus  BIGINT NOT NULL PRIMARY KEY CONSTRAINT bus_settings_bus_fkey REFERENCES buses (number),
    spec TEXT NOT NULL
);
