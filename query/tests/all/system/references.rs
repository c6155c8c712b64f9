//! Numbers are unique where they name, and lead to a row where they refer.

use std::collections::{HashMap, HashSet};

use query::{Datum, system};

use super::shop::{self, Shop};
use super::{each, position, table};

/// `table.column` → the table whose numbers it holds. 0 refers to nothing.
const REFERENCES: &[(&str, &str)] = &[
    ("pg_class.relnamespace", "pg_namespace"),
    ("pg_class.relowner", "pg_authid"),
    ("pg_class.relam", "pg_am"),
    ("pg_class.reltype", "pg_type"),
    ("pg_class.reltablespace", "pg_tablespace"),
    ("pg_attribute.attrelid", "pg_class"),
    ("pg_attribute.atttypid", "pg_type"),
    ("pg_attribute.attcollation", "pg_collation"),
    ("pg_attrdef.adrelid", "pg_class"),
    ("pg_index.indexrelid", "pg_class"),
    ("pg_index.indrelid", "pg_class"),
    ("pg_index.indclass", "pg_opclass"),
    ("pg_index.indcollation", "pg_collation"),
    ("pg_constraint.connamespace", "pg_namespace"),
    ("pg_constraint.conrelid", "pg_class"),
    ("pg_constraint.conindid", "pg_class"),
    ("pg_sequence.seqrelid", "pg_class"),
    ("pg_sequence.seqtypid", "pg_type"),
    ("pg_depend.classid", "pg_class"),
    ("pg_depend.refclassid", "pg_class"),
    ("pg_type.typnamespace", "pg_namespace"),
    ("pg_type.typrelid", "pg_class"),
    ("pg_type.typelem", "pg_type"),
    ("pg_type.typarray", "pg_type"),
    ("pg_type.typcollation", "pg_collation"),
    ("pg_type.typsubscript", "pg_proc"),
    ("pg_type.typinput", "pg_proc"),
    ("pg_type.typoutput", "pg_proc"),
    ("pg_type.typreceive", "pg_proc"),
    ("pg_type.typsend", "pg_proc"),
    ("pg_type.typmodin", "pg_proc"),
    ("pg_type.typmodout", "pg_proc"),
    ("pg_cast.castsource", "pg_type"),
    ("pg_cast.casttarget", "pg_type"),
    ("pg_cast.castfunc", "pg_proc"),
    ("pg_collation.collnamespace", "pg_namespace"),
    ("pg_proc.pronamespace", "pg_namespace"),
    ("pg_proc.prolang", "pg_language"),
    ("pg_proc.prorettype", "pg_type"),
    ("pg_proc.provariadic", "pg_type"),
    ("pg_proc.proargtypes", "pg_type"),
    ("pg_proc.proallargtypes", "pg_type"),
    ("pg_aggregate.aggfnoid", "pg_proc"),
    ("pg_operator.oprleft", "pg_type"),
    ("pg_operator.oprright", "pg_type"),
    ("pg_operator.oprresult", "pg_type"),
    ("pg_operator.oprcom", "pg_operator"),
    ("pg_operator.oprnegate", "pg_operator"),
    ("pg_operator.oprcode", "pg_proc"),
    ("pg_opclass.opcmethod", "pg_am"),
    ("pg_opclass.opcfamily", "pg_opfamily"),
    ("pg_opclass.opcintype", "pg_type"),
    ("pg_opfamily.opfmethod", "pg_am"),
    ("pg_amop.amopfamily", "pg_opfamily"),
    ("pg_amop.amoplefttype", "pg_type"),
    ("pg_amop.amoprighttype", "pg_type"),
    ("pg_amop.amopopr", "pg_operator"),
    ("pg_amop.amopmethod", "pg_am"),
    ("pg_database.datdba", "pg_authid"),
    ("pg_database.dattablespace", "pg_tablespace"),
    ("pg_namespace.nspowner", "pg_authid"),
    ("pg_roles.oid", "pg_authid"),
    ("pg_user.usesysid", "pg_authid"),
    ("pg_stat_activity.datid", "pg_database"),
    ("pg_stat_activity.usesysid", "pg_authid"),
    ("pg_locks.relation", "pg_class"),
    ("pg_locks.database", "pg_database"),
    ("pg_sequences.data_type", "pg_type"),
    ("pg_prepared_statements.parameter_types", "pg_type"),
    ("pg_stat_user_tables.relid", "pg_class"),
    ("pg_stat_user_indexes.indexrelid", "pg_class"),
];

/// The numbers in a value: one, or an array of them.
fn numbers(datum: &Datum<'_>) -> Vec<i64> {
    match datum {
        Datum::Int(n) => vec![*n],
        Datum::Array(raw) => {
            let elements = raw.elements().map(|element| element.expect("an element").to_value());
            let number = |value: value::Value| match value {
                value::Value::Int16(n) => n.into(),
                value::Value::Int32(n) => n.into(),
                value::Value::Int64(n) => n,
                other => panic!("{other:?}"),
            };
            elements.map(|value| number(value.expect("a value"))).collect()
        }
        _ => Vec::new(),
    }
}

fn names_of(shop: &Shop, name: &str) -> HashSet<i64> {
    let table = table(name);
    let at = position(table, "oid");
    let mut all = HashSet::new();
    each(shop, table, |row| {
        for number in numbers(&row[at]) {
            assert!(number > 0 && all.insert(number), "{name} has {number} twice");
        }
    });
    all
}

#[test]
fn numbers_are_unique_in_their_table() {
    let shop = Shop::open();
    for table in system::all() {
        if table.columns.first().is_some_and(|(name, _)| *name == "oid") {
            names_of(&shop, table.name);
        }
    }
}

#[test]
fn what_users_make_has_numbers_apart() {
    let shop = Shop::open();
    let mut seen: HashMap<i64, &str> = HashMap::new();
    for name in ["pg_class", "pg_constraint", "pg_namespace", "pg_type"] {
        for number in names_of(&shop, name).into_iter().filter(|number| *number >= 16384) {
            assert_eq!(seen.insert(number, name), None, "{number} of {name}");
        }
    }
}

#[test]
fn every_reference_leads_to_a_row() {
    let shop = Shop::open();
    let mut targets: HashMap<&str, HashSet<i64>> = HashMap::new();
    for (from, to) in REFERENCES {
        let named = targets.entry(to).or_insert_with(|| names_of(&shop, to));
        let (name, column) = from.split_once('.').expect("table.column");
        let table = table(name);
        let at = position(table, column);
        each(&shop, table, |row| {
            for number in numbers(&row[at]) {
                assert!(number == 0 || named.contains(&number), "{from} = {number}: {row:?}");
            }
        });
    }
}

#[test]
fn both_sides_of_a_dependency_exist() {
    let shop = Shop::open();
    let mut targets: HashMap<i64, HashSet<i64>> = HashMap::new();
    each(&shop, table("pg_depend"), |row| {
        for (class, object) in [(0, 1), (3, 4)] {
            let (Datum::Int(class), Datum::Int(object)) = (row[class], row[object]) else {
                panic!("{row:?}")
            };
            let named = targets.entry(class).or_insert_with(|| {
                let table = system::table_by_number(class as u32).expect("a catalogue");
                names_of(&shop, table.name)
            });
            assert!(named.contains(&object), "{row:?}");
        }
    });
    assert!(!targets.is_empty());
}

#[test]
fn names_lead_to_numbers_and_back() {
    use query::expression::Session;
    let shop = Shop::open();
    let classes = table("pg_class");
    let (oid, name) = (position(classes, "oid"), position(classes, "relname"));
    each(&shop, classes, |row| {
        let (Datum::Int(number), Datum::Text(name)) = (row[oid], row[name]) else { panic!() };
        let (schema, found) = shop.relation_name(number as u32).expect(name);
        assert_eq!(found, name);
        assert_eq!(shop.relation_number(&schema, name), Some(number as u32), "{schema}.{name}");
    });
    each(&shop, table("pg_namespace"), |row| {
        let (Datum::Int(number), Datum::Text(name)) = (row[0], row[1]) else { panic!() };
        assert_eq!(shop.schema_name(number as u32).as_deref(), Some(name));
        assert_eq!(shop.schema_number(name), Some(number as u32));
    });
    each(&shop, table("pg_proc"), |row| {
        let (Datum::Int(number), Datum::Text(name)) = (row[0], row[1]) else { panic!() };
        assert_eq!(system::function_name(number as u32), Some(name));
    });
}

#[test]
fn a_thousand_tables_are_a_thousand_rows_more() {
    let mut catalogue = shop::empty();
    let before = names_of(&Shop::over(catalogue.clone()), "pg_class").len();
    for n in 0..1000 {
        shop::insert(
            &mut catalogue,
            shop::table(20_000 + 10 * n, "shop", &format!("t{n}"), Vec::new()),
        );
    }
    let after = names_of(&Shop::over(catalogue), "pg_class").len();
    assert_eq!(after - before, 1000);
}
