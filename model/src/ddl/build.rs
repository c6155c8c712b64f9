//! CREATE INDEX on a table in use: hidden, filled in small commits, then published.
