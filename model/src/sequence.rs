//! Sequences: values outside transactions, handed out from blocks.
//!
//! ```text
//!   nextval ──► block in memory [next … end]  ──empty──► own small transaction:
//!                                                        lock S 04 id, +32 steps, commit
//! ```
//!
//! A sequence's definition is in the catalogue and transactional; its position is two counters and
//! is not. What is stored is the *end* of the block handed to this process, so a restart skips what
//! was left of it (PostgreSQL skips up to 32 after a crash as well).
//!
//! **Invariants**
//! - Within one process values come in order; over several servers of one store each has blocks of
//!   its own.
//! - No value is given twice, unless the sequence cycles or `setval` goes back.
//!
//! A position without definition may be left behind by a rolled-back CREATE: 8 bytes under a number
//! that is never used again.
//!
//! Rejected: one transaction for each value (a flush for each row inserted).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use transaction::Durability;

use crate::error::{Error, Result};
use crate::key;
use crate::model::{Model, lock_counter};
use crate::schema::{ObjectNumber, Sequence};

/// Values taken from the store at a time, if the sequence's own cache is not larger.
const BLOCK: i64 = 32;

#[derive(Debug, Clone, Copy)]
struct Block {
    next: i64,
    /// Values left, `next` included.
    left: i64,
    /// The definition it was taken under: bounds and step.
    definition: (i64, i64, i64),
}

/// The blocks of this process.
#[derive(Default)]
pub(crate) struct Blocks {
    all: Mutex<HashMap<ObjectNumber, Block>>,
    refill: tokio::sync::Mutex<()>,
}

fn definition(sequence: &Sequence) -> (i64, i64, i64) {
    (sequence.min, sequence.max, sequence.increment)
}

impl Blocks {
    fn take(&self, sequence: &Sequence) -> Option<i64> {
        let mut all = self.all.lock();
        let block = all.get_mut(&sequence.id)?;
        if block.left == 0 || block.definition != definition(sequence) {
            return None;
        }
        let value = block.next;
        block.left -= 1;
        block.next = value.saturating_add(sequence.increment);
        Some(value)
    }
}

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceState {
    /// pg_sequences.last_value.
    pub last: i64,
    /// Whether `last` was given out already.
    pub called: bool,
}

impl Model {
    /// The next value.
    pub async fn nextval(&self, sequence: &Arc<Sequence>) -> Result<i64> {
        if let Some(value) = self.0.sequences.take(sequence) {
            return Ok(value);
        }
        let _one = self.0.sequences.refill.lock().await;
        if let Some(value) = self.0.sequences.take(sequence) {
            return Ok(value);
        }
        let block = self.take_block(sequence).await?;
        self.0.sequences.all.lock().insert(sequence.id, block);
        self.0.sequences.take(sequence).ok_or(Error::Internal("an empty block of a sequence"))
    }

    async fn take_block(&self, sequence: &Sequence) -> Result<Block> {
        let (last_key, called_key) = key::sequence(sequence.id);
        let buffer = self.small().await?;
        let (last, called) = locked_state(&buffer, sequence).await?;
        let first = if called { following(sequence, last)? } else { last };
        let step = sequence.increment;
        let room = match step > 0 {
            true => (i128::from(sequence.max) - i128::from(first)) / i128::from(step),
            false => (i128::from(first) - i128::from(sequence.min)) / -i128::from(step),
        };
        let more = room.min(i128::from(BLOCK.max(sequence.cache) - 1)).max(0) as i64;
        let end = first + more * step;
        put_state(&buffer, last_key, called_key, end, true)?;
        buffer.commit(Durability::Sync, Bytes::new(), true).await?;
        Ok(Block { next: first, left: more + 1, definition: definition(sequence) })
    }

    /// Sets the position; `called` tells whether `value` counts as given out.
    pub async fn setval(&self, sequence: &Arc<Sequence>, value: i64, called: bool) -> Result<()> {
        if !(sequence.min..=sequence.max).contains(&value) {
            let (name, min, max) = (sequence.name.clone(), sequence.min, sequence.max);
            return Err(Error::SequenceBounds { name, value, min, max });
        }
        let _one = self.0.sequences.refill.lock().await;
        let (last_key, called_key) = key::sequence(sequence.id);
        let buffer = self.small().await?;
        locked_state(&buffer, sequence).await?;
        put_state(&buffer, last_key, called_key, value, called)?;
        buffer.commit(Durability::Sync, Bytes::new(), true).await?;
        self.0.sequences.all.lock().remove(&sequence.id);
        Ok(())
    }

    /// Where the sequence stands as this process sees it.
    pub async fn sequence_state(&self, sequence: &Sequence) -> Result<SequenceState> {
        let block = self.0.sequences.all.lock().get(&sequence.id).copied();
        if let Some(block) = block.filter(|block| block.definition == definition(sequence)) {
            let last = block.next.saturating_sub(sequence.increment);
            return Ok(SequenceState { last, called: true });
        }
        let (last_key, called_key) = key::sequence(sequence.id);
        let buffer = self.small().await?;
        let last = buffer.get(&last_key).await?;
        let called = buffer.get(&called_key).await?;
        let called = key::read_counter(called.as_ref()) == 1;
        let at = last.as_ref().map_or(sequence.start, |last| key::read_counter(Some(last)));
        Ok(SequenceState { last: at, called: called && last.is_some() })
    }
}

async fn locked_state(buffer: &transaction::Buffer, sequence: &Sequence) -> Result<(i64, bool)> {
    let (last_key, called_key) = key::sequence(sequence.id);
    let last = lock_counter(buffer, &last_key).await?;
    let called = lock_counter(buffer, &called_key).await?;
    // The second part is 0: never written, 1: given out, 2: set and not given out.
    Ok(match called {
        0 => (sequence.start, false),
        1 => (last, true),
        _ => (last, false),
    })
}

fn put_state(
    buffer: &transaction::Buffer,
    last_key: Bytes,
    called_key: Bytes,
    last: i64,
    called: bool,
) -> Result<()> {
    let part = if called { 1i64 } else { 2 };
    buffer.put(last_key, Bytes::copy_from_slice(&last.to_be_bytes()))?;
    buffer.put(called_key, Bytes::copy_from_slice(&part.to_be_bytes()))?;
    Ok(())
}

fn following(sequence: &Sequence, last: i64) -> Result<i64> {
    let ascending = sequence.increment > 0;
    match last.checked_add(sequence.increment) {
        Some(next) if (sequence.min..=sequence.max).contains(&next) => Ok(next),
        // ALTER SEQUENCE may have moved a bound past the position.
        Some(next) if ascending && next < sequence.min => Ok(sequence.min),
        Some(next) if !ascending && next > sequence.max => Ok(sequence.max),
        _ if sequence.cycle && ascending => Ok(sequence.min),
        _ if sequence.cycle => Ok(sequence.max),
        _ => Err(Error::SequenceEnd {
            name: sequence.name.clone(),
            bound: if ascending { sequence.max } else { sequence.min },
            ascending,
        }),
    }
}
