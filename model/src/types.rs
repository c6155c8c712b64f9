//! The types of columns and of expressions.
//!
//! A document's values carry their own type; a *declared* column has one of these, and so has every
//! expression that the binder resolves. One list serves both, and both SQL dialects: a type is a
//! scalar and whether it is an array of it. Its modifier (length, precision and scale) stands
//! beside it, since two types are the same to a function whatever their modifiers.
//!
//! The numbers of the PostgreSQL types are PostgreSQL's own (pg_type.dat); they are what a driver
//! sees on the wire. `ObjectId` and the unsigned and 8-bit integers have no number there and take
//! ones below 16384 that PostgreSQL does not use (8000…).
//!
//! Rejected: an open set of types as catalogue rows. Nothing in scope defines types, and a `Copy`
//! enum lets the function table be a static array.

/// A type without dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // the names are the types' own
pub enum Scalar {
    Bool,
    Int1,
    Int2,
    Int4,
    Int8,
    UInt1,
    UInt2,
    UInt4,
    UInt8,
    Float4,
    Float8,
    Numeric,
    Text,
    Varchar,
    /// CHAR(n): padded on the wire only.
    Bpchar,
    Name,
    /// PostgreSQL's one-byte `"char"`.
    Char,
    Bytea,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    ObjectId,
    Json,
    Jsonb,
    Oid,
    Xid,
    Tid,
    Regclass,
    Regtype,
    Regproc,
    Regnamespace,
    Regrole,
    Int2Vector,
    OidVector,
    /// A literal or parameter whose type is not resolved yet.
    Unknown,
    Void,
    Record,
    /// pg_node_tree, pg_lsn, aclitem, …: catalogue columns that are only shown as text.
    PgNodeTree,
    AclItem,
    PgLsn,
    /// Any value at all: a field without schema whose type the dictionary does not fix.
    Any,
}

/// A type: a scalar, or an array of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Type {
    /// The element's type where `array`.
    pub scalar: Scalar,
    /// Whether it is an array (of any dimension).
    pub array: bool,
}

macro_rules! constants {
    ($($name:ident = $scalar:ident),* $(,)?) => {
        $(#[allow(missing_docs)] pub const $name: Type = Type::of(Scalar::$scalar);)*
    };
}

impl Type {
    constants! {
        BOOL = Bool, INT1 = Int1, INT2 = Int2, INT4 = Int4, INT8 = Int8,
        UINT1 = UInt1, UINT2 = UInt2, UINT4 = UInt4, UINT8 = UInt8,
        FLOAT4 = Float4, FLOAT8 = Float8, NUMERIC = Numeric, TEXT = Text, VARCHAR = Varchar,
        BPCHAR = Bpchar, NAME = Name, CHAR = Char, BYTEA = Bytea, DATE = Date, TIME = Time,
        TIMESTAMP = Timestamp, TIMESTAMPTZ = TimestampTz, INTERVAL = Interval, UUID = Uuid,
        OBJECTID = ObjectId, JSON = Json, JSONB = Jsonb, OID = Oid, XID = Xid, TID = Tid,
        REGCLASS = Regclass, REGTYPE = Regtype, REGPROC = Regproc, REGNAMESPACE = Regnamespace,
        REGROLE = Regrole, INT2VECTOR = Int2Vector, OIDVECTOR = OidVector, UNKNOWN = Unknown,
        VOID = Void, RECORD = Record, PG_NODE_TREE = PgNodeTree, ACLITEM = AclItem, PG_LSN = PgLsn,
        ANY = Any,
    }

    /// The scalar type itself.
    pub const fn of(scalar: Scalar) -> Type {
        Type { scalar, array: false }
    }

    /// The array of a scalar type.
    pub const fn array_of(scalar: Scalar) -> Type {
        Type { scalar, array: true }
    }

    /// The type of this array's elements; for a scalar, itself.
    pub const fn element(self) -> Type {
        Type::of(self.scalar)
    }
}

/// One row of the table of types.
struct Entry {
    scalar: Scalar,
    name: &'static str,
    oid: u32,
    array_oid: u32,
    /// Bytes on PostgreSQL's wire; -1 variable.
    length: i16,
    /// pg_type.typcategory.
    category: char,
}

macro_rules! entries {
    ($(
        $scalar:ident $name:literal $oid:literal $array:literal $length:literal $category:literal;
    )*) => {
        &[$(Entry { scalar: Scalar::$scalar, name: $name, oid: $oid, array_oid: $array,
            length: $length, category: $category }),*]
    };
}

/// In the order of `Scalar`.
static TYPES: &[Entry] = entries! {
    Bool "bool" 16 1000 1 'B';
    Int1 "int1" 8001 8101 1 'N';
    Int2 "int2" 21 1005 2 'N';
    Int4 "int4" 23 1007 4 'N';
    Int8 "int8" 20 1016 8 'N';
    UInt1 "uint1" 8002 8102 2 'N';
    UInt2 "uint2" 8003 8103 4 'N';
    UInt4 "uint4" 8004 8104 8 'N';
    UInt8 "uint8" 8005 8105 -1 'N';
    Float4 "float4" 700 1021 4 'N';
    Float8 "float8" 701 1022 8 'N';
    Numeric "numeric" 1700 1231 -1 'N';
    Text "text" 25 1009 -1 'S';
    Varchar "varchar" 1043 1015 -1 'S';
    Bpchar "bpchar" 1042 1014 -1 'S';
    Name "name" 19 1003 64 'S';
    Char "char" 18 1002 1 'Z';
    Bytea "bytea" 17 1001 -1 'U';
    Date "date" 1082 1182 4 'D';
    Time "time" 1083 1183 8 'D';
    Timestamp "timestamp" 1114 1115 8 'D';
    TimestampTz "timestamptz" 1184 1185 8 'D';
    Interval "interval" 1186 1187 16 'T';
    Uuid "uuid" 2950 2951 16 'U';
    ObjectId "objectid" 8006 8106 12 'U';
    Json "json" 114 199 -1 'U';
    Jsonb "jsonb" 3802 3807 -1 'U';
    Oid "oid" 26 1028 4 'N';
    Xid "xid" 28 1011 4 'U';
    Tid "tid" 27 1010 6 'U';
    Regclass "regclass" 2205 2210 4 'N';
    Regtype "regtype" 2206 2211 4 'N';
    Regproc "regproc" 24 1008 4 'N';
    Regnamespace "regnamespace" 4089 4090 4 'N';
    Regrole "regrole" 4096 4097 4 'N';
    Int2Vector "int2vector" 22 1006 -1 'A';
    OidVector "oidvector" 30 1013 -1 'A';
    Unknown "unknown" 705 0 -2 'X';
    Void "void" 2278 0 4 'P';
    Record "record" 2249 2287 -1 'P';
    PgNodeTree "pg_node_tree" 194 0 -1 'Z';
    AclItem "aclitem" 1033 1034 12 'U';
    PgLsn "pg_lsn" 3220 3221 8 'U';
    Any "any" 8007 0 -1 'P';
};

impl Scalar {
    /// Every scalar type.
    pub fn all() -> impl Iterator<Item = Scalar> {
        TYPES.iter().map(|entry| entry.scalar)
    }

    fn entry(self) -> &'static Entry {
        &TYPES[self as usize]
    }

    /// pg_type.typname.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Bytes on PostgreSQL's wire; -1 where it varies.
    pub fn length(self) -> i16 {
        self.entry().length
    }

    /// pg_type.typcategory.
    pub fn category(self) -> char {
        self.entry().category
    }
}

impl Type {
    /// PostgreSQL's number of this type.
    pub fn oid(self) -> u32 {
        let entry = self.scalar.entry();
        if self.array { entry.array_oid } else { entry.oid }
    }

    /// The type of a PostgreSQL number.
    pub fn from_oid(oid: u32) -> Option<Type> {
        let entry = TYPES.iter().find(|e| oid != 0 && (e.oid == oid || e.array_oid == oid))?;
        Some(Type { scalar: entry.scalar, array: entry.array_oid == oid })
    }

    /// Whether it is one of the integer types.
    pub fn is_integer(self) -> bool {
        use Scalar::*;
        !self.array
            && matches!(self.scalar, Int1 | Int2 | Int4 | Int8 | UInt1 | UInt2 | UInt4 | UInt8)
    }

    /// Whether it is a number.
    pub fn is_numeric(self) -> bool {
        use Scalar::*;
        self.is_integer() || !self.array && matches!(self.scalar, Float4 | Float8 | Numeric)
    }

    /// Whether it is one of the string types.
    pub fn is_string(self) -> bool {
        use Scalar::*;
        !self.array && matches!(self.scalar, Text | Varchar | Bpchar | Name | Unknown)
    }

    /// Its name as `format_type` prints it, with the modifier (`-1`: none): `character
    /// varying(20)`, `integer[]`.
    pub fn display(self, modifier: i32) -> String {
        let base = self.element().display_scalar(modifier);
        if self.array { format!("{base}[]") } else { base }
    }

    fn display_scalar(self, modifier: i32) -> String {
        use Scalar::*;
        let plain = match self.scalar {
            Bool => "boolean",
            Int2 => "smallint",
            Int4 => "integer",
            Int8 => "bigint",
            Float4 => "real",
            Float8 => "double precision",
            Varchar => "character varying",
            Bpchar => "character",
            Char => "\"char\"",
            Time => "time without time zone",
            Timestamp => "timestamp without time zone",
            TimestampTz => "timestamp with time zone",
            other => other.name(),
        };
        if modifier < 0 {
            return plain.to_owned();
        }
        match self.scalar {
            Varchar | Bpchar => format!("{plain}({})", modifier - 4),
            Numeric => {
                let packed = modifier - 4;
                format!("numeric({},{})", (packed >> 16) & 0xffff, packed & 0x7ff)
            }
            Time => format!("time({modifier}) without time zone"),
            Timestamp => format!("timestamp({modifier}) without time zone"),
            TimestampTz => format!("timestamp({modifier}) with time zone"),
            _ => plain.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_enum() {
        for (at, entry) in TYPES.iter().enumerate() {
            assert_eq!(entry.scalar as usize, at, "{}", entry.name);
        }
    }

    #[test]
    fn numbers_are_unique_and_lead_back() {
        for scalar in Scalar::all() {
            let ty = Type::of(scalar);
            assert_eq!(Type::from_oid(ty.oid()), Some(ty));
            let array = Type::array_of(scalar);
            if array.oid() != 0 {
                assert_eq!(Type::from_oid(array.oid()), Some(array));
            }
        }
    }

    #[test]
    fn names_are_those_of_format_type() {
        assert_eq!(Type::VARCHAR.display(24), "character varying(20)");
        assert_eq!(Type::NUMERIC.display(((10 << 16) | 2) + 4), "numeric(10,2)");
        assert_eq!(Type::array_of(Scalar::Int4).display(-1), "integer[]");
        assert_eq!(Type::TIMESTAMPTZ.display(3), "timestamp(3) with time zone");
    }
}
