-- The catalog: buses, the revisions of their rules, and the routes these opened.
--
-- The log names buses and routes by number and an event's ruleset by generation, and it outlives
-- every change made here. So no row that the log may name is ever deleted or numbered again:
--
-- * catalog    one row. The log this catalog belongs to (null until the first start), and the
--              highest numbers given out. Counters and not row ids, because they must be raised
--              when the catalog is older than the log (a restored backup). Every change updates
--              this row first, so changes are made one after the other.
-- * buses      `generation` is the number of the bus's ruleset: it goes up by one with every change
--              and never back. A deleted bus keeps its row; created again it goes on counting.
-- * revisions  what a rule said from `from_generation` up to, not including, `until_generation`
--              (null: still in force). Written once; only `until_generation` is set later, once.
--              `spec` is JSON kept as text, because the spelling of numbers must survive.
--              `owner` is the rules file that brought it, null for the API.
-- * routes     the pair of a rule and a target. Closed for ever when either goes; the same names
--              again are a new row.
--
-- The same tables, with the types of each database, are in migrations/sqlite.

CREATE TABLE catalog (
    id         BIGINT  NOT NULL PRIMARY KEY CONSTRAINT catalog_one_row CHECK (id = 1),
    log_uuid   TEXT,
    last_bus   BIGINT  NOT NULL,
    last_route BIGINT  NOT NULL
);

CREATE TABLE buses (
    number     BIGINT  NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL CONSTRAINT buses_name_key UNIQUE,
    generation BIGINT  NOT NULL,
    deleted    BOOLEAN NOT NULL
);

CREATE TABLE revisions (
    bus              BIGINT  NOT NULL CONSTRAINT revisions_bus_fkey REFERENCES buses (number),
    rule             TEXT    NOT NULL,
    revision         BIGINT  NOT NULL,
    spec             TEXT    NOT NULL,
    owner            TEXT,
    from_generation  BIGINT  NOT NULL,
    until_generation BIGINT,
    PRIMARY KEY (bus, rule, revision),
    CONSTRAINT revisions_range_check CHECK (until_generation > from_generation)
);

-- At most one revision of a rule is in force.
CREATE UNIQUE INDEX revisions_live_key ON revisions (bus, rule) WHERE until_generation IS NULL;

CREATE TABLE routes (
    id     BIGINT  NOT NULL PRIMARY KEY,
    bus    BIGINT  NOT NULL CONSTRAINT routes_bus_fkey REFERENCES buses (number),
    rule   TEXT    NOT NULL,
    target TEXT    NOT NULL,
    closed BOOLEAN NOT NULL
);

-- At most one route of a rule and target is open.
CREATE UNIQUE INDEX routes_open_key ON routes (bus, rule, target) WHERE NOT closed;

INSERT INTO buses (number, name, generation, deleted) VALUES (1, 'default', 1, FALSE);
INSERT INTO catalog (id, log_uuid, last_bus, last_route) VALUES (1, NULL, 1, 0);
