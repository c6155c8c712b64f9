//! The session of work that no client asked for: index builds and sweeping evaluate stored
//! expressions, which must be immutable, so nothing that a real session would answer is ever looked
//! at.

use std::sync::Arc;

use model::{Catalogue, DatabaseId};
use query::expression::Session;

use crate::{Error, Result};

/// A session of nobody.
pub(crate) struct Background;

/// The only one.
pub(crate) static BACKGROUND: Background = Background;

fn nobody<T>() -> Result<T> {
    Err(Error::internal("an expression of the catalogue asks for a session"))
}

impl Session for Background {
    fn transaction_time(&self) -> i64 {
        0
    }

    fn statement_time(&self) -> i64 {
        0
    }

    fn clock_time(&self) -> i64 {
        crate::session::environment::now()
    }

    fn time_zone(&self) -> &str {
        "UTC"
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    fn set_setting(&self, _: &str, _: &str, _: bool) -> Result<()> {
        nobody()
    }

    fn user(&self) -> &str {
        "qanat"
    }

    fn database(&self) -> &str {
        model::names::MAIN
    }

    fn search_path(&self) -> Vec<String> {
        Vec::new()
    }

    fn backend_pid(&self) -> i32 {
        0
    }

    fn nextval(&self, _: &str) -> Result<i64> {
        nobody()
    }

    fn currval(&self, _: Option<&str>) -> Result<i64> {
        nobody()
    }

    fn setval(&self, _: &str, _: i64, _: bool) -> Result<i64> {
        nobody()
    }

    fn random(&self) -> f64 {
        0.0
    }

    fn uuid(&self) -> [u8; 16] {
        [0; 16]
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        Arc::default()
    }

    fn database_id(&self) -> DatabaseId {
        DatabaseId(0)
    }
}
