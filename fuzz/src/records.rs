//! What the model keeps: rows, index entries, key spaces, the catalogue.
//!
//! ```text
//!   row        any key, any value ─► RowReader, document, EntryReader, keyspace layouts
//!              what was read ─► encode ─► read again: the same document
//!   catalogue  any records under their keys ─► Model::open, a transaction's picture, the sweeper
//! ```
//!
//! The engine's checksums stand before these readers, so a wrong byte here was written by us or by
//! a newer program: it must be an error with a name, never a panic and never a guess.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use model::datum::{Arena, Datum};
use model::expressions::NoExpressions;
use model::keyspace::layout;
use model::row::{self, Extras, RowReader};
use model::types::{Scalar, Type};
use model::{
    Collection, CollectionId, CollectionKind, Column, ColumnId, DatabaseId, ElementSource,
    EntryReader, ExtraFields, Index, IndexElement, IndexId, IndexState, Model, ObjectNumber,
    Options, PrimaryKey, StorageId, key,
};
use transaction::local::{Local, LocalOptions};
use transaction::{Begin, Buffer, CancelToken, Durability, ReadTracking, Stamp, Store};
use value::{Kind, Value};

use crate::input::Input;
use crate::sessions::runtime;

const TYPES: [Type; 22] = [
    Type::INT8,
    Type::TEXT,
    Type::BOOL,
    Type::INT1,
    Type::INT2,
    Type::INT4,
    Type::UINT8,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::BPCHAR,
    Type::BYTEA,
    Type::DATE,
    Type::TIME,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::UUID,
    Type::OBJECTID,
    Type::JSONB,
    Type::array_of(Scalar::Int4),
    Type::ANY,
];

fn column(id: u32, ty: Type) -> Column {
    Column {
        id: ColumnId(id),
        name: format!("c{id}"),
        ty,
        modifier: -1,
        not_null: false,
        generator: None,
        added: 1 + id % 4,
        missing: (id == 6).then_some(Value::Int32(42)),
        hidden: false,
    }
}

fn index() -> Index {
    let element = |id| IndexElement {
        source: ElementSource::Column(ColumnId(id)),
        descending: id == 6,
        nulls_first: false,
    };
    Index {
        id: IndexId(20_003),
        name: "i".into(),
        elements: vec![element(6), element(13)],
        unique: false,
        nulls_distinct: true,
        array_elements: false,
        predicate: None,
        constraint: None,
        state: IndexState::Ready,
    }
}

/// A table with a column of every type, keyed by the first two.
fn collection() -> &'static Arc<Collection> {
    static TABLE: OnceLock<Arc<Collection>> = OnceLock::new();
    TABLE.get_or_init(|| {
        Arc::new(Collection {
            id: CollectionId(20_000),
            storage: StorageId(3),
            database: DatabaseId(16_384),
            schema: "public".into(),
            name: "t".into(),
            kind: CollectionKind::Table,
            version: 5,
            columns: TYPES.iter().zip(1..).map(|(ty, id)| column(id, *ty)).collect(),
            next_column: TYPES.len() as u32 + 1,
            primary_key: PrimaryKey {
                id: IndexId(20_001),
                name: "t_pkey".into(),
                constraint: ObjectNumber(20_002),
                columns: vec![ColumnId(1), ColumnId(2)],
            },
            indexes: vec![index()],
            checks: Vec::new(),
            extra_fields: ExtraFields::Keep,
            fields: BTreeMap::new(),
            redis_prefix: None,
            sequences: BTreeMap::new(),
        })
    })
}

/// A key and a value as what may lie under it.
pub fn row(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.below(4);
    let key = input.sized();
    match kind {
        0 => keyspace(key, input.rest()),
        1 => entry(key, input.rest()),
        2 => {
            // A whole key prefix saves the fuzzer the search for it.
            let mut whole = Vec::new();
            key::row_prefix(StorageId(3), &mut whole);
            whole.extend_from_slice(key);
            stored(&whole, input.rest());
        }
        _ => written(&mut input),
    }
}

fn stored(key: &[u8], value: &[u8]) {
    let table = collection();
    let arena = Arena::new();
    let reader = RowReader::whole(table).expect("the table has its columns");
    let mut datums = vec![Datum::Missing; reader.width()];
    let read = reader.read(key, value, &arena, &mut datums);
    let whole = row::document(table, key, value);
    let item = row::document_item(table, key, value, &arena);
    let _ = row::id_of(table, key, value);
    if let Ok(row) = row::Row::read(value) {
        let _ = (row.field("a"), row.fields().count());
    }
    if read.is_err() || whole.is_err() || item.is_err() {
        return;
    }
    // Keys refuse what is too long or not orderable; such a row could not have been written.
    let Ok(own) = row::key_of(table, &datums) else { return };
    let Ok(stored) = row::Row::read(value) else { return };
    let encoded = row::encode(table, &own, &datums, Extras::Of(stored), None);
    let Ok(encoded) = encoded else { return };
    let again = row::document(table, &own, &encoded).expect("what was encoded is read");
    let (again, whole) = (Value::Document(again), Value::Document(whole.unwrap()));
    assert_eq!(value::cmp_bson(&again, &whole), std::cmp::Ordering::Equal, "{whole:?} {again:?}");
}

/// A row made of values: written, then read.
fn written(input: &mut Input<'_>) {
    let table = collection();
    let document = input.document(2);
    let arena = Arena::new();
    let mut renamed = value::Document::new();
    for (at, (name, value)) in document.into_fields().into_iter().enumerate() {
        // Every other field goes to a column.
        let name = if at % 2 == 0 { format!("c{}", 1 + name.len() % TYPES.len()) } else { name };
        renamed.insert(name, value);
    }
    let Ok(row) = row::from_document(table, &renamed, &arena) else { return };
    let Ok(key) = row::key_of(table, &row.row) else { return };
    let extras = Extras::Fields(&row.extras);
    let Ok(bytes) = row::encode(table, &key, &row.row, extras, None) else { return };
    stored(&key, &bytes);
    row::document(table, &key, &bytes).expect("what was written is read");
    let _ = row::key_of_id(table, &input.value(2));
}

fn entry(key: &[u8], value: &[u8]) {
    let table = collection();
    let arena = Arena::new();
    let columns = [ColumnId(6), ColumnId(13), ColumnId(1), ColumnId(2)];
    let reader = EntryReader::new(table, &table.indexes[0], &columns).expect("such an index");
    let mut datums = vec![Datum::Missing; columns.len()];
    let _ = reader.read(key, value, &arena, &mut datums);
    let _ = model::row_of_entry(table, &table.indexes[0], key, value);
    let _ = key::read_dictionary_pair(key);
    let _ = (key::Category::of(key), key::is_cut(key), key::row_elements(key));
    let _ = key::read_counter(Some(&Bytes::copy_from_slice(value)));
}

fn keyspace(name: &[u8], data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let storage = StorageId(9);
    let row = layout::row(storage, name);
    assert_eq!(layout::storage_of(&row), storage);
    if !key::is_cut(&row) {
        let back = layout::key_of_elements(key::row_elements(&row));
        assert_eq!(back.expect("an own key is read"), name);
    }
    let (entry_key, entry_value) = layout::entry(&row, name);
    let found = layout::read_entry(storage, &entry_key, &entry_value).expect("an own entry");
    assert_eq!(found, (layout::hash(name), row.clone()));
    let (hint_key, hint_value) = layout::hint(&row, 77_000_000);
    let found = layout::read_hint(&hint_key, &hint_value).expect("an own hint");
    assert_eq!(found, (77_000_000, row.clone()));
    let _ = (layout::read_entry(storage, name, data), layout::read_hint(name, data));
    let _ = layout::read_member(&row, data, &bytes);
    let Ok(record) = layout::Record::read(bytes.clone()) else { return };
    let _ = (record.fields(), record.is_expired(5), record.pairs().count());
    let _ = (layout::key_of(name, &record), record.large());
    assert_eq!(record.shared_payload(), record.payload());
    let mut again = layout::begin(record.kind(), record.expires(), record.long_key(), 0);
    again.extend_from_slice(record.payload());
    assert_eq!(again, data, "a record is written as it was read");
    if let Ok(large) = record.large() {
        let members = layout::members(&row, large);
        let member = layout::member(&members, name);
        let value = layout::member_value(&member, name, data);
        let (hash, field, value) =
            layout::read_member(&members, &member, &value).expect("an own member");
        assert_eq!((hash, field, &value[..]), (layout::hash(name), name, data));
    }
}

/// The key of a record of the catalogue, as the script says.
fn catalogue_key(input: &mut Input<'_>) -> Bytes {
    let id = u32::from(input.u8()) + 16_380;
    match input.below(9) {
        0 => key::database(if id.is_multiple_of(2) { "main" } else { "other" }),
        1 | 2 => key::relation(DatabaseId(16_384), "public", &input.text()),
        3 => key::relation(DatabaseId(id), "s", "t"),
        4 => key::collection_lock(CollectionId(id)),
        5 => key::dictionary_pair(CollectionId(id), "field", Kind::Text),
        6 => key::job(ObjectNumber(id)),
        7 => key::catalogue_version(),
        _ => {
            let category = [key::Category::Catalogue, key::Category::Database, key::Category::Job];
            let mut raw = category[input.below(3)].header().to_vec();
            raw.extend_from_slice(input.sized());
            raw.into()
        }
    }
}

/// Records of the catalogue in a store that a model is opened on.
pub fn catalogue(data: &[u8]) {
    let mut input = Input::new(data);
    runtime().block_on(async {
        let options = LocalOptions { outcomes_max: 64, ..LocalOptions::with_memory(16 << 20) };
        let local = Arc::new(Local::memory_with(options).expect("a store in memory opens"));
        let store: Arc<dyn Store> = local.clone();
        let transaction = store.begin(Begin::default()).await.expect("it begins");
        let buffer =
            Buffer::new(transaction, store.offers(), ReadTracking::Off, CancelToken::default());
        while !input.is_empty() {
            let key = catalogue_key(&mut input);
            let length = usize::from(input.u16()) % 2048;
            buffer.put(key, Bytes::copy_from_slice(input.take(length))).expect("small");
        }
        buffer.commit(Durability::None, Bytes::new(), true).await.expect("it commits");
        let opened = Model::open(store, Options::new(Arc::new(NoExpressions))).await;
        let Ok(model) = opened else { return };
        let begun = model.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await;
        if let Ok(work) = begun {
            look(&work.catalogue());
            let _ = work.rollback().await;
        }
        let _ = model.sweep_once(Stamp(u64::MAX), &CancelToken::default()).await;
    });
}

/// Goes everywhere in a picture that reading allowed.
fn look(catalogue: &model::Catalogue) {
    for collection in catalogue.collections.values() {
        let _ = (RowReader::whole(collection).map(|r| r.width()), collection.has_system_id());
        for column in &collection.columns {
            let _ = (collection.position(column.id), column.ty.display(column.modifier));
        }
        for index in &collection.indexes {
            let ids: Vec<ColumnId> = collection.columns.iter().map(|c| c.id).collect();
            let _ = EntryReader::new(collection, index, &ids);
        }
    }
    for (database, schema, name) in catalogue.relations.keys() {
        let _ = catalogue.relation(*database, schema, name);
        let _ = (catalogue.sequence(*database, schema, name).is_some(), catalogue.version);
    }
}
