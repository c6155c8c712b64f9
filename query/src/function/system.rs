//! Functions about the session, the server and the catalogue.
//!
//! Everything comes through [`Session`](crate::expression::Session): the same call gives the same
//! answer in any query. What psql, pg_dump and drivers call while they look at a database is here;
//! where PostgreSQL would answer NULL for an object that does not exist, so does this.
//!
//! Rights do not exist yet, so every has_…_privilege is true for what exists.

use model::CollectionId;

use super::float::domain;
use super::names::*;
use super::{Arguments, Call, array};
use crate::cast::registered::{
    self, ROLE, find_class, quote_ident, schemas, split_name, type_named,
};
use crate::expression::Session;
use crate::system::{self, definition};
use crate::{Datum, Error, ErrorKind, Result, Scalar, Type};

/// pg_database_encoding: UTF8's number.
const UTF8: i64 = 6;

fn oid(n: i64) -> Option<u32> {
    u32::try_from(n).ok()
}

fn optional<'a>(call: &Call<'a, '_>, text: Option<String>) -> Datum<'a> {
    text.map_or(Datum::Null, |text| call.text(&text))
}

fn yes<'a>(_: &Call<'a, '_>, _: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(Datum::Bool(true))
}

fn no<'a>(_: &Call<'a, '_>, _: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(Datum::Bool(false))
}

fn null<'a>(_: &Call<'a, '_>, _: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(Datum::Null)
}

/// The search path's schemas that exist.
fn existing_schemas(session: &dyn Session) -> Vec<String> {
    let mut path = session.search_path();
    path.retain(|name| name == "public" || session.schema_number(name).is_some());
    path
}

fn current_schemas<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let mut names = existing_schemas(call.session());
    if a.bool(0)? && !names.iter().any(|name| name == "pg_catalog") {
        names.insert(0, "pg_catalog".to_owned());
    }
    let names: Vec<Datum<'_>> = names.iter().map(|name| Datum::Text(name)).collect();
    Ok(call.array(&array::encode(&names, Scalar::Name)?))
}

fn current_setting<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let name = a.text(0)?;
    if let Some(value) = call.session().setting(&name.to_ascii_lowercase()) {
        return Ok(call.text(&value));
    }
    if a.len() > 1 && a.bool(1)? {
        return Ok(Datum::Null);
    }
    Err(super::no_setting(name))
}

fn set_config<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Err(domain("22004", "SET requires parameter name"));
    }
    let name = a.text(0)?.to_ascii_lowercase();
    let value = if a.null(1) { "" } else { a.text(1)? };
    let local = !a.null(2) && a.bool(2)?;
    call.session().set_setting(&name, value, local)?;
    let shown = call.session().setting(&name).unwrap_or_else(|| value.to_owned());
    Ok(call.text(&shown))
}

/// The sequence's name as the session takes it: qualified, quoted where needed.
fn sequence_name(session: &dyn Session, number: i64) -> Result<String> {
    match oid(number).and_then(|number| session.relation_name(number)) {
        Some((schema, name)) => Ok(format!("{}.{}", quote_ident(&schema), quote_ident(&name))),
        None => {
            let message = format!("could not open relation with OID {number}");
            Err(Error::new(ErrorKind::Name, "XX000", message))
        }
    }
}

/// CREATE INDEX of an index, or one of its columns where `column` is above 0. The pretty form
/// leaves out the schema that is found without it.
fn index_definition(
    session: &dyn Session,
    number: u32,
    column: i64,
    pretty: bool,
) -> Option<String> {
    let catalogue = session.catalogue();
    let (collection, key) = definition::key_by_number(&catalogue, session.database_id(), number)?;
    if let Ok(place @ 1..) = usize::try_from(column) {
        let element = key.elements.get(place - 1)?;
        return Some(definition::element(collection, element));
    }
    let plain = pretty && is_visible(session, collection.id.0);
    let table = match plain {
        true => quote_ident(&collection.name),
        false => definition::qualified(collection),
    };
    Some(definition::index(collection, &key, &table, pretty))
}

/// The text of a constraint, as ALTER TABLE … ADD CONSTRAINT takes it. Constraints are numbered
/// after their tables, mostly soon after.
fn constraint_definition(session: &dyn Session, number: u32, pretty: bool) -> Option<String> {
    let (catalogue, database) = (session.catalogue(), session.database_id());
    let older = catalogue.collections.range(..CollectionId(number)).rev();
    let newer = catalogue.collections.range(CollectionId(number)..);
    older
        .chain(newer)
        .filter(|(_, collection)| collection.database == database)
        .find_map(|(_, collection)| definition::constraint(collection, number, pretty))
}

fn index_call<'a>(call: &Call<'a, '_>, number: i64, column: i64, pretty: bool) -> Datum<'a> {
    let text = oid(number).and_then(|n| index_definition(call.session(), n, column, pretty));
    optional(call, text)
}

fn constraint_call<'a>(call: &Call<'a, '_>, number: i64, pretty: bool) -> Datum<'a> {
    let text = oid(number).and_then(|n| constraint_definition(call.session(), n, pretty));
    optional(call, text)
}

/// The sequence that a column owns: `public.t_id_seq`.
fn serial_sequence<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let session = call.session();
    let number = registered::class(session, a.text(0)?)?;
    let wanted = a.text(1)?;
    let catalogue = session.catalogue();
    let collection =
        oid(number).and_then(|number| catalogue.collections.get(&CollectionId(number)));
    let column = collection.and_then(|collection| collection.column(wanted));
    let (Some(collection), Some(column)) = (collection, column) else {
        let table = split_name(a.text(0)?)?.pop().unwrap_or_default();
        let message = format!("column \"{wanted}\" of relation \"{table}\" does not exist");
        return Err(Error::new(ErrorKind::Name, "42703", message));
    };
    let sequence = collection.sequences.get(&column.id);
    let name = sequence.and_then(|number| sequence_name(session, number.0.into()).ok());
    Ok(optional(call, name))
}

/// Whether a relation of this number is found by its name alone.
fn is_visible(session: &dyn Session, number: u32) -> bool {
    let Some((_, name)) = session.relation_name(number) else { return false };
    let path = schemas(session, None);
    let first = path.iter().find_map(|schema| session.relation_number(schema, &name));
    first == Some(number)
}

fn visible<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let session = call.session();
    let number = oid(a.int(0)?).filter(|number| session.relation_name(*number).is_some());
    Ok(number.map_or(Datum::Null, |number| Datum::Bool(is_visible(session, number))))
}

fn type_visible<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let known = oid(a.int(0)?).and_then(system::type_name);
    Ok(known.map_or(Datum::Null, |_| Datum::Bool(true)))
}

fn format_type<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    if a.null(0) {
        return Ok(Datum::Null);
    }
    let modifier = if a.null(1) { -1 } else { a.int(1)? as i32 };
    let number = oid(a.int(0)?);
    Ok(match (number, number.and_then(Type::from_oid)) {
        (Some(0), _) => Datum::Text("-"),
        (_, Some(ty)) => call.text(&ty.display(modifier)),
        (number, None) => match number.and_then(system::type_name) {
            Some(name) => call.text(&name),
            None => Datum::Text("???"),
        },
    })
}

fn user_by_id<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(match a.int(0)? {
        ROLE => call.text(call.session().user()),
        other => call.text(&format!("unknown (OID={other})")),
    })
}

fn size<'a>(call: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let size = oid(a.int(0)?).and_then(|number| call.session().relation_size(number));
    Ok(size.map_or(Datum::Null, Datum::Int))
}

/// All relations of the session's database.
fn database_size<'a>(call: &Call<'a, '_>, _: &[Datum<'a>]) -> Result<Datum<'a>> {
    let (session, catalogue) = (call.session(), call.session().catalogue());
    let collections = catalogue.collections_of(session.database_id());
    let sizes = collections.filter_map(|collection| session.relation_size(collection.id.0));
    Ok(Datum::Int(sizes.sum()))
}

/// `10 bytes`, `10 kB`: below 10240 of a unit, rounded half away from zero.
fn pretty(mut n: i128) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let (mut unit, mut halves) = (0, false);
    loop {
        let limit = if unit == 0 { 10 * 1024 } else { 20 * 1024 - 1 };
        if n.abs() < limit || unit + 1 == UNITS.len() {
            if halves {
                n = if n < 0 { (n - 1) / 2 } else { (n + 1) / 2 };
            }
            return format!("{n} {}", UNITS.get(unit).unwrap_or(&""));
        }
        // Kept in halves of the unit, so that one bit more decides the rounding.
        n /= if halves { 1024 } else { 512 };
        halves = true;
        unit += 1;
    }
}

fn encoding_name<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(Datum::Text(match a.int(0)? {
        0 => "SQL_ASCII",
        UTF8 => "UTF8",
        8 => "LATIN1",
        _ => "",
    }))
}

fn encoding_number<'a>(_: &Call<'a, '_>, a: &[Datum<'a>]) -> Result<Datum<'a>> {
    let plain: String = a.text(0)?.chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(Datum::Int(match plain.to_ascii_lowercase().as_str() {
        "utf8" | "unicode" => UTF8,
        "sqlascii" => 0,
        "latin1" | "iso88591" => 8,
        _ => -1,
    }))
}

fn to_number<'a>(found: Option<i64>) -> Result<Datum<'a>> {
    Ok(found.map_or(Datum::Null, Datum::Int))
}

fn version() -> String {
    format!("PostgreSQL 15.0 (Qanat {})", env!("CARGO_PKG_VERSION"))
}

macro_rules! privileges {
    ($($name:literal;)*) => { &[$(
        f(concat!("sql.", $name, "_text"), $name, &[TEXT, TEXT], BOOL, yes).stable(),
        f(concat!("sql.", $name, "_oid"), $name, &[OID, TEXT], BOOL, yes).stable(),
        f(concat!("sql.", $name, "_name_text"), $name, &[NAME, TEXT, TEXT], BOOL, yes).stable(),
        f(concat!("sql.", $name, "_name_oid"), $name, &[NAME, OID, TEXT], BOOL, yes).stable(),
        f(concat!("sql.", $name, "_oid_text"), $name, &[OID, TEXT, TEXT], BOOL, yes).stable(),
        f(concat!("sql.", $name, "_oid_oid"), $name, &[OID, OID, TEXT], BOOL, yes).stable(),
    )*] };
}

/// Whether the user may; while there are no rights, what exists may be used.
pub(super) static PRIVILEGES: &[Function] = privileges! {
    "has_table_privilege"; "has_any_column_privilege"; "has_sequence_privilege";
    "has_schema_privilege";
    "has_database_privilege"; "has_function_privilege"; "has_language_privilege";
    "has_type_privilege";
    "has_tablespace_privilege"; "has_foreign_data_wrapper_privilege"; "has_server_privilege";
    "pg_has_role";
};

macro_rules! visibilities {
    ($($name:literal;)*) => { &[$(f(concat!("sql.", $name), $name, &[OID], BOOL,
        yes).stable(),)*] };
}

/// There is one of each kind, and it is on the path.
pub(super) static VISIBILITIES: &[Function] = visibilities! {
    "pg_function_is_visible"; "pg_operator_is_visible"; "pg_opclass_is_visible";
    "pg_opfamily_is_visible";
    "pg_collation_is_visible"; "pg_conversion_is_visible"; "pg_ts_config_is_visible";
    "pg_ts_dict_is_visible";
    "pg_ts_parser_is_visible"; "pg_ts_template_is_visible"; "pg_statistics_obj_is_visible";
};

macro_rules! nothings {
    ($($id:literal $name:literal [$($ty:ident),*] $result:ident;)*) => { &[$(
        f(concat!("sql.", $id), $name, &[$($ty),*], $result, null).stable(),
    )*] };
}

/// What PostgreSQL answers with NULL where there is no such object, and here there is none.
pub(super) static NOTHINGS: &[Function] = nothings! {
    "obj_description" "obj_description" [OID, NAME] TEXT;
    "obj_description_oid" "obj_description" [OID] TEXT;
    "col_description" "col_description" [OID, INT4] TEXT;
    "shobj_description" "shobj_description" [OID, NAME] TEXT;
    "pg_get_viewdef" "pg_get_viewdef" [OID] TEXT;
    "pg_get_viewdef_pretty" "pg_get_viewdef" [OID, BOOL] TEXT;
    "pg_get_viewdef_wrap" "pg_get_viewdef" [OID, INT4] TEXT;
    "pg_get_ruledef" "pg_get_ruledef" [OID] TEXT;
    "pg_get_ruledef_pretty" "pg_get_ruledef" [OID, BOOL] TEXT;
    "pg_get_triggerdef" "pg_get_triggerdef" [OID] TEXT;
    "pg_get_triggerdef_pretty" "pg_get_triggerdef" [OID, BOOL] TEXT;
    "pg_get_partkeydef" "pg_get_partkeydef" [OID] TEXT;
    "pg_get_partition_constraintdef" "pg_get_partition_constraintdef" [OID] TEXT;
    "pg_get_statisticsobjdef" "pg_get_statisticsobjdef" [OID] TEXT;
    "pg_get_statisticsobjdef_columns" "pg_get_statisticsobjdef_columns" [OID] TEXT;
    "pg_get_functiondef" "pg_get_functiondef" [OID] TEXT;
    "pg_get_function_sqlbody" "pg_get_function_sqlbody" [OID] TEXT;
    "pg_tablespace_location" "pg_tablespace_location" [OID] TEXT;
    "pg_relation_filenode" "pg_relation_filenode" [REGCLASS] OID;
    "pg_filenode_relation" "pg_filenode_relation" [OID, OID] REGCLASS;
    "inet_server_addr" "inet_server_addr" [] TEXT;
    "inet_server_port" "inet_server_port" [] INT4;
    "inet_client_addr" "inet_client_addr" [] TEXT;
    "inet_client_port" "inet_client_port" [] INT4;
    "pg_stat_get_numscans" "pg_stat_get_numscans" [OID] INT8;
    "pg_stat_get_live_tuples" "pg_stat_get_live_tuples" [OID] INT8;
    "pg_stat_get_dead_tuples" "pg_stat_get_dead_tuples" [OID] INT8;
    "pg_last_wal_receive_lsn" "pg_last_wal_receive_lsn" [] PG_LSN;
    "pg_last_wal_replay_lsn" "pg_last_wal_replay_lsn" [] PG_LSN;
    "pg_last_xact_replay_timestamp" "pg_last_xact_replay_timestamp" [] TIMESTAMPTZ;
};

pub(super) static TABLE: &[Function] = &[
    f("sql.version", "version", &[], TEXT, |c, _| Ok(c.text(&version()))).stable(),
    f("sql.current_database", "current_database", &[], NAME, |c, _| {
        Ok(Datum::Text(c.session().database()))
    })
    .stable(),
    f("sql.current_catalog", "current_catalog", &[], NAME, |c, _| {
        Ok(Datum::Text(c.session().database()))
    })
    .stable(),
    f("sql.current_schema", "current_schema", &[], NAME, |c, _| {
        Ok(optional(c, existing_schemas(c.session()).into_iter().next()))
    })
    .stable(),
    f(
        "sql.current_schemas",
        "current_schemas",
        &[BOOL],
        Type::array_of(Scalar::Name),
        current_schemas,
    )
    .stable(),
    f("sql.current_user", "current_user", &[], NAME, |c, _| Ok(Datum::Text(c.session().user())))
        .stable(),
    f("sql.session_user", "session_user", &[], NAME, |c, _| Ok(Datum::Text(c.session().user())))
        .stable(),
    f("sql.getpgusername", "getpgusername", &[], NAME, |c, _| Ok(Datum::Text(c.session().user())))
        .stable(),
    f("sql.current_setting", "current_setting", &[TEXT], TEXT, current_setting).stable(),
    f("sql.current_setting_missing", "current_setting", &[TEXT, BOOL], TEXT, current_setting)
        .stable(),
    f("sql.set_config", "set_config", &[TEXT, TEXT, BOOL], TEXT, set_config).called().volatile(),
    f("sql.pg_backend_pid", "pg_backend_pid", &[], INT4, |c, _| {
        Ok(Datum::Int(c.session().backend_pid().into()))
    })
    .stable(),
    f("sql.pg_typeof", "pg_typeof", &[ANY], REGTYPE, |c, _| Ok(Datum::Int(c.ty(0).oid().into())))
        .each()
        .called()
        .stable(),
    f("sql.format_type", "format_type", &[OID, INT4], TEXT, format_type).called().stable(),
    f("sql.pg_get_expr", "pg_get_expr", &[PG_NODE_TREE, OID], TEXT, |_, a| {
        Ok(Datum::Text(a.text(0)?))
    })
    .stable(),
    f("sql.pg_get_expr_pretty", "pg_get_expr", &[PG_NODE_TREE, OID, BOOL], TEXT, |_, a| {
        let text = a.text(0)?;
        Ok(Datum::Text(if a.bool(2)? { definition::pretty(text) } else { text }))
    })
    .stable(),
    f("sql.pg_get_constraintdef", "pg_get_constraintdef", &[OID], TEXT, |c, a| {
        Ok(constraint_call(c, a.int(0)?, false))
    })
    .stable(),
    f("sql.pg_get_constraintdef_pretty", "pg_get_constraintdef", &[OID, BOOL], TEXT, |c, a| {
        Ok(constraint_call(c, a.int(0)?, a.bool(1)?))
    })
    .stable(),
    f("sql.pg_get_indexdef", "pg_get_indexdef", &[OID], TEXT, |c, a| {
        Ok(index_call(c, a.int(0)?, 0, false))
    })
    .stable(),
    f("sql.pg_get_indexdef_column", "pg_get_indexdef", &[OID, INT4, BOOL], TEXT, |c, a| {
        Ok(index_call(c, a.int(0)?, a.int(1)?, a.bool(2)?))
    })
    .stable(),
    f("sql.pg_get_function_arguments", "pg_get_function_arguments", &[OID], TEXT, |c, a| {
        Ok(optional(c, oid(a.int(0)?).and_then(system::function_arguments)))
    })
    .stable(),
    f(
        "sql.pg_get_function_identity_arguments",
        "pg_get_function_identity_arguments",
        &[OID],
        TEXT,
        |c, a| Ok(optional(c, oid(a.int(0)?).and_then(system::function_arguments))),
    )
    .stable(),
    f("sql.pg_get_function_result", "pg_get_function_result", &[OID], TEXT, |c, a| {
        Ok(optional(c, oid(a.int(0)?).and_then(system::function_result)))
    })
    .stable(),
    f("sql.pg_get_serial_sequence", "pg_get_serial_sequence", &[TEXT, TEXT], TEXT, serial_sequence)
        .stable(),
    f("sql.pg_get_userbyid", "pg_get_userbyid", &[OID], NAME, user_by_id).stable(),
    f("sql.pg_table_is_visible", "pg_table_is_visible", &[OID], BOOL, visible).stable(),
    f("sql.pg_type_is_visible", "pg_type_is_visible", &[OID], BOOL, type_visible).stable(),
    f("sql.has_column_privilege", "has_column_privilege", &[TEXT, TEXT, TEXT], BOOL, yes).stable(),
    f("sql.has_column_privilege_number", "has_column_privilege", &[OID, INT2, TEXT], BOOL, yes)
        .stable(),
    f("sql.has_column_privilege_oid", "has_column_privilege", &[OID, TEXT, TEXT], BOOL, yes)
        .stable(),
    f("sql.row_security_active", "row_security_active", &[OID], BOOL, no).stable(),
    f("sql.pg_encoding_to_char", "pg_encoding_to_char", &[INT4], NAME, encoding_name).stable(),
    f("sql.pg_char_to_encoding", "pg_char_to_encoding", &[NAME], INT4, encoding_number).stable(),
    // No advisory lock can be held, since the functions that take one are refused: what a pool of
    // connections sends before it lends one is done.
    f("sql.pg_advisory_unlock_all", "pg_advisory_unlock_all", &[], VOID, |_, _| {
        Ok(Datum::Text(""))
    })
    .volatile(),
    f("sql.getdatabaseencoding", "getdatabaseencoding", &[], NAME, |_, _| Ok(Datum::Text("UTF8")))
        .stable(),
    f("sql.pg_client_encoding", "pg_client_encoding", &[], NAME, |_, _| Ok(Datum::Text("UTF8")))
        .stable(),
    f("sql.pg_relation_size", "pg_relation_size", &[REGCLASS], INT8, size).volatile(),
    f("sql.pg_relation_size_fork", "pg_relation_size", &[REGCLASS, TEXT], INT8, size).volatile(),
    f("sql.pg_total_relation_size", "pg_total_relation_size", &[REGCLASS], INT8, size).volatile(),
    f("sql.pg_table_size", "pg_table_size", &[REGCLASS], INT8, size).volatile(),
    f("sql.pg_indexes_size", "pg_indexes_size", &[REGCLASS], INT8, |_, _| Ok(Datum::Int(0)))
        .volatile(),
    f("sql.pg_database_size_name", "pg_database_size", &[NAME], INT8, database_size).volatile(),
    f("sql.pg_database_size_oid", "pg_database_size", &[OID], INT8, database_size).volatile(),
    f("sql.pg_tablespace_size", "pg_tablespace_size", &[OID], INT8, |_, _| Ok(Datum::Int(0)))
        .volatile(),
    f("sql.pg_size_pretty", "pg_size_pretty", &[INT8], TEXT, |c, a| {
        Ok(c.text(&pretty(a.int(0)?.into())))
    }),
    f("sql.pg_size_pretty_numeric", "pg_size_pretty", &[NUMERIC], TEXT, |c, a| {
        let n = a.decimal(0)?.to_i128().unwrap_or(i128::MAX);
        Ok(c.text(&pretty(n)))
    }),
    f("sql.to_regclass", "to_regclass", &[TEXT], REGCLASS, |c, a| {
        to_number(find_class(c.session(), a.text(0)?)?)
    })
    .stable(),
    f("sql.to_regtype", "to_regtype", &[TEXT], REGTYPE, |_, a| {
        to_number(type_named(a.text(0)?).map(|(ty, _)| ty.oid().into()))
    })
    .stable(),
    f("sql.to_regproc", "to_regproc", &[TEXT], REGPROC, |_, a| {
        let name = split_name(a.text(0)?)?.pop().unwrap_or_default();
        let found = system::function_number(&name).filter(|(_, count)| *count == 1);
        to_number(found.map(|(number, _)| number.into()))
    })
    .stable(),
    f("sql.to_regnamespace", "to_regnamespace", &[TEXT], REGNAMESPACE, |c, a| {
        let name = split_name(a.text(0)?)?.pop().unwrap_or_default();
        to_number(c.session().schema_number(&name).map(i64::from))
    })
    .stable(),
    f("sql.to_regrole", "to_regrole", &[TEXT], REGROLE, |c, a| {
        let name = split_name(a.text(0)?)?.pop().unwrap_or_default();
        to_number((name == c.session().user()).then_some(ROLE))
    })
    .stable(),
    f("sql.nextval", "nextval", &[REGCLASS], INT8, |c, a| {
        let name = sequence_name(c.session(), a.int(0)?)?;
        c.session().nextval(&name).map(Datum::Int)
    })
    .volatile(),
    f("sql.currval", "currval", &[REGCLASS], INT8, |c, a| {
        let name = sequence_name(c.session(), a.int(0)?)?;
        c.session().currval(Some(&name)).map(Datum::Int)
    })
    .volatile(),
    f("sql.lastval", "lastval", &[], INT8, |c, _| c.session().currval(None).map(Datum::Int))
        .volatile(),
    f("sql.setval", "setval", &[REGCLASS, INT8], INT8, |c, a| {
        let name = sequence_name(c.session(), a.int(0)?)?;
        c.session().setval(&name, a.int(1)?, true).map(Datum::Int)
    })
    .volatile(),
    f("sql.setval_called", "setval", &[REGCLASS, INT8, BOOL], INT8, |c, a| {
        let name = sequence_name(c.session(), a.int(0)?)?;
        c.session().setval(&name, a.int(1)?, a.bool(2)?).map(Datum::Int)
    })
    .volatile(),
    f("sql.txid_current", "txid_current", &[], INT8, |c, _| {
        Ok(Datum::Int(c.session().transaction_id()))
    })
    .stable(),
    f("sql.pg_is_in_recovery", "pg_is_in_recovery", &[], BOOL, no).volatile(),
    f("sql.pg_is_other_temp_schema", "pg_is_other_temp_schema", &[OID], BOOL, no).stable(),
    f("sql.pg_my_temp_schema", "pg_my_temp_schema", &[], OID, |_, _| Ok(Datum::Int(0))).stable(),
    f("sql.pg_relation_is_publishable", "pg_relation_is_publishable", &[REGCLASS], BOOL, no)
        .stable(),
    f(
        "sql.pg_relation_is_updatable",
        "pg_relation_is_updatable",
        &[REGCLASS, BOOL],
        INT4,
        |_, _| Ok(Datum::Int(28)),
    )
    .stable(),
    f("sql.pg_jit_available", "pg_jit_available", &[], BOOL, no).volatile(),
    f("sql.pg_postmaster_start_time", "pg_postmaster_start_time", &[], TIMESTAMPTZ, |c, _| {
        Ok(Datum::TimestampTz(c.session().start_time()))
    })
    .stable(),
    f("sql.pg_conf_load_time", "pg_conf_load_time", &[], TIMESTAMPTZ, |c, _| {
        Ok(Datum::TimestampTz(c.session().start_time()))
    })
    .stable(),
    f("sql.pg_cancel_backend", "pg_cancel_backend", &[INT4], BOOL, |c, a| {
        c.session().signal(a.int4(0)?, false).map(Datum::Bool)
    })
    .volatile(),
    f("sql.pg_terminate_backend", "pg_terminate_backend", &[INT4], BOOL, |c, a| {
        c.session().signal(a.int4(0)?, true).map(Datum::Bool)
    })
    .volatile(),
    f("sql.gen_random_uuid", "gen_random_uuid", &[], UUID, |c, _| {
        Ok(Datum::Uuid(c.session().uuid()))
    })
    .volatile(),
];
