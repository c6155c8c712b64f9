//! The keyword table of PostgreSQL 15.
//!
//! A word is a keyword only where the grammar asks for one; everywhere else its *category* decides
//! whether it may still be a name. The categories are PostgreSQL's:
//!
//! ```text
//! category         column/table name   function/type name   label after AS   examples
//! Unreserved       yes                 yes                  yes              abort, name, value
//! ColumnName       yes                 no                   yes              int, coalesce, row
//! TypeOrFunction   no                  yes                  yes              left, join, ilike
//! Reserved         no                  no                   yes              select, table, user
//! ```
//!
//! Apart from the category, a few words of each kind (`year`, `over`, `filter`, …) may not stand
//! as a
//! *bare* label, `SELECT 1 year`, because there the grammar could not tell the label from an
//! operator's continuation. The table says this with `label` or `no_label`.
//!
//! Invariant: rows are sorted by word (a test holds it), since look-up is a binary search inside
//! the
//! range of the first letter. Rejected: a hash map built at start (allocation before first use)
//! and a
//! perfect hash (a build step for eight comparisons saved).

/// What a keyword may still name. See the module's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// May name anything.
    Unreserved,
    /// May name a column or table, not a function or type.
    ColumnName,
    /// May name a function or type, not a column or table.
    TypeOrFunction,
    /// May only be a label after `AS`.
    Reserved,
}

macro_rules! keywords {
    ($($word:literal $variant:ident $category:ident $label:ident),* $(,)?) => {
        /// A keyword of the grammar; the variant is the word in camel case, except for a few
        /// whose names are taken.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Keyword { $($variant),* }

        const TABLE: &[(&str, Keyword, Category, bool)] = &[
            $(($word, Keyword::$variant, Category::$category, keywords!(@$label))),*
        ];
    };
    (@label) => { true };
    (@no_label) => { false };
}

keywords! {
    "abort" Abort Unreserved label,
    "absolute" Absolute Unreserved label,
    "access" Access Unreserved label,
    "action" Action Unreserved label,
    "add" Add Unreserved label,
    "admin" Admin Unreserved label,
    "after" After Unreserved label,
    "aggregate" Aggregate Unreserved label,
    "all" All Reserved label,
    "also" Also Unreserved label,
    "alter" Alter Unreserved label,
    "always" Always Unreserved label,
    "analyse" Analyse Reserved label,
    "analyze" Analyze Reserved label,
    "and" And Reserved label,
    "any" Any Reserved label,
    "array" Array Reserved no_label,
    "as" As Reserved no_label,
    "asc" Asc Reserved label,
    "asensitive" Asensitive Unreserved label,
    "assertion" Assertion Unreserved label,
    "assignment" Assignment Unreserved label,
    "asymmetric" Asymmetric Reserved label,
    "at" At Unreserved label,
    "atomic" Atomic Unreserved label,
    "attach" Attach Unreserved label,
    "attribute" Attribute Unreserved label,
    "authorization" Authorization TypeOrFunction label,
    "backward" Backward Unreserved label,
    "before" Before Unreserved label,
    "begin" Begin Unreserved label,
    "between" Between ColumnName label,
    "bigint" Bigint ColumnName label,
    "binary" Binary TypeOrFunction label,
    "bit" Bit ColumnName label,
    "boolean" Boolean ColumnName label,
    "both" Both Reserved label,
    "breadth" Breadth Unreserved label,
    "by" By Unreserved label,
    "cache" Cache Unreserved label,
    "call" Call Unreserved label,
    "called" Called Unreserved label,
    "cascade" Cascade Unreserved label,
    "cascaded" Cascaded Unreserved label,
    "case" Case Reserved label,
    "cast" Cast Reserved label,
    "catalog" Catalog Unreserved label,
    "chain" Chain Unreserved label,
    "char" Char ColumnName no_label,
    "character" Character ColumnName no_label,
    "characteristics" Characteristics Unreserved label,
    "check" Check Reserved label,
    "checkpoint" Checkpoint Unreserved label,
    "class" Class Unreserved label,
    "close" Close Unreserved label,
    "cluster" Cluster Unreserved label,
    "coalesce" Coalesce ColumnName label,
    "collate" Collate Reserved label,
    "collation" Collation TypeOrFunction label,
    "column" Column Reserved label,
    "columns" Columns Unreserved label,
    "comment" Comment Unreserved label,
    "comments" Comments Unreserved label,
    "commit" Commit Unreserved label,
    "committed" Committed Unreserved label,
    "compression" Compression Unreserved label,
    "concurrently" Concurrently TypeOrFunction label,
    "configuration" Configuration Unreserved label,
    "conflict" Conflict Unreserved label,
    "connection" Connection Unreserved label,
    "constraint" Constraint Reserved label,
    "constraints" Constraints Unreserved label,
    "content" Content Unreserved label,
    "continue" Continue Unreserved label,
    "conversion" Conversion Unreserved label,
    "copy" Copy Unreserved label,
    "cost" Cost Unreserved label,
    "create" Create Reserved no_label,
    "cross" Cross TypeOrFunction label,
    "csv" Csv Unreserved label,
    "cube" Cube Unreserved label,
    "current" Current Unreserved label,
    "current_catalog" CurrentCatalog Reserved label,
    "current_date" CurrentDate Reserved label,
    "current_role" CurrentRole Reserved label,
    "current_schema" CurrentSchema TypeOrFunction label,
    "current_time" CurrentTime Reserved label,
    "current_timestamp" CurrentTimestamp Reserved label,
    "current_user" CurrentUser Reserved label,
    "cursor" Cursor Unreserved label,
    "cycle" Cycle Unreserved label,
    "data" Data Unreserved label,
    "database" Database Unreserved label,
    "day" Day Unreserved no_label,
    "deallocate" Deallocate Unreserved label,
    "dec" Dec ColumnName label,
    "decimal" Decimal ColumnName label,
    "declare" Declare Unreserved label,
    "default" Default Reserved label,
    "defaults" Defaults Unreserved label,
    "deferrable" Deferrable Reserved label,
    "deferred" Deferred Unreserved label,
    "definer" Definer Unreserved label,
    "delete" Delete Unreserved label,
    "delimiter" Delimiter Unreserved label,
    "delimiters" Delimiters Unreserved label,
    "depends" Depends Unreserved label,
    "depth" Depth Unreserved label,
    "desc" Desc Reserved label,
    "detach" Detach Unreserved label,
    "dictionary" Dictionary Unreserved label,
    "disable" Disable Unreserved label,
    "discard" Discard Unreserved label,
    "distinct" Distinct Reserved label,
    "do" Do Reserved label,
    "document" Document Unreserved label,
    "domain" Domain Unreserved label,
    "double" Double Unreserved label,
    "drop" Drop Unreserved label,
    "each" Each Unreserved label,
    "else" Else Reserved label,
    "enable" Enable Unreserved label,
    "encoding" Encoding Unreserved label,
    "encrypted" Encrypted Unreserved label,
    "end" End Reserved label,
    "enum" Enum Unreserved label,
    "escape" Escape Unreserved label,
    "event" Event Unreserved label,
    "except" Except Reserved no_label,
    "exclude" Exclude Unreserved label,
    "excluding" Excluding Unreserved label,
    "exclusive" Exclusive Unreserved label,
    "execute" Execute Unreserved label,
    "exists" Exists ColumnName label,
    "explain" Explain Unreserved label,
    "expression" Expression Unreserved label,
    "extension" Extension Unreserved label,
    "external" External Unreserved label,
    "extract" Extract ColumnName label,
    "false" False Reserved label,
    "family" Family Unreserved label,
    "fetch" Fetch Reserved no_label,
    "filter" Filter Unreserved no_label,
    "finalize" Finalize Unreserved label,
    "first" First Unreserved label,
    "float" Float ColumnName label,
    "following" Following Unreserved label,
    "for" For Reserved no_label,
    "force" Force Unreserved label,
    "foreign" Foreign Reserved label,
    "forward" Forward Unreserved label,
    "freeze" Freeze TypeOrFunction label,
    "from" From Reserved no_label,
    "full" Full TypeOrFunction label,
    "function" Function Unreserved label,
    "functions" Functions Unreserved label,
    "generated" Generated Unreserved label,
    "global" Global Unreserved label,
    "grant" Grant Reserved no_label,
    "granted" Granted Unreserved label,
    "greatest" Greatest ColumnName label,
    "group" Group Reserved no_label,
    "grouping" Grouping ColumnName label,
    "groups" Groups Unreserved label,
    "handler" Handler Unreserved label,
    "having" Having Reserved no_label,
    "header" Header Unreserved label,
    "hold" Hold Unreserved label,
    "hour" Hour Unreserved no_label,
    "identity" Identity Unreserved label,
    "if" If Unreserved label,
    "ilike" Ilike TypeOrFunction label,
    "immediate" Immediate Unreserved label,
    "immutable" Immutable Unreserved label,
    "implicit" Implicit Unreserved label,
    "import" Import Unreserved label,
    "in" In Reserved label,
    "include" Include Unreserved label,
    "including" Including Unreserved label,
    "increment" Increment Unreserved label,
    "index" Index Unreserved label,
    "indexes" Indexes Unreserved label,
    "inherit" Inherit Unreserved label,
    "inherits" Inherits Unreserved label,
    "initially" Initially Reserved label,
    "inline" Inline Unreserved label,
    "inner" Inner TypeOrFunction label,
    "inout" Inout ColumnName label,
    "input" Input Unreserved label,
    "insensitive" Insensitive Unreserved label,
    "insert" Insert Unreserved label,
    "instead" Instead Unreserved label,
    "int" Int ColumnName label,
    "integer" Integer ColumnName label,
    "intersect" Intersect Reserved no_label,
    "interval" Interval ColumnName label,
    "into" Into Reserved no_label,
    "invoker" Invoker Unreserved label,
    "is" Is TypeOrFunction label,
    "isnull" Isnull TypeOrFunction no_label,
    "isolation" Isolation Unreserved label,
    "join" Join TypeOrFunction label,
    "key" Key Unreserved label,
    "label" Label Unreserved label,
    "language" Language Unreserved label,
    "large" Large Unreserved label,
    "last" Last Unreserved label,
    "lateral" Lateral Reserved label,
    "leading" Leading Reserved label,
    "leakproof" Leakproof Unreserved label,
    "least" Least ColumnName label,
    "left" Left TypeOrFunction label,
    "level" Level Unreserved label,
    "like" Like TypeOrFunction label,
    "limit" Limit Reserved no_label,
    "listen" Listen Unreserved label,
    "load" Load Unreserved label,
    "local" Local Unreserved label,
    "localtime" Localtime Reserved label,
    "localtimestamp" Localtimestamp Reserved label,
    "location" Location Unreserved label,
    "lock" Lock Unreserved label,
    "locked" Locked Unreserved label,
    "logged" Logged Unreserved label,
    "mapping" Mapping Unreserved label,
    "match" Match Unreserved label,
    "matched" Matched Unreserved label,
    "materialized" Materialized Unreserved label,
    "maxvalue" Maxvalue Unreserved label,
    "merge" Merge Unreserved label,
    "method" Method Unreserved label,
    "minute" Minute Unreserved no_label,
    "minvalue" Minvalue Unreserved label,
    "mode" Mode Unreserved label,
    "month" Month Unreserved no_label,
    "move" Move Unreserved label,
    "name" Name Unreserved label,
    "names" Names Unreserved label,
    "national" National ColumnName label,
    "natural" Natural TypeOrFunction label,
    "nchar" Nchar ColumnName label,
    "new" New Unreserved label,
    "next" Next Unreserved label,
    "nfc" Nfc Unreserved label,
    "nfd" Nfd Unreserved label,
    "nfkc" Nfkc Unreserved label,
    "nfkd" Nfkd Unreserved label,
    "no" No Unreserved label,
    "none" NoneWord ColumnName label,
    "normalize" Normalize ColumnName label,
    "normalized" Normalized Unreserved label,
    "not" Not Reserved label,
    "nothing" Nothing Unreserved label,
    "notify" Notify Unreserved label,
    "notnull" Notnull TypeOrFunction no_label,
    "nowait" Nowait Unreserved label,
    "null" Null Reserved label,
    "nullif" Nullif ColumnName label,
    "nulls" Nulls Unreserved label,
    "numeric" Numeric ColumnName label,
    "object" Object Unreserved label,
    "of" Of Unreserved label,
    "off" Off Unreserved label,
    "offset" Offset Reserved no_label,
    "oids" Oids Unreserved label,
    "old" Old Unreserved label,
    "on" On Reserved no_label,
    "only" Only Reserved label,
    "operator" Operator Unreserved label,
    "option" Option Unreserved label,
    "options" Options Unreserved label,
    "or" Or Reserved label,
    "order" Order Reserved no_label,
    "ordinality" Ordinality Unreserved label,
    "others" Others Unreserved label,
    "out" Out ColumnName label,
    "outer" Outer TypeOrFunction label,
    "over" Over Unreserved no_label,
    "overlaps" Overlaps TypeOrFunction no_label,
    "overlay" Overlay ColumnName label,
    "overriding" Overriding Unreserved label,
    "owned" Owned Unreserved label,
    "owner" Owner Unreserved label,
    "parallel" Parallel Unreserved label,
    "parameter" Parameter Unreserved label,
    "parser" Parser Unreserved label,
    "partial" Partial Unreserved label,
    "partition" Partition Unreserved label,
    "passing" Passing Unreserved label,
    "password" Password Unreserved label,
    "placing" Placing Reserved label,
    "plans" Plans Unreserved label,
    "policy" Policy Unreserved label,
    "position" PositionWord ColumnName label,
    "preceding" Preceding Unreserved label,
    "precision" Precision ColumnName no_label,
    "prepare" Prepare Unreserved label,
    "prepared" Prepared Unreserved label,
    "preserve" Preserve Unreserved label,
    "primary" Primary Reserved label,
    "prior" Prior Unreserved label,
    "privileges" Privileges Unreserved label,
    "procedural" Procedural Unreserved label,
    "procedure" Procedure Unreserved label,
    "procedures" Procedures Unreserved label,
    "program" Program Unreserved label,
    "publication" Publication Unreserved label,
    "quote" Quote Unreserved label,
    "range" Range Unreserved label,
    "read" Read Unreserved label,
    "real" Real ColumnName label,
    "reassign" Reassign Unreserved label,
    "recheck" Recheck Unreserved label,
    "recursive" Recursive Unreserved label,
    "ref" Ref Unreserved label,
    "references" References Reserved label,
    "referencing" Referencing Unreserved label,
    "refresh" Refresh Unreserved label,
    "reindex" Reindex Unreserved label,
    "relative" Relative Unreserved label,
    "release" Release Unreserved label,
    "rename" Rename Unreserved label,
    "repeatable" Repeatable Unreserved label,
    "replace" Replace Unreserved label,
    "replica" Replica Unreserved label,
    "reset" Reset Unreserved label,
    "restart" Restart Unreserved label,
    "restrict" Restrict Unreserved label,
    "return" Return Unreserved label,
    "returning" Returning Reserved no_label,
    "returns" Returns Unreserved label,
    "revoke" Revoke Unreserved label,
    "right" Right TypeOrFunction label,
    "role" Role Unreserved label,
    "rollback" Rollback Unreserved label,
    "rollup" Rollup Unreserved label,
    "routine" Routine Unreserved label,
    "routines" Routines Unreserved label,
    "row" Row ColumnName label,
    "rows" Rows Unreserved label,
    "rule" Rule Unreserved label,
    "savepoint" Savepoint Unreserved label,
    "schema" Schema Unreserved label,
    "schemas" Schemas Unreserved label,
    "scroll" Scroll Unreserved label,
    "search" Search Unreserved label,
    "second" Second Unreserved no_label,
    "security" Security Unreserved label,
    "select" Select Reserved label,
    "sequence" Sequence Unreserved label,
    "sequences" Sequences Unreserved label,
    "serializable" Serializable Unreserved label,
    "server" Server Unreserved label,
    "session" Session Unreserved label,
    "session_user" SessionUser Reserved label,
    "set" Set Unreserved label,
    "setof" Setof ColumnName label,
    "sets" Sets Unreserved label,
    "share" Share Unreserved label,
    "show" Show Unreserved label,
    "similar" Similar TypeOrFunction label,
    "simple" Simple Unreserved label,
    "skip" Skip Unreserved label,
    "smallint" Smallint ColumnName label,
    "snapshot" Snapshot Unreserved label,
    "some" SomeWord Reserved label,
    "sql" Sql Unreserved label,
    "stable" Stable Unreserved label,
    "standalone" Standalone Unreserved label,
    "start" Start Unreserved label,
    "statement" StatementWord Unreserved label,
    "statistics" Statistics Unreserved label,
    "stdin" Stdin Unreserved label,
    "stdout" Stdout Unreserved label,
    "storage" Storage Unreserved label,
    "stored" Stored Unreserved label,
    "strict" Strict Unreserved label,
    "strip" Strip Unreserved label,
    "subscription" Subscription Unreserved label,
    "substring" Substring ColumnName label,
    "support" Support Unreserved label,
    "symmetric" Symmetric Reserved label,
    "sysid" Sysid Unreserved label,
    "system" System Unreserved label,
    "table" Table Reserved label,
    "tables" Tables Unreserved label,
    "tablesample" Tablesample TypeOrFunction label,
    "tablespace" Tablespace Unreserved label,
    "temp" Temp Unreserved label,
    "template" Template Unreserved label,
    "temporary" Temporary Unreserved label,
    "text" Text Unreserved label,
    "then" Then Reserved label,
    "ties" Ties Unreserved label,
    "time" Time ColumnName label,
    "timestamp" Timestamp ColumnName label,
    "to" To Reserved no_label,
    "trailing" Trailing Reserved label,
    "transaction" Transaction Unreserved label,
    "transform" Transform Unreserved label,
    "treat" Treat ColumnName label,
    "trigger" Trigger Unreserved label,
    "trim" Trim ColumnName label,
    "true" True Reserved label,
    "truncate" Truncate Unreserved label,
    "trusted" Trusted Unreserved label,
    "type" Type Unreserved label,
    "types" Types Unreserved label,
    "uescape" Uescape Unreserved label,
    "unbounded" Unbounded Unreserved label,
    "uncommitted" Uncommitted Unreserved label,
    "unencrypted" Unencrypted Unreserved label,
    "union" Union Reserved no_label,
    "unique" Unique Reserved label,
    "unknown" Unknown Unreserved label,
    "unlisten" Unlisten Unreserved label,
    "unlogged" Unlogged Unreserved label,
    "until" Until Unreserved label,
    "update" Update Unreserved label,
    "user" User Reserved label,
    "using" Using Reserved label,
    "vacuum" Vacuum Unreserved label,
    "valid" Valid Unreserved label,
    "validate" Validate Unreserved label,
    "validator" Validator Unreserved label,
    "value" Value Unreserved label,
    "values" Values ColumnName label,
    "varchar" Varchar ColumnName label,
    "variadic" Variadic Reserved label,
    "varying" Varying Unreserved no_label,
    "verbose" Verbose TypeOrFunction label,
    "version" Version Unreserved label,
    "view" View Unreserved label,
    "views" Views Unreserved label,
    "volatile" Volatile Unreserved label,
    "when" When Reserved label,
    "where" Where Reserved no_label,
    "whitespace" Whitespace Unreserved label,
    "window" Window Reserved no_label,
    "with" With Reserved no_label,
    "within" Within Unreserved no_label,
    "without" Without Unreserved no_label,
    "work" Work Unreserved label,
    "wrapper" Wrapper Unreserved label,
    "write" Write Unreserved label,
    "xml" Xml Unreserved label,
    "xmlattributes" Xmlattributes ColumnName label,
    "xmlconcat" Xmlconcat ColumnName label,
    "xmlelement" Xmlelement ColumnName label,
    "xmlexists" Xmlexists ColumnName label,
    "xmlforest" Xmlforest ColumnName label,
    "xmlnamespaces" Xmlnamespaces ColumnName label,
    "xmlparse" Xmlparse ColumnName label,
    "xmlpi" Xmlpi ColumnName label,
    "xmlroot" Xmlroot ColumnName label,
    "xmlserialize" Xmlserialize ColumnName label,
    "xmltable" Xmltable ColumnName label,
    "year" Year Unreserved no_label,
    "yes" Yes Unreserved label,
    "zone" Zone Unreserved label,
}

const LONGEST: usize = 17;

/// First row of each initial letter, and one past the last.
const LETTERS: [u16; 27] = {
    let mut starts = [0u16; 27];
    let mut letter = 0;
    while letter < 27 {
        let mut row = 0;
        while row < TABLE.len() && (TABLE[row].0.as_bytes()[0] as usize) < letter + 97 {
            row += 1;
        }
        starts[letter] = row as u16;
        letter += 1;
    }
    starts
};

impl Keyword {
    /// The keyword spelt `word`, in any case. Only ASCII letters are folded, as PostgreSQL does.
    pub fn find(word: &str) -> Option<Keyword> {
        let bytes = word.as_bytes();
        if bytes.len() > LONGEST {
            return None;
        }
        let mut folded = [0u8; LONGEST];
        for (to, from) in folded.iter_mut().zip(bytes) {
            *to = from.to_ascii_lowercase();
        }
        let folded = folded.get(..bytes.len())?;
        let letter = folded.first()?.checked_sub(b'a')? as usize;
        let (from, to) = (*LETTERS.get(letter)?, *LETTERS.get(letter + 1)?);
        let rows = TABLE.get(from as usize..to as usize)?;
        let found = rows.binary_search_by(|row| row.0.as_bytes().cmp(folded)).ok()?;
        rows.get(found).map(|row| row.1)
    }

    /// The word in lower case.
    pub fn word(self) -> &'static str {
        TABLE.get(self as usize).map_or("", |row| row.0)
    }

    /// What the word may still name.
    pub fn category(self) -> Category {
        TABLE.get(self as usize).map_or(Category::Reserved, |row| row.2)
    }

    /// Whether the word may label a target without `AS`.
    pub fn bare_label(self) -> bool {
        TABLE.get(self as usize).is_some_and(|row| row.3)
    }

    /// Every keyword, in the order of the words.
    pub fn all() -> impl Iterator<Item = Keyword> {
        TABLE.iter().map(|row| row.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_found() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for keyword in Keyword::all() {
            assert_eq!(Keyword::find(keyword.word()), Some(keyword));
            assert_eq!(Keyword::find(&keyword.word().to_uppercase()), Some(keyword));
            assert!(keyword.word().len() <= LONGEST);
        }
        assert_eq!(TABLE.len(), 460);
        assert_eq!(Keyword::find("selects"), None);
        assert_eq!(Keyword::find(""), None);
        assert_eq!(Keyword::find("_x"), None);
        assert_eq!(Keyword::find("été"), None);
    }
}
