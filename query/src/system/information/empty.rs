//! Tables of information_schema that are always empty: what they list does not exist here.

use crate::expression::Session;
use crate::system::cell::Push;
use crate::{Arena, Result};

fn none<'a>(_: &dyn Session, _: &'a Arena, _: Push<'_, 'a>) -> Result<()> {
    Ok(())
}

crate::system::tables! {
    "information_schema";
    referential_constraints 13339 none {
        constraint_catalog NAME, constraint_schema NAME, constraint_name NAME,
        unique_constraint_catalog NAME, unique_constraint_schema NAME, unique_constraint_name NAME,
        match_option VARCHAR, update_rule VARCHAR, delete_rule VARCHAR
    }
    domains 13320 none {
        domain_catalog NAME, domain_schema NAME, domain_name NAME, data_type VARCHAR,
        character_maximum_length INT4, character_octet_length INT4, character_set_catalog NAME,
        character_set_schema NAME, character_set_name NAME, collation_catalog NAME,
        collation_schema NAME, collation_name NAME, numeric_precision INT4,
        numeric_precision_radix INT4, numeric_scale INT4, datetime_precision INT4,
        interval_type VARCHAR, interval_precision INT4, domain_default VARCHAR, udt_catalog NAME,
        udt_schema NAME, udt_name NAME, scope_catalog NAME, scope_schema NAME, scope_name NAME,
        maximum_cardinality INT4, dtd_identifier NAME
    }
    domain_constraints 13310 none {
        constraint_catalog NAME, constraint_schema NAME, constraint_name NAME, domain_catalog NAME,
        domain_schema NAME, domain_name NAME, is_deferrable VARCHAR, initially_deferred VARCHAR
    }
    domain_udt_usage 13315 none {
        udt_catalog NAME, udt_schema NAME, udt_name NAME, domain_catalog NAME, domain_schema NAME,
        domain_name NAME
    }
    applicable_roles 13236 none {
        grantee NAME, role_name NAME, is_grantable VARCHAR
    }
    administrable_role_authorizations 13241 none {
        grantee NAME, role_name NAME, is_grantable VARCHAR
    }
    triggers 13440 none {
        trigger_catalog NAME, trigger_schema NAME, trigger_name NAME, event_manipulation VARCHAR,
        event_object_catalog NAME, event_object_schema NAME, event_object_table NAME,
        action_order INT4, action_condition VARCHAR, action_statement VARCHAR,
        action_orientation VARCHAR, action_timing VARCHAR, action_reference_old_table NAME,
        action_reference_new_table NAME, action_reference_old_row NAME,
        action_reference_new_row NAME, created TIMESTAMPTZ
    }
    triggered_update_columns 13435 none {
        trigger_catalog NAME, trigger_schema NAME, trigger_name NAME, event_object_catalog NAME,
        event_object_schema NAME, event_object_table NAME, event_object_column NAME
    }
    view_column_usage 13468 none {
        view_catalog NAME, view_schema NAME, view_name NAME, table_catalog NAME, table_schema NAME,
        table_name NAME, column_name NAME
    }
    view_table_usage 13478 none {
        view_catalog NAME, view_schema NAME, view_name NAME, table_catalog NAME, table_schema NAME,
        table_name NAME
    }
    view_routine_usage 13473 none {
        table_catalog NAME, table_schema NAME, table_name NAME, specific_catalog NAME,
        specific_schema NAME, specific_name NAME
    }
    user_defined_types 13463 none {
        user_defined_type_catalog NAME, user_defined_type_schema NAME, user_defined_type_name NAME,
        user_defined_type_category VARCHAR, is_instantiable VARCHAR, is_final VARCHAR,
        ordering_form VARCHAR, ordering_category VARCHAR, ordering_routine_catalog NAME,
        ordering_routine_schema NAME, ordering_routine_name NAME, reference_type VARCHAR,
        data_type VARCHAR, character_maximum_length INT4, character_octet_length INT4,
        character_set_catalog NAME, character_set_schema NAME, character_set_name NAME,
        collation_catalog NAME, collation_schema NAME, collation_name NAME, numeric_precision INT4,
        numeric_precision_radix INT4, numeric_scale INT4, datetime_precision INT4,
        interval_type VARCHAR, interval_precision INT4, source_dtd_identifier NAME,
        ref_dtd_identifier NAME
    }
    attributes 13245 none {
        udt_catalog NAME, udt_schema NAME, udt_name NAME, attribute_name NAME,
        ordinal_position INT4, attribute_default VARCHAR, is_nullable VARCHAR, data_type VARCHAR,
        character_maximum_length INT4, character_octet_length INT4, character_set_catalog NAME,
        character_set_schema NAME, character_set_name NAME, collation_catalog NAME,
        collation_schema NAME, collation_name NAME, numeric_precision INT4,
        numeric_precision_radix INT4, numeric_scale INT4, datetime_precision INT4,
        interval_type VARCHAR, interval_precision INT4, attribute_udt_catalog NAME,
        attribute_udt_schema NAME, attribute_udt_name NAME, scope_catalog NAME, scope_schema NAME,
        scope_name NAME, maximum_cardinality INT4, dtd_identifier NAME,
        is_derived_reference_attribute VARCHAR
    }
    foreign_tables 13541 none {
        foreign_table_catalog NAME, foreign_table_schema NAME, foreign_table_name NAME,
        foreign_server_catalog NAME, foreign_server_name NAME
    }
    foreign_servers 13528 none {
        foreign_server_catalog NAME, foreign_server_name NAME, foreign_data_wrapper_catalog NAME,
        foreign_data_wrapper_name NAME, foreign_server_type VARCHAR,
        foreign_server_version VARCHAR, authorization_identifier NAME
    }
    foreign_data_wrappers 13515 none {
        foreign_data_wrapper_catalog NAME, foreign_data_wrapper_name NAME,
        authorization_identifier NAME, library_name VARCHAR, foreign_data_wrapper_language VARCHAR
    }
    user_mappings 13555 none {
        authorization_identifier NAME, foreign_server_catalog NAME, foreign_server_name NAME
    }
    column_domain_usage 13280 none {
        domain_catalog NAME, domain_schema NAME, domain_name NAME, table_catalog NAME,
        table_schema NAME, table_name NAME, column_name NAME
    }
    column_column_usage 13275 none {
        table_catalog NAME, table_schema NAME, table_name NAME, column_name NAME,
        dependent_column NAME
    }
}
