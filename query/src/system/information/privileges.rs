//! information_schema's tables of rights: without accounts the one role owns everything and may do
//! everything.

use crate::expression::Session;
use crate::system::cell::{Push, row};
use crate::system::picture::{Picture, attributes};
use crate::{Arena, Result};

crate::system::tables! {
    "information_schema";
    table_privileges 13416 table_rights {
        grantor NAME, grantee NAME, table_catalog NAME, table_schema NAME, table_name NAME,
        privilege_type VARCHAR, is_grantable VARCHAR, with_hierarchy VARCHAR
    }
    role_table_grants 13421 table_rights {
        grantor NAME, grantee NAME, table_catalog NAME, table_schema NAME, table_name NAME,
        privilege_type VARCHAR, is_grantable VARCHAR, with_hierarchy VARCHAR
    }
    column_privileges 13285 column_rights {
        grantor NAME, grantee NAME, table_catalog NAME, table_schema NAME, table_name NAME,
        column_name NAME, privilege_type VARCHAR, is_grantable VARCHAR
    }
    role_column_grants 13344 column_rights {
        grantor NAME, grantee NAME, table_catalog NAME, table_schema NAME, table_name NAME,
        column_name NAME, privilege_type VARCHAR, is_grantable VARCHAR
    }
    enabled_roles 13325 enabled_roles {
        role_name NAME
    }
}

const TABLE_RIGHTS: [&str; 7] =
    ["INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
const COLUMN_RIGHTS: [&str; 4] = ["INSERT", "SELECT", "UPDATE", "REFERENCES"];

fn table_rights<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let (database, user) = (arena.text(session.database()), arena.text(session.user()));
    for table in crate::system::all() {
        row!(push; user, user, database, table.schema, table.name, "SELECT", "YES", "YES");
    }
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for right in TABLE_RIGHTS {
            let hierarchy = if right == "SELECT" { "YES" } else { "NO" };
            row!(push; user, user, database, schema, table, right, "YES", hierarchy);
        }
    }
    Ok(())
}

fn column_rights<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    let (database, user) = (arena.text(session.database()), arena.text(session.user()));
    for table in crate::system::all() {
        for (name, _) in table.columns {
            row!(push; user, user, database, table.schema, table.name, *name, "SELECT", "YES");
        }
    }
    for collection in Picture::of(session).collections() {
        let (schema, table) = (arena.text(&collection.schema), arena.text(&collection.name));
        for one in attributes(collection) {
            let name = arena.text(one.name);
            for right in COLUMN_RIGHTS {
                row!(push; user, user, database, schema, table, name, right, "YES");
            }
        }
    }
    Ok(())
}

fn enabled_roles<'a>(session: &dyn Session, arena: &'a Arena, push: Push<'_, 'a>) -> Result<()> {
    row!(push; arena.text(session.user()));
    Ok(())
}
