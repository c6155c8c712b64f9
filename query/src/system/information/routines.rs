//! information_schema.routines and parameters: the functions that can be called.

use super::typed::data_type;
use crate::expression::Session;
use crate::system::cell::{NULL, Push, row, yes};
use crate::system::facts;
use crate::system::functions::{Procedure, procedures};
use crate::{Arena, Result, Type};

crate::system::tables! {
    "information_schema";
    routines 13377 routines {
        specific_catalog NAME, specific_schema NAME, specific_name NAME, routine_catalog NAME,
        routine_schema NAME, routine_name NAME, routine_type VARCHAR, module_catalog NAME,
        module_schema NAME, module_name NAME, udt_catalog NAME, udt_schema NAME, udt_name NAME,
        data_type VARCHAR, character_maximum_length INT4, character_octet_length INT4,
        character_set_catalog NAME, character_set_schema NAME, character_set_name NAME,
        collation_catalog NAME, collation_schema NAME, collation_name NAME, numeric_precision INT4,
        numeric_precision_radix INT4, numeric_scale INT4, datetime_precision INT4,
        interval_type VARCHAR, interval_precision INT4, type_udt_catalog NAME,
        type_udt_schema NAME, type_udt_name NAME, scope_catalog NAME, scope_schema NAME,
        scope_name NAME, maximum_cardinality INT4, dtd_identifier NAME, routine_body VARCHAR,
        routine_definition VARCHAR, external_name VARCHAR, external_language VARCHAR,
        parameter_style VARCHAR, is_deterministic VARCHAR, sql_data_access VARCHAR,
        is_null_call VARCHAR, sql_path VARCHAR, schema_level_routine VARCHAR,
        max_dynamic_result_sets INT4, is_user_defined_cast VARCHAR,
        is_implicitly_invocable VARCHAR, security_type VARCHAR, to_sql_specific_catalog NAME,
        to_sql_specific_schema NAME, to_sql_specific_name NAME, as_locator VARCHAR,
        created TIMESTAMPTZ, last_altered TIMESTAMPTZ, new_savepoint_level VARCHAR,
        is_udt_dependent VARCHAR, result_cast_from_data_type VARCHAR,
        result_cast_as_locator VARCHAR, result_cast_char_max_length INT4,
        result_cast_char_octet_length INT4, result_cast_char_set_catalog NAME,
        result_cast_char_set_schema NAME, result_cast_char_set_name NAME,
        result_cast_collation_catalog NAME, result_cast_collation_schema NAME,
        result_cast_collation_name NAME, result_cast_numeric_precision INT4,
        result_cast_numeric_precision_radix INT4, result_cast_numeric_scale INT4,
        result_cast_datetime_precision INT4, result_cast_interval_type VARCHAR,
        result_cast_interval_precision INT4, result_cast_type_udt_catalog NAME,
        result_cast_type_udt_schema NAME, result_cast_type_udt_name NAME,
        result_cast_scope_catalog NAME, result_cast_scope_schema NAME, result_cast_scope_name NAME,
        result_cast_maximum_cardinality INT4, result_cast_dtd_identifier NAME
    }
    parameters 13334 parameters {
        specific_catalog NAME, specific_schema NAME, specific_name NAME, ordinal_position INT4,
        parameter_mode VARCHAR, is_result VARCHAR, as_locator VARCHAR, parameter_name NAME,
        data_type VARCHAR, character_maximum_length INT4, character_octet_length INT4,
        character_set_catalog NAME, character_set_schema NAME, character_set_name NAME,
        collation_catalog NAME, collation_schema NAME, collation_name NAME, numeric_precision INT4,
        numeric_precision_radix INT4, numeric_scale INT4, datetime_precision INT4,
        interval_type VARCHAR, interval_precision INT4, udt_catalog NAME, udt_schema NAME,
        udt_name NAME, scope_catalog NAME, scope_schema NAME, scope_name NAME,
        maximum_cardinality INT4, dtd_identifier NAME, parameter_default VARCHAR
    }
}

/// Name and spelled-out name of a type by its number.
fn type_names(number: u32) -> (&'static str, String) {
    let at = facts::TYPES.binary_search_by_key(&number, |facts| facts.number);
    let name = at.ok().and_then(|at| facts::TYPES.get(at)).map_or("", |facts| facts.name);
    let shown = match Type::from_oid(number) {
        Some(ty) => data_type(ty),
        None => crate::system::type_name(number).unwrap_or_default(),
    };
    (name, shown)
}

fn specific_name(procedure: &Procedure) -> String {
    format!("{}_{}", procedure.name, procedure.number)
}

/// Whether PostgreSQL counts it as a function; aggregates have no kind.
fn kind(procedure: &Procedure) -> Option<&'static str> {
    (procedure.kind == "f").then_some("FUNCTION")
}

fn routines<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for p in procedures() {
        let (name, shown) = type_names(p.result);
        let (specific, shown) = (arena.text(&specific_name(p)), arena.text(&shown));
        row!(push; database, "pg_catalog", specific, database, "pg_catalog", p.name, kind(p),
            NULL, NULL, NULL, NULL, NULL, NULL, shown, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, database, "pg_catalog", name, NULL, NULL,
            NULL, NULL, "0", "EXTERNAL", p.source, NULL, "INTERNAL", "GENERAL",
            yes(p.volatility == "i"), "MODIFIES", yes(p.strict), NULL, "YES", 0, NULL, NULL,
            "INVOKER", NULL, NULL, NULL, "NO", NULL, NULL, NULL, "NO", NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL);
    }
    Ok(())
}

fn parameters<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let database = arena.text(session.database());
    for p in procedures() {
        let specific = arena.text(&specific_name(p));
        for (number, argument) in (1i32..).zip(&p.arguments) {
            let (name, shown) = type_names(*argument);
            row!(push; database, "pg_catalog", specific, number, "IN", "NO", "NO", NULL,
                arena.text(&shown), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL, NULL, database, "pg_catalog", name, NULL, NULL, NULL, NULL,
                arena.text(&number.to_string()), NULL);
        }
    }
    Ok(())
}
