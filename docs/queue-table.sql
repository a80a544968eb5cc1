-- The table that events go to. Any name and schema; further columns need a default, or be nullable.
CREATE TABLE events (
    id           text PRIMARY KEY,   -- webhook id: the same for every attempt, so a repetition vanishes
    type         text NOT NULL,
    source       text NOT NULL,
    subject      text,
    time         timestamptz,        -- the event's own, if it has one
    bus          text NOT NULL,
    hops         smallint NOT NULL,  -- tramline-hops: to be sent along when the event is published again
    content_type text,               -- of the column event
    attributes   json,               -- binary mode: the event's attributes; null in structured mode
    event        bytea NOT NULL      -- structured mode: the event in JSON format; binary mode: its data
);
