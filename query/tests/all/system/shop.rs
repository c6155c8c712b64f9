//! A small catalogue with one of everything, and the session that sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::*;
use query::expression::Session;
use query::system::report::{Activity, Cursor, Lock, Prepared, Setting};
use query::{Result, Scalar, Type};
use value::Kind;

use crate::session::Fixed;

/// The session of the tests, over [`catalogue`].
pub struct Shop {
    fixed: Fixed,
    catalogue: Arc<Catalogue>,
}

impl Shop {
    pub fn open() -> Shop {
        Shop { fixed: Fixed::utc(), catalogue: Arc::new(catalogue()) }
    }

    pub fn over(catalogue: Catalogue) -> Shop {
        Shop { fixed: Fixed::utc(), catalogue: Arc::new(catalogue) }
    }
}

pub const MAIN: DatabaseId = DatabaseId(16384);

fn column(id: u32, name: &str, ty: Type) -> Column {
    Column {
        id: ColumnId(id),
        name: name.to_owned(),
        ty,
        modifier: -1,
        not_null: false,
        generator: None,
        added: 1,
        missing: None,
        hidden: false,
    }
}

fn element(source: ElementSource) -> IndexElement {
    IndexElement { source, descending: false, nulls_first: false }
}

fn on(id: u32) -> IndexElement {
    element(ElementSource::Column(ColumnId(id)))
}

fn index(id: u32, name: &str, elements: Vec<IndexElement>) -> Index {
    Index {
        id: IndexId(id),
        name: name.to_owned(),
        elements,
        unique: false,
        nulls_distinct: true,
        array_elements: false,
        predicate: None,
        constraint: None,
        state: IndexState::Ready,
    }
}

fn system_id(hidden: bool) -> Column {
    Column {
        not_null: true,
        generator: Some(Generator::ObjectId),
        hidden,
        ..column(0, "_id", Type::OBJECTID)
    }
}

fn sequence(id: u32, schema: &str, name: &str, ty: Type, max: i64) -> Sequence {
    Sequence {
        id: ObjectNumber(id),
        database: MAIN,
        schema: schema.to_owned(),
        name: name.to_owned(),
        ty,
        start: 1,
        increment: 1,
        min: 1,
        max,
        cycle: false,
        cache: 1,
        owner: None,
    }
}

pub fn table(id: u32, schema: &str, name: &str, columns: Vec<Column>) -> Collection {
    Collection {
        id: CollectionId(id),
        storage: StorageId(id + 1000),
        database: MAIN,
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind: CollectionKind::Table,
        version: 1,
        next_column: columns.iter().map(|column| column.id.0 + 1).max().unwrap_or(1),
        columns,
        primary_key: PrimaryKey {
            id: IndexId(id + 1),
            name: format!("{name}_pkey"),
            constraint: ObjectNumber(id + 2),
            columns: vec![ColumnId::SYSTEM_ID],
        },
        indexes: Vec::new(),
        checks: Vec::new(),
        extra_fields: ExtraFields::Refuse,
        fields: BTreeMap::new(),
        redis_prefix: None,
        sequences: BTreeMap::new(),
    }
}

/// Every type of column, default and index.
fn account() -> Collection {
    let with = |generator, column| Column { generator: Some(generator), ..column };
    let columns = vec![
        Column {
            not_null: true,
            ..with(Generator::Serial(ObjectNumber(16450)), column(1, "id", Type::INT4))
        },
        Column { not_null: true, modifier: 84, ..column(2, "email", Type::VARCHAR) },
        with(Generator::Default("'nobody'::text".to_owned()), column(3, "Name", Type::TEXT)),
        Column {
            not_null: true,
            modifier: ((12 << 16) | 2) + 4,
            ..with(Generator::Default("0".to_owned()), column(4, "balance", Type::NUMERIC))
        },
        column(5, "active", Type::BOOL),
        column(7, "made", Type::TIMESTAMPTZ),
        column(8, "tags", Type::array_of(Scalar::Text)),
    ];
    let mut account = table(16400, "public", "account", columns);
    account.primary_key.columns = vec![ColumnId(1)];
    let unique = Index {
        unique: true,
        constraint: Some(ObjectNumber(16411)),
        ..index(16410, "account_email_key", vec![on(2)])
    };
    let descending = IndexElement { descending: true, nulls_first: true, ..on(7) };
    let partial = Index {
        predicate: Some("balance > 0::numeric".to_owned()),
        state: IndexState::Building,
        ..index(16413, "account_active", vec![on(5)])
    };
    let lower = element(ElementSource::Expression("lower(email::text)".to_owned()));
    let sum = element(ElementSource::Expression("balance + 1".to_owned()));
    account.indexes = vec![
        unique,
        index(16412, "account_made", vec![descending, on(2)]),
        partial,
        index(16414, "account_lower", vec![lower, sum.clone(), sum]),
    ];
    let check = |number, name: &str, expression: &str| Check {
        constraint: ObjectNumber(number),
        name: name.to_owned(),
        expression: expression.to_owned(),
    };
    account.checks = vec![check(16415, "account_balance_check", "balance >= 0::numeric")];
    account.sequences.insert(ColumnId(1), ObjectNumber(16450));
    account
}

/// A composite key, identity and generated columns, in a schema of its own.
fn orders() -> Collection {
    let with = |generator, column| Column { generator: Some(generator), ..column };
    let columns = vec![
        Column { not_null: true, ..column(1, "customer", Type::INT8) },
        Column { not_null: true, ..column(2, "number", Type::INT4) },
        Column { modifier: 8, ..column(3, "code", Type::BPCHAR) },
        column(4, "total", Type::FLOAT8),
        Column {
            not_null: true,
            ..with(Generator::IdentityAlways(ObjectNumber(16451)), column(5, "id2", Type::INT8))
        },
        Column {
            not_null: true,
            ..with(Generator::IdentityByDefault(ObjectNumber(16452)), column(6, "id3", Type::INT4))
        },
        with(Generator::Stored("total * 2".to_owned()), column(7, "twice", Type::FLOAT8)),
    ];
    let mut orders = table(16420, "shop", "orders", columns);
    orders.primary_key.columns = vec![ColumnId(1), ColumnId(2)];
    orders.indexes = vec![Index {
        unique: true,
        nulls_distinct: false,
        constraint: Some(ObjectNumber(16431)),
        ..index(16430, "orders_code", vec![on(1), on(3)])
    }];
    orders.sequences.insert(ColumnId(5), ObjectNumber(16451));
    orders.sequences.insert(ColumnId(6), ObjectNumber(16452));
    orders
}

/// No key at all.
fn plain() -> Collection {
    table(16435, "public", "plain", vec![column(1, "a", Type::INT4), system_id(true)])
}

/// Documents: what the dictionary knows.
fn people() -> Collection {
    let mut people = table(16440, "public", "people", vec![system_id(false)]);
    people.kind = CollectionKind::Documents;
    people.extra_fields = ExtraFields::Keep;
    let seen = |kinds: &[Kind]| kinds.iter().fold(TypeSet::default(), |set, kind| set.with(*kind));
    people.fields.insert("age".to_owned(), seen(&[Kind::Int32, Kind::Null]));
    people.fields.insert("name".to_owned(), seen(&[Kind::Text]));
    people.fields.insert("what".to_owned(), seen(&[Kind::Text, Kind::Int32]));
    let path = |names: &[&str]| {
        element(ElementSource::Path(names.iter().map(|name| (*name).to_owned()).collect()))
    };
    people.indexes =
        vec![index(16443, "people_age", vec![path(&["age"]), path(&["home", "city"])])];
    people
}

/// Adds a collection under its names.
pub fn insert(catalogue: &mut Catalogue, collection: Collection) {
    let name = |name: &str| (MAIN, collection.schema.clone(), name.to_owned());
    let id = collection.id;
    catalogue.names.insert(name(&collection.name), id);
    catalogue.relations.insert(name(&collection.name), Relation::Collection(id));
    let key = &collection.primary_key;
    catalogue.relations.insert(name(&key.name), Relation::Index(id, key.id));
    for index in &collection.indexes {
        catalogue.relations.insert(name(&index.name), Relation::Index(id, index.id));
    }
    catalogue.collections.insert(id, Arc::new(collection));
}

fn catalogue() -> Catalogue {
    let mut catalogue = empty();
    [account(), orders(), plain(), people()].into_iter().for_each(|c| insert(&mut catalogue, c));
    let owned = |id, column, sequence| Sequence {
        owner: Some((CollectionId(id), ColumnId(column))),
        ..sequence
    };
    let int4 = i64::from(i32::MAX);
    let counter = sequence(16453, "public", "counter", Type::INT8, i64::MAX);
    let sequences = [
        owned(16400, 1, sequence(16450, "public", "account_id_seq", Type::INT4, int4)),
        owned(16420, 5, sequence(16451, "shop", "orders_id2_seq", Type::INT8, i64::MAX)),
        owned(16420, 6, sequence(16452, "shop", "orders_id3_seq", Type::INT4, int4)),
        Sequence { start: 10, increment: 5, cycle: true, cache: 3, ..counter },
    ];
    for one in sequences {
        let key = (MAIN, one.schema.clone(), one.name.clone());
        catalogue.relations.insert(key, Relation::Sequence(one.id));
        catalogue.sequences.insert(one.id, Arc::new(one));
    }
    catalogue
}

/// Two databases, the first with a schema.
pub fn empty() -> Catalogue {
    let mut catalogue = Catalogue::default();
    let schemas = BTreeMap::from([("shop".to_owned(), ObjectNumber(16390))]);
    let database =
        |id, name: &str, schemas| Arc::new(Database { id, name: name.to_owned(), schemas });
    catalogue.databases.insert("main".to_owned(), database(MAIN, "main", schemas));
    let other = database(DatabaseId(16385), "other", BTreeMap::new());
    catalogue.databases.insert("other".to_owned(), other);
    catalogue
}

impl Session for Shop {
    fn transaction_time(&self) -> i64 {
        self.fixed.transaction_time()
    }
    fn statement_time(&self) -> i64 {
        self.fixed.statement_time()
    }
    fn clock_time(&self) -> i64 {
        self.fixed.clock_time()
    }
    fn time_zone(&self) -> &str {
        self.fixed.time_zone()
    }
    fn setting(&self, name: &str) -> Option<String> {
        self.fixed.setting(name)
    }
    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<()> {
        self.fixed.set_setting(name, value, local)
    }
    fn user(&self) -> &str {
        "ann"
    }
    fn database(&self) -> &str {
        "main"
    }
    fn search_path(&self) -> Vec<String> {
        vec!["public".to_owned()]
    }
    fn backend_pid(&self) -> i32 {
        7
    }
    fn nextval(&self, sequence: &str) -> Result<i64> {
        self.fixed.nextval(sequence)
    }
    fn currval(&self, sequence: Option<&str>) -> Result<i64> {
        self.fixed.currval(sequence)
    }
    fn setval(&self, sequence: &str, value: i64, called: bool) -> Result<i64> {
        self.fixed.setval(sequence, value, called)
    }
    fn random(&self) -> f64 {
        self.fixed.random()
    }
    fn uuid(&self) -> [u8; 16] {
        self.fixed.uuid()
    }
    fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.clone()
    }
    fn database_id(&self) -> DatabaseId {
        MAIN
    }
    fn relation_size(&self, number: u32) -> Option<i64> {
        (number >= 16384).then_some(10_000)
    }
    fn row_count(&self, collection: CollectionId) -> Option<i64> {
        (collection.0 != 16435).then_some(42)
    }
    fn sequence_last(&self, sequence: &Sequence) -> Option<i64> {
        (sequence.id.0 == 16450).then_some(2)
    }
    fn expression_type(&self, _: &Collection, text: &str) -> Option<Type> {
        text.starts_with("lower").then_some(Type::TEXT)
    }
    fn expression_columns(&self, _: &Collection, text: &str) -> Vec<ColumnId> {
        if text.starts_with("balance") { vec![ColumnId(4)] } else { Vec::new() }
    }
    fn settings(&self) -> Vec<Setting> {
        vec![Setting {
            name: "bytea_output".to_owned(),
            value: "hex".to_owned(),
            category: "Client",
            description: "Output format of bytea.".to_owned(),
            context: "user",
            ty: "enum",
            source: "default",
            values: vec!["hex".to_owned(), "escape".to_owned()],
            boot: Some("hex".to_owned()),
            reset: Some("hex".to_owned()),
            ..Setting::default()
        }]
    }
    fn activity(&self) -> Vec<Activity> {
        vec![Activity {
            pid: 7,
            database: Some((MAIN.0, "main".to_owned())),
            user: Some("ann".to_owned()),
            application: "test".to_owned(),
            client_port: Some(-1),
            started: Some(self.clock_time()),
            state: Some("active"),
            query: "SELECT 1".to_owned(),
            kind: "client backend",
            ..Activity::default()
        }]
    }
    fn locks(&self) -> Vec<Lock> {
        vec![Lock {
            kind: "relation",
            database: Some(MAIN.0),
            relation: Some(16400),
            pid: Some(7),
            mode: "AccessExclusiveLock",
            granted: true,
            wait_started: None,
        }]
    }
    fn prepared_statements(&self) -> Vec<Prepared> {
        vec![Prepared {
            name: "p".to_owned(),
            statement: "PREPARE p AS SELECT $1::int".to_owned(),
            time: Some(self.clock_time()),
            parameters: vec![Type::INT4],
            from_sql: true,
        }]
    }
    fn cursors(&self) -> Vec<Cursor> {
        vec![Cursor {
            name: "c".to_owned(),
            statement: "DECLARE c CURSOR FOR SELECT 1".to_owned(),
            scrollable: true,
            time: Some(self.clock_time()),
            ..Cursor::default()
        }]
    }
}
