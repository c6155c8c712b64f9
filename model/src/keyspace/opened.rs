//! Opened tables (first, what they refuse).
use super::error::{KeyError, Result};
use super::keys::Keys;
use crate::schema::Collection;
use bytes::Bytes;
use std::sync::Arc;
pub(super) fn refuse(what: &'static str, table: &Collection) -> KeyError {
    KeyError::Opened { what, table: table.name.clone() }
}
pub(super) fn row_key(table: &Collection, _rest: &[u8]) -> Result<Option<Bytes>> {
    Err(refuse("x", table))
}
pub(super) async fn set(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _r: &[u8],
    _p: &[(&[u8], &[u8])],
) -> Result<u64> {
    Err(refuse("x", t))
}
pub(super) async fn get(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _r: &[u8],
    _f: &[u8],
) -> Result<Option<Bytes>> {
    Err(refuse("x", t))
}
pub(super) async fn all(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _r: &[u8],
) -> Result<Vec<(Bytes, Bytes)>> {
    Err(refuse("x", t))
}
pub(super) async fn delete(_k: &mut Keys, t: &Arc<Collection>, _r: &[u8]) -> Result<bool> {
    Err(refuse("x", t))
}
pub(super) async fn delete_fields(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _r: &[u8],
    _f: &[&[u8]],
) -> Result<u64> {
    Err(refuse("x", t))
}
pub(super) async fn exists(_k: &mut Keys, t: &Arc<Collection>, _r: &[u8]) -> Result<bool> {
    Err(refuse("x", t))
}
pub(super) async fn increment(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _r: &[u8],
    _f: &[u8],
    _b: i64,
) -> Result<i64> {
    Err(refuse("x", t))
}
pub(super) async fn scan(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _p: &[u8],
    _c: u64,
    _w: usize,
) -> Result<(u64, Vec<Bytes>)> {
    Err(refuse("x", t))
}
pub(super) async fn keys(
    _k: &mut Keys,
    t: &Arc<Collection>,
    _p: &[u8],
    _e: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<()> {
    Err(refuse("x", t))
}
