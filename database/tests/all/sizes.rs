//! The futures of the hot path stay small.
//!
//! Each call of the library from a protocol is a future that is moved once or twice before it is
//! polled, and a move copies all of it, also what is not used: a statement's future that had DDL's
//! inside cost 130 kB of copying for each `SELECT` by key. What is rare is boxed where it is
//! called; this test says when something large has come back in.

use qanat::session::{Started, TextParameters, parse};
use qanat::{Qanat, SessionOptions};

/// Bytes of one call's future.
const FUTURE_BYTES_MAX: usize = 6 << 10;

#[tokio::test]
async fn futures_of_the_hot_path_are_small() {
    let qanat = Qanat::open("memory:").await.unwrap();
    let mut session = qanat.session(SessionOptions::default()).await.unwrap();
    let mut sizes = Vec::new();
    let parsed = parse("SELECT 1").unwrap();
    let prepared = session.prepare("SELECT 1", &parsed[0], &[]).await.unwrap();
    sizes.push(("start", size_of_val(&session.start(&prepared, &TextParameters(&[])))));
    sizes.push(("start_cached", size_of_val(&session.start_cached("SELECT 1"))));
    sizes.push(("prepare", size_of_val(&session.prepare("SELECT 1", &parsed[0], &[]))));
    sizes.push(("sync", size_of_val(&session.sync())));
    sizes.push(("fail", size_of_val(&session.fail())));
    let started = session.start(&prepared, &TextParameters(&[])).await.unwrap();
    let Started::Portal(mut portal) = started else { panic!("a query has a portal") };
    sizes.push(("fetch", size_of_val(&portal.fetch(&mut session, 1))));
    let mut keys = qanat.keyspaces().session("main").await.unwrap();
    sizes.push(("keys begin", size_of_val(&keys.begin(true))));
    let mut transaction = keys.begin(true).await.unwrap();
    sizes.push(("keys set", size_of_val(&transaction.set(b"k", b"v", Default::default()))));
    sizes.push(("keys get", size_of_val(&transaction.get_string(b"k"))));
    sizes.push(("keys commit", size_of_val(&keys.commit(transaction))));
    let large: Vec<_> = sizes.iter().filter(|(_, size)| *size > FUTURE_BYTES_MAX).collect();
    assert!(large.is_empty(), "{large:?} of {sizes:?}");
}
