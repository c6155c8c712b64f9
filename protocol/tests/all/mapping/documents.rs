//! A collection without a schema: documents by the model's own call, seen by SQL through the field
//! dictionary and by Redis under a prefix; and undeclared fields beside declared columns.
//!
//! No protocol makes such a collection yet, so the test makes it below the library, in a folder,
//! and opens the folder as everybody does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use model::error::ExpressionError;
use model::expressions::{Evaluator, Expressions};
use model::types::Type;
use model::{Arbiter, Collection, Model, NewCollection};
use proptest::prelude::*;
use qanat::transaction::local::{Local, LocalOptions};
use qanat::transaction::{Begin, Durability, ReadTracking, Store};
use value::{Decimal, Document, Value as Stored};

use super::bed::{Bed, Outcome, Told, same};
use super::values::{Json, Layout, Ty, Value};

/// A field's value, with what the dictionary calls it.
#[derive(Clone, Debug)]
pub struct Field {
    stored: Stored,
    value: Value,
    ty: Ty,
    /// Whether the kind is a number.
    number: bool,
}

/// Documents with fields of a few names.
pub type Documents = Vec<BTreeMap<String, Field>>;

fn field() -> BoxedStrategy<Field> {
    let made = |stored, value, ty, number| Field { stored, value, ty, number };
    prop_oneof![
        any::<i32>()
            .prop_map(move |n| { made(Stored::Int32(n), Value::Int(n.into()), Ty::Int4, true) }),
        any::<i64>().prop_map(move |n| made(Stored::Int64(n), Value::Int(n), Ty::Int8, true)),
        (-1000..1000i32).prop_map(move |n| {
            let n = f64::from(n) / 8.0;
            // As a numeric among other numbers it has no sign of zero.
            let n = if n == 0.0 { 0.5 } else { n };
            made(Stored::Float64(n), Value::Float8(n), Ty::Float8, true)
        }),
        (any::<i32>(), 0..4u32).prop_map(move |(n, scale)| {
            let text = match scale {
                0 => n.to_string(),
                scale => format!("{n}.{}", "5".repeat(scale as usize)),
            };
            let number: Decimal = text.parse().unwrap();
            made(Stored::Decimal(number), Value::Numeric(text), Ty::Numeric, true)
        }),
        super::cases::scalar(Ty::Text).prop_map(move |value| {
            let Value::Text(text) = &value else { unreachable!() };
            made(Stored::Text(text.clone()), value.clone(), Ty::Text, false)
        }),
        any::<bool>().prop_map(move |v| made(Stored::Bool(v), Value::Bool(v), Ty::Bool, false)),
        any::<[u8; 16]>().prop_map(move |id| made(
            Stored::Uuid(id),
            Value::Uuid(id),
            Ty::Uuid,
            false
        )),
        (-700_000..40_000i32).prop_map(move |n| made(
            Stored::Date(n),
            Value::Date(n),
            Ty::Date,
            false
        )),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(move |items| {
            let json = items.iter().map(|n| Json::Number(n.to_string())).collect();
            let stored = Stored::Array(items.into_iter().map(Stored::Int64).collect());
            made(stored, Value::Json(Json::Array(json)), Ty::Jsonb, false)
        }),
    ]
    .boxed()
}

pub fn case() -> BoxedStrategy<Documents> {
    let name = prop::sample::select(vec!["a", "b", "c", "é"]).prop_map(str::to_owned);
    prop::collection::vec(prop::collection::btree_map(name, field(), 0..4), 1..5).boxed()
}

/// No collection of this test has an expression.
struct Nothing;

impl Expressions for Nothing {
    fn compile(
        &self,
        text: &str,
        _: &Collection,
        _: Option<(Type, i32)>,
    ) -> Result<Arc<dyn Evaluator>, ExpressionError> {
        panic!("an expression: {text}")
    }

    fn rename_column(
        &self,
        text: &str,
        _: &Collection,
        _: &str,
        _: &str,
    ) -> Result<String, ExpressionError> {
        panic!("an expression: {text}")
    }
}

/// Makes the collection `things` in a folder, opened under the prefix `things`; `_id` counts.
async fn write(folder: &Path, documents: &Documents) {
    let directory = Arc::new(engine::device::RealDirectory::open(folder).unwrap());
    let below = folder.join("engine");
    let engine = || {
        let engine = engine::file::FileEngine::open(&below, engine::file::Options::default())?;
        Ok(Arc::new(engine) as Arc<dyn engine::Engine>)
    };
    let store = Arc::new(Local::open_with(directory, engine, LocalOptions::default()).unwrap());
    let shared: Arc<dyn Store> = store.clone();
    let model = Model::open(shared, model::Options::new(Arc::new(Nothing))).await.unwrap();
    let work = model.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await.unwrap();
    let main = work.catalogue().database("main").unwrap().id;
    let new = NewCollection::documents(main, "public", "things");
    let things = work.create_collection(new).await.unwrap();
    let things = work.set_redis_prefix(things.id, Some("things")).await.unwrap_or(things);
    for (at, fields) in documents.iter().enumerate() {
        let mut document = Document::new();
        document.push("_id", Stored::Int64(at as i64));
        for (name, field) in fields {
            document.push(name.as_str(), field.stored.clone());
        }
        work.insert_document(&things, &document, Arbiter::None).await.unwrap();
    }
    work.commit(Durability::Sync, Default::default()).await.unwrap();
    store.close().await.unwrap();
}

/// The column's type, from the kinds seen in its field.
fn column(documents: &Documents, name: &str) -> Ty {
    let fields: Vec<&Field> = documents.iter().filter_map(|fields| fields.get(name)).collect();
    let types: BTreeSet<String> = fields.iter().map(|field| field.ty.sql()).collect();
    match types.len() {
        1 => fields[0].ty,
        _ if fields.iter().all(|field| field.number) => Ty::Numeric,
        _ => Ty::Jsonb,
    }
}

/// A field in a column of a type.
fn shown(field: &Field, ty: Ty) -> String {
    match (ty, &field.value) {
        (Ty::Jsonb, value) => value.json(Layout::Sorted),
        // By its shortest decimal.
        (Ty::Numeric, Value::Float8(n)) => n.to_string(),
        (ty, value) => value.text(ty),
    }
}

pub async fn hold(documents: &Documents) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), documents).await;
    let qanat = qanat::Qanat::open(&format!("file:{}", folder.path().display())).await.unwrap();
    let mut bed = Bed::over(qanat.clone()).await;
    let read = read(&mut bed, documents).await;
    drop(bed);
    qanat.close().await.unwrap();
    read
}

async fn read(bed: &mut Bed, documents: &Documents) -> Outcome {
    let names: BTreeSet<&String> = documents.iter().flat_map(|fields| fields.keys()).collect();
    let types = bed
        .rows(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_name = 'things' AND column_name <> '_id' \
             ORDER BY column_name COLLATE \"C\"",
        )
        .await?;
    let wanted: Vec<Vec<Option<String>>> = names
        .iter()
        .map(|name| vec![Some((*name).clone()), Some(column(documents, name).sql())])
        .collect();
    same("the columns", &types, &wanted)?;
    for name in names {
        let ty = column(documents, name);
        let seen =
            bed.rows(&format!("SELECT \"{name}\" FROM things ORDER BY _id::text::int")).await?;
        let wanted: Vec<Vec<Option<String>>> =
            documents.iter().map(|d| vec![d.get(name).map(|field| shown(field, ty))]).collect();
        same(&format!("{name} as {ty:?}"), &seen, &wanted)?;
    }
    for (at, fields) in documents.iter().enumerate() {
        let key = format!("things:{at}");
        let all = bed.keys(&["HGETALL", &key]).await.texts();
        let mut wanted = vec![(b"_id".to_vec(), at.to_string().into_bytes())];
        wanted.extend(fields.iter().map(|(n, f)| (n.clone().into_bytes(), redis(f))));
        let wanted: Vec<Option<Vec<u8>>> =
            wanted.into_iter().flat_map(|(name, value)| [Some(name), Some(value)]).collect();
        same("HGETALL", &all, &wanted)?;
        let seen = bed.rows(&format!("SELECT _doc FROM things WHERE _id::text = '{at}'")).await?;
        let mut parts: Vec<(String, String)> =
            fields.iter().map(|(n, f)| (n.clone(), f.value.json(Layout::Sorted))).collect();
        parts.push(("_id".into(), at.to_string()));
        parts.sort_by_key(|(name, _)| (name.len(), name.clone()));
        let parts: Vec<String> = parts.iter().map(|(n, v)| format!("\"{n}\": {v}")).collect();
        same("_doc", &seen, &vec![vec![Some(format!("{{{}}}", parts.join(", ")))]])?;
    }
    widened(bed, documents).await
}

fn redis(field: &Field) -> Vec<u8> {
    field.value.redis()
}

/// A new field by Redis is a text, and its column is there at once; a field that was there keeps
/// its type where the text is of it.
async fn widened(bed: &mut Bed, documents: &Documents) -> Outcome {
    let new = bed.keys(&["HSET", "things:0", "new", "x"]).await;
    same("HSET", &new, &Told::Number(1))?;
    let seen = bed.rows("SELECT new FROM things WHERE new IS NOT NULL").await?;
    same("the new column", &seen, &vec![vec![Some("x".into())]])?;
    for (name, field) in &documents[0] {
        let before = column(documents, name);
        let text = field.value.redis();
        let told = bed.keys(&[b"HSET", &b"things:0"[..], name.as_bytes(), &text]).await;
        same("HSET of what it is", &told, &Told::Number(0))?;
        let seen =
            bed.rows(&format!("SELECT \"{name}\" FROM things WHERE _id::text = '0'")).await?;
        same("and still is", &seen, &vec![vec![Some(shown(field, before))]])?;
    }
    Ok(())
}

/// Undeclared fields of a table that keeps them.
pub async fn beside_columns(bed: &mut Bed) -> Outcome {
    bed.sql("CREATE TABLE kept (id int PRIMARY KEY, name text)").await?;
    bed.sql("ALTER TABLE kept SET (redis_prefix = 'kept')").await?;
    let refused = bed.keys(&["HSET", "kept:1", "name", "ann", "nick", "a1"]).await;
    same("refused", &matches!(refused, Told::Error(_)), &true)?;
    same("no row", &bed.rows("SELECT * FROM kept").await?, &Vec::new())?;
    bed.sql("ALTER TABLE kept SET (extra_fields = keep)").await?;
    let told = bed.keys(&["HSET", "kept:1", "name", "ann", "nick", "a1"]).await;
    same("HSET", &told, &Told::Number(2))?;
    let row = vec![vec![Some("1".into()), Some("ann".into())]];
    same("SELECT *", &bed.rows("SELECT * FROM kept").await?, &row)?;
    let document = r#"{"id": 1, "_id": 1, "name": "ann", "nick": "a1"}"#;
    let seen = bed.rows("SELECT _doc FROM kept WHERE _doc->>'nick' = 'a1'").await?;
    same("_doc", &seen, &vec![vec![Some(document.into())]])?;
    // An UPDATE by SQL keeps the field, ADD COLUMN takes it over.
    bed.sql("UPDATE kept SET name = 'bea'").await?;
    same("HGET", &bed.keys(&["HGET", "kept:1", "nick"]).await, &Told::Text(b"a1".to_vec()))?;
    bed.sql("ALTER TABLE kept ADD COLUMN nick text").await?;
    let seen = bed.rows("SELECT nick FROM kept").await?;
    same("the column", &seen, &vec![vec![Some("a1".into())]])?;
    let told = bed.keys(&["HDEL", "kept:1", "nick"]).await;
    same("HDEL", &told, &Told::Number(1))?;
    same("NULL", &bed.rows("SELECT nick FROM kept").await?, &vec![vec![None]])
}
