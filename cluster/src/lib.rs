//! Stores on other machines, and what several servers over one store share.
//!
//! A local store ends where its machine ends. Past that, an existing engine that replicates and
//! scales is the better resting place, and the layers above must not notice: they ask one
//! `transaction::Store`, whoever implements it.
//!
//! ```text
//!   model, query, database
//!          │  transaction::Buffer (own writes, savepoints, read set)
//!   ┌──────▼──────────────────────────────────────────┐
//!   │ transaction::Store                              │
//!   ├───────────────┬────────────────┬────────────────┤
//!   │ Local         │ tikv           │ etcd           │
//!   │ this machine  │ large, sharded │ small, shared  │
//!   └───────────────┴───────┬────────┴────────────────┘
//!                           └─ shared: nodes, jobs, schema leases of several servers
//! ```
//!
//! **State.** Neither store is built. [`open`] answers so by name, and the essays of [`tikv`],
//! [`etcd`] and [`shared`] say what is known of them, what the traits were shaped for, and which
//! traps were measured, so that building them needs no second exploration.
//!
//! **Invariants they will keep**
//! - A store passes `transaction::conformance` whole before anything is built on it; what it cannot
//!   do, its `Offers` deny and the layers above refuse by name.
//! - No document, type or schema is known here: keys are bytes that compare as bytes.
//! - An outcome that is not known is `Error::Unknown`, never a guess and never a blind retry.
//!
//! Rejected: replication of our own. It is years of work to trust, and both engines exist; what is
//! ours is the transaction protocol's edge where they differ.

use std::sync::Arc;

use transaction::{Error, Result, Store};

pub mod etcd;
pub mod shared;
pub mod tikv;

/// What stands before the first `:` of an address that this crate answers for.
pub const SCHEMES: [&str; 2] = [tikv::SCHEME, etcd::SCHEME];

/// Opens the store that an address names.
///
/// # Errors
/// Always [`Error::Unsupported`] naming the scheme, since neither store is built yet; also for an
/// address of another kind, which is its caller's mistake.
pub fn open(address: &str) -> Result<Arc<dyn Store>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some(tikv::SCHEME) => tikv::open(address),
        Some(etcd::SCHEME) => etcd::open(address),
        _ => Err(Error::Unsupported("a store on other machines that is neither tikv: nor etcd:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_is_refused_by_its_name() {
        for scheme in SCHEMES {
            let Err(error) = open(&format!("{scheme}://one:2379,two:2379/keyspace")) else {
                panic!("{scheme}: opened");
            };
            assert!(matches!(error, Error::Unsupported(what) if what.contains(scheme)), "{error}");
            assert!(!error.is_retryable());
        }
    }

    #[test]
    fn what_is_not_a_cluster_is_refused_too() {
        for address in ["file:./data", "memory:", "", "tikv", "TIKV://pd:2379"] {
            assert!(matches!(open(address), Err(Error::Unsupported(_))), "{address}");
        }
    }
}
