//! Views of pg_catalog over tables, indexes and sequences.
//!
//! Scans, blocks and visits are not counted, so those columns are NULL. Row counts are.

use super::cell::{NULL, Push, row};
use super::definition;
use super::picture::Picture;
use crate::expression::Session;
use crate::{Arena, Result};

super::tables! {
    "pg_catalog";
    pg_tables 12033 tables {
        schemaname NAME, tablename NAME, tableowner NAME, tablespace NAME, hasindexes BOOL,
        hasrules BOOL, hastriggers BOOL, rowsecurity BOOL
    }
    pg_views 12028 views {
        schemaname NAME, viewname NAME, viewowner NAME, definition TEXT
    }
    pg_indexes 12043 indexes {
        schemaname NAME, tablename NAME, indexname NAME, tablespace NAME, indexdef TEXT
    }
    pg_sequences 12048 sequences {
        schemaname NAME, sequencename NAME, sequenceowner NAME, data_type REGTYPE,
        start_value INT8, min_value INT8, max_value INT8, increment_by INT8, cycle BOOL,
        cache_size INT8, last_value INT8
    }
    pg_stat_all_tables 12142 table_statistics {
        relid OID, schemaname NAME, relname NAME, seq_scan INT8, seq_tup_read INT8, idx_scan INT8,
        idx_tup_fetch INT8, n_tup_ins INT8, n_tup_upd INT8, n_tup_del INT8, n_tup_hot_upd INT8,
        n_live_tup INT8, n_dead_tup INT8, n_mod_since_analyze INT8, n_ins_since_vacuum INT8,
        last_vacuum TIMESTAMPTZ, last_autovacuum TIMESTAMPTZ, last_analyze TIMESTAMPTZ,
        last_autoanalyze TIMESTAMPTZ, vacuum_count INT8, autovacuum_count INT8, analyze_count INT8,
        autoanalyze_count INT8
    }
    pg_stat_user_tables 12161 table_statistics {
        relid OID, schemaname NAME, relname NAME, seq_scan INT8, seq_tup_read INT8, idx_scan INT8,
        idx_tup_fetch INT8, n_tup_ins INT8, n_tup_upd INT8, n_tup_del INT8, n_tup_hot_upd INT8,
        n_live_tup INT8, n_dead_tup INT8, n_mod_since_analyze INT8, n_ins_since_vacuum INT8,
        last_vacuum TIMESTAMPTZ, last_autovacuum TIMESTAMPTZ, last_analyze TIMESTAMPTZ,
        last_autoanalyze TIMESTAMPTZ, vacuum_count INT8, autovacuum_count INT8, analyze_count INT8,
        autoanalyze_count INT8
    }
    pg_stat_all_indexes 12183 index_statistics {
        relid OID, indexrelid OID, schemaname NAME, relname NAME, indexrelname NAME, idx_scan INT8,
        idx_tup_read INT8, idx_tup_fetch INT8
    }
    pg_stat_user_indexes 12192 index_statistics {
        relid OID, indexrelid OID, schemaname NAME, relname NAME, indexrelname NAME, idx_scan INT8,
        idx_tup_read INT8, idx_tup_fetch INT8
    }
    pg_statio_all_tables 12170 table_blocks {
        relid OID, schemaname NAME, relname NAME, heap_blks_read INT8, heap_blks_hit INT8,
        idx_blks_read INT8, idx_blks_hit INT8, toast_blks_read INT8, toast_blks_hit INT8,
        tidx_blks_read INT8, tidx_blks_hit INT8
    }
    pg_statio_user_tables 12179 table_blocks {
        relid OID, schemaname NAME, relname NAME, heap_blks_read INT8, heap_blks_hit INT8,
        idx_blks_read INT8, idx_blks_hit INT8, toast_blks_read INT8, toast_blks_hit INT8,
        tidx_blks_read INT8, tidx_blks_hit INT8
    }
    pg_statio_all_indexes 12196 index_blocks {
        relid OID, indexrelid OID, schemaname NAME, relname NAME, indexrelname NAME,
        idx_blks_read INT8, idx_blks_hit INT8
    }
    pg_statio_user_indexes 12205 index_blocks {
        relid OID, indexrelid OID, schemaname NAME, relname NAME, indexrelname NAME,
        idx_blks_read INT8, idx_blks_hit INT8
    }
    pg_statio_all_sequences 12209 sequence_blocks {
        relid OID, schemaname NAME, relname NAME, blks_read INT8, blks_hit INT8
    }
    pg_statio_user_sequences 12218 sequence_blocks {
        relid OID, schemaname NAME, relname NAME, blks_read INT8, blks_hit INT8
    }
}

fn tables<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let owner = arena.text(session.user());
    for table in super::all().filter(|table| !table.is_view()) {
        row!(push; table.schema, table.name, owner, NULL, false, false, false, false);
    }
    for collection in Picture::of(session).collections() {
        let indexed = !definition::keys(collection).is_empty();
        row!(push; arena.text(&collection.schema), arena.text(&collection.name), owner, NULL,
            indexed, false, false, false);
    }
    Ok(())
}

/// The views are made by the program, not by a query: they have no text.
fn views<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let owner = arena.text(session.user());
    for table in super::all().filter(|table| table.is_view()) {
        row!(push; table.schema, table.name, owner, NULL);
    }
    Ok(())
}

fn indexes<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        let name = definition::qualified(collection);
        for key in definition::keys(collection) {
            let text = definition::index(collection, &key, &name, false);
            row!(push; schema, table, arena.text(key.name), NULL, arena.text(&text));
        }
    }
    Ok(())
}

fn sequences<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let owner = arena.text(session.user());
    for s in Picture::of(session).sequences() {
        row!(push; arena.text(&s.schema), arena.text(&s.name), owner, s.ty.oid(), s.start, s.min,
            s.max, s.increment, s.cycle, s.cache, session.sequence_last(s));
    }
    Ok(())
}

fn table_statistics<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for collection in Picture::of(session).collections() {
        row!(push; collection.id.0, arena.text(&collection.schema), arena.text(&collection.name),
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, session.row_count(collection.id),
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    }
    Ok(())
}

fn index_statistics<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for key in definition::keys(collection) {
            let name = arena.text(key.name);
            row!(push; collection.id.0, key.number, schema, table, name, NULL, NULL, NULL);
        }
    }
    Ok(())
}

fn table_blocks<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for collection in Picture::of(session).collections() {
        row!(push; collection.id.0, arena.text(&collection.schema), arena.text(&collection.name),
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    }
    Ok(())
}

fn index_blocks<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for key in definition::keys(collection) {
            let name = arena.text(key.name);
            row!(push; collection.id.0, key.number, schema, table, name, NULL, NULL);
        }
    }
    Ok(())
}

fn sequence_blocks<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for s in Picture::of(session).sequences() {
        row!(push; s.id.0, arena.text(&s.schema), arena.text(&s.name), NULL, NULL);
    }
    Ok(())
}
