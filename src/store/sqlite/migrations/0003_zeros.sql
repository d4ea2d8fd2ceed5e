-- Filled with zeros and emptied again when a user is erased, so that the free pages of the file hold nothing old.
CREATE TABLE zeros (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
