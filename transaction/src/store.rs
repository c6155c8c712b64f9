//! The `Store` trait: what every transactional store answers.
//!
//! ```text
//!   begin ──► Transaction ──► get / get_many / scan   at the snapshot, or the latest
//!                         ──► lock(keys, mode, wait)  answers the latest values
//!                         ──► stage(rows)             bulk rows under a fresh, unpublished id
//!                         ──► commit(write set, read set)
//! ```
//!
//! **Invariants**
//! - A [`Stamp`] is a commit position: strictly increasing in commit order, never 0 for a commit.
//! - `View::Snapshot` shows exactly the commits with a stamp at or below the snapshot.
//!   `View::Latest` shows all that is published, durable or not; a transaction that used it (or
//!   locked) keeps the highest stamp that it saw, and `commit`, `settle` wait until that is visible
//!   before they answer.
//! - Dropping a transaction rolls it back and frees its locks and its snapshot.
//! - Locks bind every writer: `commit` takes an exclusive lock on each key of the write set that
//!   the transaction does not hold yet, in key order, and may wait for it.
//!
//! Rejected: `&mut self` methods. A statement's operators read while the session may cancel; every
//! method takes `&self` and the implementation keeps its small state behind its own cells.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{Answer, WriteSet};

/// A commit position: 46 bits of milliseconds since 1970, 18 bits of counter (MAPPING: Time and
/// position).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Before every commit.
    pub const ZERO: Stamp = Stamp(0);
    /// After every commit.
    pub const MAX: Stamp = Stamp(u64::MAX);
    /// Bits of the counter within one millisecond.
    pub const COUNTER_BITS: u32 = 18;

    /// The first stamp of a millisecond.
    pub fn from_millis(millis: u64) -> Self {
        Stamp(millis << Self::COUNTER_BITS)
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }
}

/// A transaction's name for ever: a UUIDv7, so that its time tells where in the log to look for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub u128);

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a store can do and how much.
#[derive(Debug, Clone)]
pub struct Offers {
    /// Longest key, bytes.
    pub key_bytes_max: usize,
    /// Largest value, bytes.
    pub value_bytes_max: usize,
    /// Largest write set, bytes (keys, values and 16 for each write).
    pub write_set_bytes_max: usize,
    /// Whether `ReadSet::ranges` are validated.
    pub ranges_validated: bool,
    /// Whether `lock` is offered in all four modes.
    pub locks: bool,
    /// Whether `Transaction::stage` is offered.
    pub staging: bool,
    /// Whether the feed is offered.
    pub feed: bool,
}

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// On disk before the reply.
    #[default]
    Sync,
    /// Handed to the operating system before the reply (survives kill -9), on disk within a second.
    Interval,
    /// In memory at the reply, handed on within 100 ms.
    None,
}

/// How a transaction starts.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// The snapshot is at least this (what the session has seen already). May lie beyond the
    /// visible.
    pub at_least: Stamp,
    /// Read as of this older stamp instead of now. `SnapshotTooOld` when its versions are gone.
    pub as_of: Option<Stamp>,
    /// Set from outside to end waits with `Cancelled`.
    pub cancel: CancelToken,
}

/// A flag that ends waits and long work; shared between the worker and whoever may stop it.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    cancelled: AtomicBool,
    notify: tokio::sync::Notify,
}

impl CancelToken {
    /// Ends the waits of everybody who holds a clone.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// Makes the token usable for the next statement.
    pub fn reset(&self) {
        self.0.cancelled.store(false, Ordering::Release);
    }

    /// Whether somebody cancelled.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Completes when somebody cancels.
    pub async fn cancelled(&self) {
        loop {
            let notified = self.0.notify.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }
}

/// Which state a read sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The transaction's snapshot.
    Snapshot,
    /// All that is published, durable or not. Raises what the transaction has seen.
    Latest,
}

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Ascending keys.
    #[default]
    Forward,
    /// Descending keys.
    Backward,
}

/// How much a page holds at most; it always holds at least one record if there is one.
#[derive(Debug, Clone, Copy)]
pub struct PageLimit {
    /// Records.
    pub records: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
}

impl Default for PageLimit {
    fn default() -> Self {
        PageLimit { records: 1024, bytes: 1 << 20 }
    }
}

/// One page of a range.
#[derive(Debug, Clone)]
pub struct Scan {
    /// First key, inclusive.
    pub start: Bytes,
    /// End key, exclusive. Empty means: to the end of all keys.
    pub end: Bytes,
    /// Which way. A backward page begins below `end`.
    pub direction: Direction,
    /// How much at most.
    pub limit: PageLimit,
}

/// The records of a page in scan order.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Keys and values, deletions left out.
    pub records: Vec<(Bytes, Bytes)>,
    /// Where the next page starts (`start` forward, `end` backward); `None` when the range is done.
    /// A page may be empty and still have a next one.
    pub next: Option<Bytes>,
}

/// PostgreSQL's four row-lock modes, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// FOR KEY SHARE: blocks deletion and key change.
    KeyShare,
    /// FOR SHARE.
    Share,
    /// FOR NO KEY UPDATE: what an UPDATE that leaves the key takes.
    NoKeyUpdate,
    /// FOR UPDATE: what DELETE and key changes take; also the mode of `commit` for keys not locked
    /// before.
    Update,
}

impl LockMode {
    /// Whether two transactions may not hold these modes on one key together.
    /// <https://www.postgresql.org/docs/15/explicit-locking.html#ROW-LOCK-COMPATIBILITY>
    pub fn conflicts(self, other: LockMode) -> bool {
        use LockMode::*;
        match (self.min(other), self.max(other)) {
            (KeyShare, Update) => true,
            (KeyShare, _) => false,
            (Share, Share) => false,
            _ => true,
        }
    }
}

/// One key to lock.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// Any key; it need not exist.
    pub key: Bytes,
    /// How.
    pub mode: LockMode,
}

/// What to do when a lock is held by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Queue until it is free, a deadlock is found, or the transaction is cancelled.
    Forever,
    /// Queue at most so long, then `LockTimeout`.
    For(Duration),
    /// `LockNotAvailable` at once (NOWAIT).
    No,
    /// Leave the key out: `Locked::Skipped` (SKIP LOCKED).
    Skip,
}

/// One key after `lock`.
#[derive(Debug, Clone)]
pub enum Locked {
    /// Held; the latest value and the stamp of the commit that wrote it (`ZERO` where it was never
    /// written or is absent since before every live snapshot).
    Held {
        /// The latest published value.
        value: Option<Bytes>,
        /// Newer than the snapshot means: changed since.
        stamp: Stamp,
    },
    /// Held by somebody else and left out.
    Skipped,
}

/// The answer of `lock`, in the order of the requests. Most statements lock one key.
pub type LockedRows = SmallVec<[Locked; 1]>;

/// A key whose unchangedness the commit depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointRead {
    /// The key read; it may have been absent.
    pub key: Bytes,
    /// Changed means: a commit with a stamp above this wrote it.
    pub since: Stamp,
}

/// Whether a change of `(key, old, new)` matters to a range read.
pub type RangeTest = Arc<dyn Fn(&[u8], Option<&[u8]>, Option<&[u8]>) -> bool + Send + Sync>;

/// A range whose unchangedness the commit depends on.
#[derive(Clone)]
pub struct RangeRead {
    /// First key, inclusive.
    pub start: Bytes,
    /// End key, exclusive; empty: to the end.
    pub end: Bytes,
    /// Changed means: a commit with a stamp above this wrote into the range.
    pub since: Stamp,
    /// If given, only changes for which it answers true count. An old image that is not at hand is
    /// treated as mattering.
    pub test: Option<RangeTest>,
}

impl fmt::Debug for RangeRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeRead({:?}..{:?} since {:?})", self.start, self.end, self.since)
    }
}

/// What a commit depends on.
#[derive(Debug, Clone, Default)]
pub struct ReadSet {
    /// Single keys.
    pub points: Vec<PointRead>,
    /// Ranges.
    pub ranges: Vec<RangeRead>,
}

/// All that a commit needs.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The changes. Empty with an empty read set: nothing to do but settle.
    pub writes: WriteSet,
    /// What must not have changed.
    pub reads: ReadSet,
    /// When the commit counts as done.
    pub durability: Durability,
    /// How long to wait for each lock that the commit takes itself.
    pub lock_wait: Option<Duration>,
    /// The model's opaque note for the feed.
    pub note: Bytes,
    /// Leave the commit out of the feed (sweeper pages, index back-fill).
    pub quiet: bool,
}

/// A commit that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its position; for a commit without writes the snapshot or what the transaction saw.
    pub stamp: Stamp,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It happened, at this position.
    Committed(Stamp),
    /// It did not and never will.
    NotCommitted,
    /// Too long ago to tell.
    Forgotten,
}

/// One commit in the feed.
#[derive(Debug, Clone)]
pub struct FeedEvent {
    /// Its position.
    pub stamp: Stamp,
    /// Its transaction.
    pub id: TransactionId,
    /// After images in key order; an `Add` is resolved to a `Put`.
    pub writes: WriteSet,
    /// The model's note.
    pub note: Bytes,
}

/// Commits in commit order.
pub trait Feed: Send {
    /// The next visible commits, waiting until there is one; at most about `bytes` of them.
    fn next(&mut self, bytes: usize) -> Answer<'_, Vec<FeedEvent>>;
}

/// A transactional store of ordered bytes.
pub trait Store: Send + Sync + 'static {
    /// Limits and abilities.
    fn offers(&self) -> &Offers;
    /// Starts a transaction. A local store answers at once.
    fn begin(&self, begin: Begin) -> Answer<'_, Box<dyn Transaction>>;
    /// The newest position that every new transaction sees.
    fn visible(&self) -> Stamp;
    /// Commits after this position, or `FeedGone`.
    fn feed(&self, after: Stamp) -> crate::Result<Box<dyn Feed>>;
    /// What became of a transaction whose commit answered `Unknown`.
    fn outcome(&self, id: TransactionId) -> Answer<'_, Outcome>;
    /// Ends everything that runs and makes all durable. The files are released when the store and
    /// its last transaction are gone. Idempotent.
    fn close(&self) -> Answer<'_, ()>;
}

/// One running transaction. Dropping it rolls it back.
pub trait Transaction: Send + Sync {
    /// Its name for ever.
    fn id(&self) -> TransactionId;
    /// What `View::Snapshot` shows.
    fn snapshot(&self) -> Stamp;
    /// Moves the snapshot to now (READ COMMITTED's next statement); never back.
    fn refresh(&self) -> Answer<'_, Stamp>;
    /// One value.
    fn get<'a>(&'a self, key: &'a [u8], view: View) -> Answer<'a, Option<Bytes>>;
    /// Many values, in the order of the keys.
    fn get_many<'a>(&'a self, keys: &'a [Bytes], view: View) -> Answer<'a, Vec<Option<Bytes>>>;
    /// One page of a range.
    fn scan<'a>(&'a self, scan: &'a Scan, view: View) -> Answer<'a, Page>;
    /// Locks keys until the transaction ends (or `unlock`), in key order, and reads the latest.
    fn lock<'a>(&'a self, keys: &'a [LockRequest], wait: Wait) -> Answer<'a, LockedRows>;
    /// Gives up locks taken since a savepoint that is rolled back to.
    fn unlock(&self, keys: &[Bytes]);
    /// As `unlock`, for locks that have grown since the savepoint: falls back to weaker modes. A
    /// store without modes keeps what it has.
    fn weaken(&self, _locks: &[LockRequest]) {}
    /// Puts rows under an id that no committed catalogue names yet; they are durable with the
    /// commit, visible whenever something names their id, and swept if the transaction ends without
    /// commit. Bounded memory.
    fn stage(&self, writes: WriteSet) -> Answer<'_, ()>;
    /// Whether a snapshot taken now would be this transaction's. False where that cannot be told
    /// without asking.
    fn is_newest(&self) -> bool {
        false
    }
    /// Waits until the highest stamp that this transaction saw is visible.
    fn settle(&self) -> Answer<'_, ()>;
    /// Validates, commits, waits for the durability asked for.
    fn commit(self: Box<Self>, commit: Commit) -> Answer<'static, Committed>;
}
