//! The types that PostgreSQL's clients know by number.
//!
//! ```text
//!   23 ─ int4, array type 1007, 4 bytes, category N, shown as "integer"
//! ```
//!
//! Numbers, names and sizes are those of PostgreSQL 15's pg_type; drivers have them built in.
//! **Invariant.** Sorted by number. **Rejected.** An enum: user types have numbers too.

/// One built-in type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// Its number.
    pub oid: u32,
    /// The number of the array type over it, or 0.
    pub array: u32,
    /// Its name in pg_type.
    pub name: &'static str,
    /// Its name in SQL, as `format_type` shows it.
    pub sql_name: &'static str,
    /// Bytes of a value, -1 where they vary, -2 for C strings.
    pub size: i16,
    /// `typcategory`.
    pub category: u8,
}

const fn t(
    oid: u32,
    array: u32,
    name: &'static str,
    sql_name: &'static str,
    size: i16,
    category: u8,
) -> TypeInfo {
    TypeInfo { oid, array, name, sql_name, size, category }
}

/// The types that something here speaks of, sorted by number.
pub static TYPES: &[TypeInfo] = &[
    t(16, 1000, "bool", "boolean", 1, b'B'),
    t(17, 1001, "bytea", "bytea", -1, b'U'),
    t(18, 1002, "char", "\"char\"", 1, b'Z'),
    t(19, 1003, "name", "name", 64, b'S'),
    t(20, 1016, "int8", "bigint", 8, b'N'),
    t(21, 1005, "int2", "smallint", 2, b'N'),
    t(22, 1006, "int2vector", "int2vector", -1, b'A'),
    t(23, 1007, "int4", "integer", 4, b'N'),
    t(24, 1008, "regproc", "regproc", 4, b'N'),
    t(25, 1009, "text", "text", -1, b'S'),
    t(26, 1028, "oid", "oid", 4, b'N'),
    t(27, 1010, "tid", "tid", 6, b'U'),
    t(28, 1011, "xid", "xid", 4, b'U'),
    t(29, 1012, "cid", "cid", 4, b'U'),
    t(30, 1013, "oidvector", "oidvector", -1, b'A'),
    t(114, 199, "json", "json", -1, b'U'),
    t(142, 143, "xml", "xml", -1, b'U'),
    t(194, 0, "pg_node_tree", "pg_node_tree", -1, b'Z'),
    t(700, 1021, "float4", "real", 4, b'N'),
    t(701, 1022, "float8", "double precision", 8, b'N'),
    t(705, 0, "unknown", "unknown", -2, b'X'),
    t(1033, 1034, "aclitem", "aclitem", 12, b'U'),
    t(1042, 1014, "bpchar", "character", -1, b'S'),
    t(1043, 1015, "varchar", "character varying", -1, b'S'),
    t(1082, 1182, "date", "date", 4, b'D'),
    t(1083, 1183, "time", "time without time zone", 8, b'D'),
    t(1114, 1115, "timestamp", "timestamp without time zone", 8, b'D'),
    t(1184, 1185, "timestamptz", "timestamp with time zone", 8, b'D'),
    t(1186, 1187, "interval", "interval", 16, b'T'),
    t(1266, 1270, "timetz", "time with time zone", 12, b'D'),
    t(1700, 1231, "numeric", "numeric", -1, b'N'),
    t(1790, 2201, "refcursor", "refcursor", -1, b'U'),
    t(2202, 2207, "regprocedure", "regprocedure", 4, b'N'),
    t(2203, 2208, "regoper", "regoper", 4, b'N'),
    t(2204, 2209, "regoperator", "regoperator", 4, b'N'),
    t(2205, 2210, "regclass", "regclass", 4, b'N'),
    t(2206, 2211, "regtype", "regtype", 4, b'N'),
    t(2249, 2287, "record", "record", -1, b'P'),
    t(2275, 1263, "cstring", "cstring", -2, b'P'),
    t(2276, 0, "any", "\"any\"", 4, b'P'),
    t(2277, 0, "anyarray", "anyarray", -1, b'P'),
    t(2278, 0, "void", "void", 4, b'P'),
    t(2279, 0, "trigger", "trigger", 4, b'P'),
    t(2283, 0, "anyelement", "anyelement", 4, b'P'),
    t(2950, 2951, "uuid", "uuid", 16, b'U'),
    t(3220, 3221, "pg_lsn", "pg_lsn", 8, b'U'),
    t(3734, 3735, "regconfig", "regconfig", 4, b'N'),
    t(3802, 3807, "jsonb", "jsonb", -1, b'U'),
    t(4072, 4073, "jsonpath", "jsonpath", -1, b'U'),
    t(4089, 4090, "regnamespace", "regnamespace", 4, b'N'),
    t(4096, 4097, "regrole", "regrole", 4, b'N'),
    t(5069, 271, "xid8", "xid8", 8, b'U'),
];

macro_rules! oids {
    ($($name:ident = $oid:literal,)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        pub const $name: u32 = $oid;
    )* };
}

oids! {
    BOOL = 16, BYTEA = 17, CHAR = 18, NAME = 19, INT8 = 20, INT2 = 21, INT2VECTOR = 22, INT4 = 23,
    REGPROC = 24, TEXT = 25, OID = 26, JSON = 114, FLOAT4 = 700, FLOAT8 = 701, UNKNOWN = 705,
    BPCHAR = 1042, VARCHAR = 1043, DATE = 1082, TIME = 1083, TIMESTAMP = 1114, TIMESTAMPTZ = 1184,
    INTERVAL = 1186, NUMERIC = 1700, REGCLASS = 2205, REGTYPE = 2206, RECORD = 2249, VOID = 2278,
    UUID = 2950, JSONB = 3802,
}

/// The type of this number.
#[must_use]
pub fn by_oid(oid: u32) -> Option<&'static TypeInfo> {
    let at = TYPES.binary_search_by_key(&oid, |known| known.oid).ok()?;
    TYPES.get(at)
}

/// The type of this pg_type name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static TypeInfo> {
    TYPES.iter().find(|known| known.name == name)
}

/// The element type of an array type's number.
#[must_use]
pub fn element_of(array: u32) -> Option<&'static TypeInfo> {
    TYPES.iter().find(|known| known.array == array && array != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_number_name_and_array() {
        assert!(TYPES.is_sorted_by_key(|known| known.oid));
        assert_eq!(by_oid(INT4).map(|known| known.sql_name), Some("integer"));
        assert_eq!(by_name("jsonb").map(|known| known.oid), Some(JSONB));
        assert_eq!(element_of(1007).map(|known| known.oid), Some(INT4));
        assert_eq!(by_oid(0), None);
        assert_eq!(element_of(0), None);
    }
}
