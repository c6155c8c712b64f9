//! Clients in memory, shared by the conversations with one protocol and by the tests across both.

pub mod postgres;
pub mod redis;

use std::time::Duration;

/// Runs to the end, or panics after twenty seconds.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), future).await.unwrap() })
}
