//! What does not belong to one database's tables: schemas, databases, the role, settings,
//! connections, time zones.

use jiff::Timestamp;
use value::Interval;

use super::ROLE;
use super::cell::{NULL, Push, integers, row, texts};
use super::picture::Picture;
use crate::expression::Session;
use crate::function::zone;
use crate::{Arena, Datum, Result, Scalar};

super::tables! {
    "pg_catalog";
    pg_namespace 2615 namespaces {
        oid OID, nspname NAME, nspowner OID, nspacl [ACLITEM]
    }
    pg_database 1262 databases {
        oid OID, datname NAME, datdba OID, encoding INT4, datlocprovider CHAR, datistemplate BOOL,
        datallowconn BOOL, datconnlimit INT4, datfrozenxid XID, datminmxid XID, dattablespace OID,
        datcollate TEXT, datctype TEXT, daticulocale TEXT, datcollversion TEXT, datacl [ACLITEM]
    }
    pg_authid 1260 roles_full {
        oid OID, rolname NAME, rolsuper BOOL, rolinherit BOOL, rolcreaterole BOOL,
        rolcreatedb BOOL, rolcanlogin BOOL, rolreplication BOOL, rolbypassrls BOOL,
        rolconnlimit INT4, rolpassword TEXT, rolvaliduntil TIMESTAMPTZ
    }
    pg_tablespace 1213 tablespaces {
        oid OID, spcname NAME, spcowner OID, spcacl [ACLITEM], spcoptions [TEXT]
    }
    pg_roles 12000 roles {
        rolname NAME, rolsuper BOOL, rolinherit BOOL, rolcreaterole BOOL, rolcreatedb BOOL,
        rolcanlogin BOOL, rolreplication BOOL, rolconnlimit INT4, rolpassword TEXT,
        rolvaliduntil TIMESTAMPTZ, rolbypassrls BOOL, rolconfig [TEXT], oid OID
    }
    pg_user 12014 users {
        usename NAME, usesysid OID, usecreatedb BOOL, usesuper BOOL, userepl BOOL,
        usebypassrls BOOL, passwd TEXT, valuntil TIMESTAMPTZ, useconfig [TEXT]
    }
    pg_shadow 12005 users {
        usename NAME, usesysid OID, usecreatedb BOOL, usesuper BOOL, userepl BOOL,
        usebypassrls BOOL, passwd TEXT, valuntil TIMESTAMPTZ, useconfig [TEXT]
    }
    pg_settings 12104 settings {
        name TEXT, setting TEXT, unit TEXT, category TEXT, short_desc TEXT, extra_desc TEXT,
        context TEXT, vartype TEXT, source TEXT, min_val TEXT, max_val TEXT, enumvals [TEXT],
        boot_val TEXT, reset_val TEXT, sourcefile TEXT, sourceline INT4, pending_restart BOOL
    }
    pg_timezone_names 12126 zone_names {
        name TEXT, abbrev TEXT, utc_offset INTERVAL, is_dst BOOL
    }
    pg_timezone_abbrevs 12122 zone_abbreviations {
        abbrev TEXT, utc_offset INTERVAL, is_dst BOOL
    }
    pg_stat_activity 12222 activity {
        datid OID, datname NAME, pid INT4, leader_pid INT4, usesysid OID, usename NAME,
        application_name TEXT, client_addr TEXT, client_hostname TEXT, client_port INT4,
        backend_start TIMESTAMPTZ, xact_start TIMESTAMPTZ, query_start TIMESTAMPTZ,
        state_change TIMESTAMPTZ, wait_event_type TEXT, wait_event TEXT, state TEXT,
        backend_xid XID, backend_xmin XID, query_id INT8, query TEXT, backend_type TEXT
    }
    pg_locks 12073 locks {
        locktype TEXT, database OID, relation OID, page INT4, tuple INT2, virtualxid TEXT,
        transactionid XID, classid OID, objid OID, objsubid INT2, virtualtransaction TEXT,
        pid INT4, mode TEXT, granted BOOL, fastpath BOOL, waitstart TIMESTAMPTZ
    }
    pg_prepared_statements 12095 prepared_statements {
        name TEXT, statement TEXT, prepare_time TIMESTAMPTZ, parameter_types [REGTYPE],
        from_sql BOOL, generic_plans INT8, custom_plans INT8
    }
    pg_cursors 12077 cursors {
        name TEXT, statement TEXT, is_holdable BOOL, is_binary BOOL, is_scrollable BOOL,
        creation_time TIMESTAMPTZ
    }
    pg_stat_database 12266 database_statistics {
        datid OID, datname NAME, numbackends INT4, xact_commit INT8, xact_rollback INT8,
        blks_read INT8, blks_hit INT8, tup_returned INT8, tup_fetched INT8, tup_inserted INT8,
        tup_updated INT8, tup_deleted INT8, conflicts INT8, temp_files INT8, temp_bytes INT8,
        deadlocks INT8, checksum_failures INT8, checksum_last_failure TIMESTAMPTZ,
        blk_read_time FLOAT8, blk_write_time FLOAT8, session_time FLOAT8, active_time FLOAT8,
        idle_in_transaction_time FLOAT8, sessions INT8, sessions_abandoned INT8,
        sessions_fatal INT8, sessions_killed INT8, stats_reset TIMESTAMPTZ
    }
}

/// UTF8.
const ENCODING: i32 = 6;
/// pg_tablespace.oid of pg_default.
const DEFAULT_SPACE: u32 = 1663;

fn namespaces<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for (number, name) in Picture::of(session).schemas() {
        row!(push; number, arena.text(name), ROLE, NULL);
    }
    Ok(())
}

fn databases<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for (name, database) in &session.catalogue().databases {
        row!(push; database.id.0, arena.text(name), ROLE, ENCODING, "c", false, true, -1, 0, 0,
            DEFAULT_SPACE, "C", "C.UTF-8", NULL, NULL, NULL);
    }
    Ok(())
}

fn tablespaces<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    row!(push; DEFAULT_SPACE, "pg_default", ROLE, NULL, NULL);
    row!(push; 1664, "pg_global", ROLE, NULL, NULL);
    Ok(())
}

// Without accounts there is one role, whoever it is called by, and it may do everything.

fn roles<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let name = arena.text(session.user());
    row!(push; name, true, true, true, true, true, true, -1, "********", NULL, true, NULL, ROLE);
    Ok(())
}

fn roles_full<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let name = arena.text(session.user());
    row!(push; ROLE, name, true, true, true, true, true, true, true, -1, NULL, NULL);
    Ok(())
}

fn users<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    row!(push; arena.text(session.user()), ROLE, true, true, true, true, "********", NULL, NULL);
    Ok(())
}

fn settings<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let text = |text: &Option<String>| text.as_ref().map(|text| arena.text(text));
    for s in session.settings() {
        let values = match s.values.is_empty() {
            true => NULL,
            false => texts(arena, s.values.iter().map(String::as_str))?,
        };
        row!(push; arena.text(&s.name), arena.text(&s.value), s.unit, s.category,
            arena.text(&s.description), NULL, s.context, s.ty, s.source, text(&s.min), text(&s.max),
            values, text(&s.boot), text(&s.reset), NULL, NULL, false);
    }
    Ok(())
}

fn offset<'a>(seconds: i32) -> Datum<'a> {
    Datum::Interval(Interval { months: 0, days: 0, micros: i64::from(seconds) * 1_000_000 })
}

fn zone_names<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let now = Timestamp::from_microsecond(session.transaction_time()).unwrap_or_default();
    let database = jiff::tz::db();
    for name in database.available() {
        let Ok(found) = database.get(name.as_str()) else { continue };
        let info = found.to_offset_info(now);
        row!(push; arena.text(name.as_str()), arena.text(info.abbreviation()),
            offset(info.offset().seconds()), info.dst().is_dst());
    }
    Ok(())
}

/// Abbreviations that may be known, and whether each means summer time.
const ABBREVIATIONS: &[(&str, bool)] = &[
    ("ACDT", true),
    ("ACST", false),
    ("ADT", true),
    ("AEDT", true),
    ("AEST", false),
    ("AKDT", true),
    ("AKST", false),
    ("AST", false),
    ("AWST", false),
    ("BST", true),
    ("CDT", true),
    ("CEST", true),
    ("CET", false),
    ("CST", false),
    ("EDT", true),
    ("EEST", true),
    ("EET", false),
    ("EST", false),
    ("GMT", false),
    ("HST", false),
    ("IST", false),
    ("JST", false),
    ("KST", false),
    ("MDT", true),
    ("MEST", true),
    ("MESZ", true),
    ("MET", false),
    ("MEZ", false),
    ("MSD", true),
    ("MSK", false),
    ("MST", false),
    ("NZDT", true),
    ("NZST", false),
    ("PDT", true),
    ("PKT", false),
    ("PST", false),
    ("SAST", false),
    ("UT", false),
    ("UTC", false),
    ("WET", false),
    ("Z", false),
    ("ZULU", false),
];

fn zone_abbreviations<'a>(_: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for (name, summer) in ABBREVIATIONS {
        if let Some(seconds) = zone::abbreviation(&name.to_ascii_lowercase()) {
            row!(push; *name, offset(seconds), *summer);
        }
    }
    Ok(())
}

fn time<'a>(micros: Option<i64>) -> Datum<'a> {
    micros.map_or(NULL, Datum::TimestampTz)
}

fn activity<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for a in session.activity() {
        let (database, name) = a.database.map_or((None, None), |(n, name)| (Some(n), Some(name)));
        let user = a.user.as_ref();
        row!(push; database, name.map(|name| arena.text(&name)), a.pid, NULL, user.map(|_| ROLE),
            user.map(|user| arena.text(user)), arena.text(&a.application),
            a.client_address.map(|address| arena.text(&address)), NULL, a.client_port,
            time(a.started), time(a.transaction_started), time(a.statement_started),
            time(a.state_changed), a.wait_event_type, a.wait_event, a.state, NULL, NULL, NULL,
            arena.text(&a.query), a.kind);
    }
    Ok(())
}

fn locks<'a>(session: &dyn Session, _: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for l in session.locks() {
        row!(push; l.kind, l.database, l.relation, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            l.pid, l.mode, l.granted, false, time(l.wait_started));
    }
    Ok(())
}

fn prepared_statements<'a>(
    session: &dyn Session,
    arena: &'a Arena,
    push: Push<'_, 'a>,
) -> Result<()> {
    for p in session.prepared_statements() {
        let types = p.parameters.iter().map(|ty| i64::from(ty.oid()));
        row!(push; arena.text(&p.name), arena.text(&p.statement), time(p.time),
            integers(arena, Scalar::Regtype, types)?, p.from_sql, NULL, NULL);
    }
    Ok(())
}

fn cursors<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    for c in session.cursors() {
        row!(push; arena.text(&c.name), arena.text(&c.statement), c.holdable, c.binary,
            c.scrollable, time(c.time));
    }
    Ok(())
}

/// Connections are known; the rest is not counted.
fn database_statistics<'a>(
    session: &dyn Session,
    arena: &'a Arena,
    push: Push<'_, 'a>,
) -> Result<()> {
    let activity = session.activity();
    for (name, database) in &session.catalogue().databases {
        let here = |a: &&super::report::Activity| {
            a.database.as_ref().is_some_and(|(number, _)| *number == database.id.0)
        };
        let count = i32::try_from(activity.iter().filter(here).count()).unwrap_or(i32::MAX);
        row!(push; database.id.0, arena.text(name), count, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL);
    }
    Ok(())
}
