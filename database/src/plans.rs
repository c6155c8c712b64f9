//! The plan cache: statements by their text without its literals.
//!
//! ```text
//!   text ─fingerprint─► key + literals ─► [ plan if the looked-at literals are the same ] ─► run with the literals
//! ```
//!
//! A client that writes its values into the text (psycopg2, PyMySQL) sends a new text each time and
//! the same key; a hit builds no tree. What a plan was bound against is checked when it is taken:
//! the database, the search path, and every collection's version.
//!
//! **Invariant**: a plan is found only by a text whose tokens, but for the lifted literals, are the
//! same, and whose looked-at literals have the same values.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::session::Prepared;

/// A cached statement.
#[derive(Clone)]
struct Entry {
    /// Values of the literals that the plan depends on, by ordinal.
    looked_at: Vec<(u32, String)>,
    prepared: Arc<Prepared>,
}

/// What a text's key is made of, besides its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PlanKey {
    /// Tokens without literals.
    pub text: Box<[u8]>,
    /// The database.
    pub database: u32,
    /// The search path.
    pub path: std::sync::Arc<[String]>,
    /// Type numbers that the client gave for its parameters.
    pub given: Vec<u32>,
}

/// Plans of one text that differ in looked-at literals: more are not kept.
const VARIANTS_MAX: usize = 8;

/// Cached plans.
pub(crate) struct Plans {
    all: quick_cache::sync::Cache<PlanKey, Arc<Mutex<Vec<Entry>>>>,
}

impl Plans {
    /// A cache of about so many bytes; a plan is taken to be 4 kB.
    pub fn new(bytes: usize) -> Self {
        Plans { all: quick_cache::sync::Cache::new((bytes / 4096).clamp(64, 16_384)) }
    }

    /// The statement of a text, if its looked-at literals are those of `literals`.
    pub fn get(&self, key: &PlanKey, literals: &[String]) -> Option<Arc<Prepared>> {
        let variants = self.all.get(key)?;
        let variants = variants.lock();
        let fits = |entry: &&Entry| {
            entry.looked_at.iter().all(|(at, value)| literals.get(*at as usize) == Some(value))
        };
        variants.iter().find(fits).map(|entry| entry.prepared.clone())
    }

    /// Keeps a statement.
    pub fn put(
        &self,
        key: PlanKey,
        looked_at: &[u32],
        literals: &[String],
        prepared: Arc<Prepared>,
    ) {
        let looked_at: Vec<(u32, String)> = looked_at
            .iter()
            .filter_map(|at| Some((*at, literals.get(*at as usize)?.clone())))
            .collect();
        let variants = match self.all.get(&key) {
            Some(variants) => variants,
            None => {
                let variants = Arc::new(Mutex::new(Vec::new()));
                self.all.insert(key, variants.clone());
                variants
            }
        };
        let mut variants = variants.lock();
        variants.retain(|entry| entry.looked_at != looked_at);
        if variants.len() >= VARIANTS_MAX {
            variants.remove(0);
        }
        variants.push(Entry { looked_at, prepared });
    }
}
