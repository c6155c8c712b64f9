//! Texts that were seen before with other literals: run without a syntax tree.
//!
//! A protocol asks [`Session::start_cached`] first. On a miss it parses and prepares as ever, and
//! `prepare` leaves the plan for the next text of the same shape.
//!
//! An error that names a place in the text is told after all by parsing: the place that a plan
//! knows is in the text that was planned.

use std::sync::Arc;

use language::sql::texts::value_text;
use language::sql::{Dialect, Fingerprint};

use super::{Portal, Prepared, Session, Status, TextParameters};
use crate::plans::PlanKey;
use crate::{Result, Type};

/// A text's key and the values of its literals.
pub(super) struct Shape {
    pub key: PlanKey,
    pub literals: Vec<String>,
}

impl Session {
    /// The shape of a text of one statement; `None` where it cannot be cached.
    pub(super) fn shape(&mut self, text: &str, given: &[Option<Type>]) -> Option<Shape> {
        let mut fingerprint = Fingerprint::new();
        fingerprint.scan(text, Dialect::PostgreSql).ok()?;
        if !fingerprint.is_cacheable() {
            return None;
        }
        let literals: Option<Vec<String>> = fingerprint
            .literals()
            .iter()
            .map(|found| found.value(text).ok().map(value_text))
            .collect();
        let key = PlanKey {
            text: fingerprint.key().into(),
            database: self.database.id.0,
            path: self.search_path(),
            given: given.iter().map(|ty| ty.map_or(0, Type::oid)).collect(),
        };
        Some(Shape { key, literals: literals? })
    }

    /// Runs a text without parameters by a plan of its shape; `None` where there is none, and
    /// nothing has happened.
    ///
    /// # Errors
    /// What the statement says; the caller then calls [`Session::fail`].
    pub async fn start_cached(&mut self, text: &str) -> Option<Result<Portal>> {
        if self.status == Status::Failed {
            return None;
        }
        let shape = self.shape(text, &[])?;
        let prepared = self.qanat.0.plans.get(&shape.key, &shape.literals)?;
        if !prepared.parameters.is_empty() {
            return None;
        }
        self.cancel.reset();
        self.show("active", Some(text));
        let literals: Arc<[Option<String>]> = shape.literals.into_iter().map(Some).collect();
        match self.is_current(&prepared).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
        match self.run_plan(&prepared, &TextParameters(&[]), Some(literals)).await {
            // The place is in the text that was planned; what failed is undone.
            Err(error) if error.position.is_some() => None,
            result => Some(result),
        }
    }

    /// Leaves a statement for the next text of its shape.
    pub(super) fn keep_plan(
        &self,
        shape: Option<Shape>,
        prepared: &Arc<Prepared>,
        looked_at: &[u32],
    ) {
        if let Some(shape) = shape {
            self.qanat.0.plans.put(shape.key, looked_at, &shape.literals, prepared.clone());
        }
    }
}
