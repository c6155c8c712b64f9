//! `mirror` — two engines driven as one, for tests.
//!
//! The problem: a golden script shows what somebody thought of; whatever runs above an engine asks
//! what nobody thought of. So any test, of any layer, can be run over a mirror: every call goes to
//! both engines and a difference panics, at the call that shows it and with both answers.
//!
//! ```text
//!            ┌─► left  (the reference, usually memory)
//!   call ────┤         compare, panic on a difference
//!            └─► right (the engine under test)
//! ```
//!
//! What may differ is left out of the comparison: `usage`, the texts of errors, and how much is
//! persisted (the mirror answers the lower of the two, the only promise both keep). A call of
//! `apply` holds off the readers, because a reader beside a running batch may rightly see more of
//! it in one engine than in the other.

use crate::{Direction, Engine, Error, KeyRange, Limit, Mutation, Page, Usage};
use bytes::Bytes;
use parking_lot::RwLock;

/// Two engines that must agree.
pub struct Mirror {
    left: Box<dyn Engine>,
    right: Box<dyn Engine>,
    applying: RwLock<()>,
}

impl Mirror {
    /// Joins two engines.
    ///
    /// # Panics
    /// Where they do not start at the same index.
    pub fn new(left: Box<dyn Engine>, right: Box<dyn Engine>) -> Self {
        assert_eq!(left.applied(), right.applied(), "engines start at different indexes");
        Self { left, right, applying: RwLock::new(()) }
    }

    /// The two engines again, to close or to reopen them.
    pub fn into_parts(self) -> (Box<dyn Engine>, Box<dyn Engine>) {
        (self.left, self.right)
    }

    fn both<T: PartialEq + std::fmt::Debug>(
        &self,
        call: impl Fn(&dyn Engine) -> Result<T, Error>,
        what: impl FnOnce() -> String,
    ) -> Result<T, Error> {
        agree(call(&*self.left), call(&*self.right), what)
    }
}

/// The common answer of two engines.
fn agree<T: PartialEq + std::fmt::Debug>(
    left: Result<T, Error>,
    right: Result<T, Error>,
    what: impl FnOnce() -> String,
) -> Result<T, Error> {
    match (left, right) {
        (Ok(a), Ok(b)) if a == b => Ok(a),
        (Err(a), Err(b)) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => Err(a),
        (a, b) => panic!("engines differ at {}\n left: {a:?}\nright: {b:?}", what()),
    }
}

impl Engine for Mirror {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let _still = self.applying.read();
        self.both(|engine| engine.get(key), || format!("get {key:?}"))
    }

    fn page(&self, range: KeyRange<'_>, direction: Direction, limit: Limit) -> Result<Page, Error> {
        let _still = self.applying.read();
        self.both(
            |engine| engine.page(range, direction, limit),
            || format!("page {range:?} {direction:?} {limit:?}"),
        )
    }

    fn apply(&self, batch: &[Mutation], upto: u64) -> Result<(), Error> {
        let _alone = self.applying.write();
        self.both(|engine| engine.apply(batch, upto), || format!("apply upto {upto}"))
    }

    fn applied(&self) -> u64 {
        let _still = self.applying.read();
        let (left, right) = (self.left.applied(), self.right.applied());
        assert_eq!(left, right, "engines differ in what is applied");
        left
    }

    fn persisted(&self) -> u64 {
        self.left.persisted().min(self.right.persisted())
    }

    fn persist(&self) -> Result<u64, Error> {
        let left = self.left.persist()?;
        Ok(left.min(self.right.persist()?))
    }

    fn usage(&self) -> Usage {
        let (left, right) = (self.left.usage(), self.right.usage());
        Usage {
            disk_bytes: left.disk_bytes + right.disk_bytes,
            memory_bytes: left.memory_bytes + right.memory_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    #[test]
    #[should_panic(expected = "engines differ at get [97]")]
    fn a_difference_panics() {
        let (left, right) = (Memory::new(), Memory::new());
        left.apply(&[Mutation::put("a", "1")], 1).unwrap();
        right.apply(&[Mutation::put("a", "2")], 1).unwrap();
        let _ = Mirror::new(Box::new(left), Box::new(right)).get(b"a");
    }
}
