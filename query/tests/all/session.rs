//! A session with fixed time, zone and names, for the tests.

use std::sync::Arc;

use query::Result;
use query::expression::Session;

/// A session in a time zone, at 2024-06-15 12:00:00 UTC.
pub struct Fixed {
    pub zone: String,
}

impl Fixed {
    pub fn utc() -> Fixed {
        Fixed { zone: "UTC".to_owned() }
    }
}

const NOW: i64 = 1_718_452_800_000_000;

impl Session for Fixed {
    fn transaction_time(&self) -> i64 {
        NOW
    }
    fn statement_time(&self) -> i64 {
        NOW
    }
    fn clock_time(&self) -> i64 {
        NOW
    }
    fn time_zone(&self) -> &str {
        &self.zone
    }
    fn setting(&self, name: &str) -> Option<String> {
        (name == "timezone").then(|| self.zone.clone())
    }
    fn set_setting(&self, name: &str, _: &str, _: bool) -> Result<()> {
        Err(query::Error::unsupported(name))
    }
    fn user(&self) -> &str {
        "postgres"
    }
    fn database(&self) -> &str {
        "main"
    }
    fn search_path(&self) -> Vec<String> {
        vec!["public".to_owned()]
    }
    fn backend_pid(&self) -> i32 {
        1
    }
    fn nextval(&self, sequence: &str) -> Result<i64> {
        Err(query::Error::unsupported(sequence))
    }
    fn currval(&self, _: Option<&str>) -> Result<i64> {
        Err(query::Error::unsupported("currval"))
    }
    fn setval(&self, sequence: &str, _: i64, _: bool) -> Result<i64> {
        Err(query::Error::unsupported(sequence))
    }
    fn random(&self) -> f64 {
        0.5
    }
    fn uuid(&self) -> [u8; 16] {
        [7; 16]
    }
    fn catalogue(&self) -> Arc<model::Catalogue> {
        Arc::new(model::Catalogue::default())
    }
    fn database_id(&self) -> model::DatabaseId {
        model::DatabaseId(1)
    }
}
