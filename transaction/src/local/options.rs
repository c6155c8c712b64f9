//! How a local store is set up. Every number is a setting; the defaults suit a store of 1 GB of
//! memory.

use std::sync::Arc;
use std::time::Duration;

use engine::device::{Clock, Entropy, RealClock, RealEntropy};

/// Settings of a local store.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// Memory of versions that snapshots hold, beside the backlog. Past it the oldest snapshot
    /// ends.
    pub versions_bytes: usize,
    /// Memory of the row cache; 0 switches it off.
    pub cache_bytes: usize,
    /// Memory of applied commits that are kept at hand for the feed.
    pub feed_bytes: usize,
    /// The applier gives the engine about this much at a time.
    pub batch_bytes: usize,
    /// Unapplied bytes from which commits slow down.
    pub backlog_soft_bytes: usize,
    /// Unapplied bytes from which commits wait.
    pub backlog_hard_bytes: usize,
    /// How long a commit waits at the hard limit before it fails with `Unavailable`.
    pub backlog_wait: Duration,
    /// What is committed is applied after at most about this time; sooner where there is enough
    /// of it, or where the same keys are written again and again.
    pub apply_within: Duration,
    /// The engine persists after so many applied bytes. With the backlog's hard limit this bounds
    /// what a crash leaves to replay (650 000 small commits a second, measured).
    pub checkpoint_bytes: usize,
    /// The engine persists after this time if anything was applied.
    pub checkpoint_within: Duration,
    /// Bytes reserved for one segment of the log.
    pub segment_bytes: u64,
    /// Bytes of each of the log's two buffers.
    pub log_buffer_bytes: usize,
    /// `Durability::None`: handed to the system after at most this time.
    pub write_within: Duration,
    /// `Durability::Interval` and `None`: on disk after about this time.
    pub flush_within: Duration,
    /// The feed keeps commits for so long …
    pub feed_time: Duration,
    /// … but at most so many bytes of log.
    pub feed_log_bytes: u64,
    /// Free disk space below which writes are refused: this, or …
    pub space_floor_bytes: u64,
    /// … so many per cent of the disk, whichever is more.
    pub space_floor_percent: u64,
    /// Largest write set.
    pub write_set_bytes_max: usize,
    /// How many recent transactions `outcome` knows without searching the log.
    pub outcomes_max: usize,
    /// The clock's durable ceiling runs so far ahead of it.
    pub ceiling_ahead: Duration,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
}

const MB: usize = 1 << 20;

impl LocalOptions {
    /// Splits a budget: a quarter each for versions, for rows, and for unapplied commits (which
    /// stand in the tail and in the table); the rest for a batch on its way to the engine, the
    /// feed's tail and the log's buffers.
    pub fn with_memory(bytes: usize) -> Self {
        let bytes = bytes.max(16 * MB);
        LocalOptions {
            versions_bytes: bytes / 4,
            cache_bytes: bytes / 4,
            feed_bytes: (bytes / 32).min(64 * MB),
            batch_bytes: (bytes / 16).min(64 * MB),
            backlog_soft_bytes: (bytes / 12).min(128 * MB),
            backlog_hard_bytes: (bytes / 8).min(256 * MB),
            checkpoint_bytes: (bytes / 16).min(64 * MB),
            log_buffer_bytes: (bytes / 64).clamp(MB, 8 * MB),
            // In memory it is three times its size: keys, the log's record, the version table.
            write_set_bytes_max: (bytes / 4).clamp(16 * MB, 256 * MB),
            ..LocalOptions::default()
        }
    }
}

impl Default for LocalOptions {
    fn default() -> Self {
        LocalOptions {
            versions_bytes: 256 * MB,
            cache_bytes: 256 * MB,
            feed_bytes: 32 * MB,
            batch_bytes: 64 * MB,
            backlog_soft_bytes: 96 * MB,
            backlog_hard_bytes: 192 * MB,
            backlog_wait: Duration::from_secs(10),
            apply_within: Duration::from_secs(4),
            checkpoint_bytes: 64 * MB,
            checkpoint_within: Duration::from_secs(30),
            segment_bytes: 64 << 20,
            log_buffer_bytes: 8 * MB,
            write_within: Duration::from_millis(100),
            flush_within: Duration::from_secs(1),
            feed_time: Duration::from_secs(24 * 3600),
            feed_log_bytes: 4 << 30,
            space_floor_bytes: 256 << 20,
            space_floor_percent: 2,
            write_set_bytes_max: 256 * MB,
            outcomes_max: 1 << 16,
            ceiling_ahead: Duration::from_secs(15),
            clock: Arc::new(RealClock::new()),
            entropy: Arc::new(RealEntropy),
        }
    }
}
