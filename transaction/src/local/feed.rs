//! The feed: visible commits in commit order, from memory while it can, from the log below.
//!
//! ```text
//!   after ──►  log: segments …  │ tail (memory) │ visible │ not yet visible
//!              reader, in order   slices          wait here
//! ```
//!
//! A feed holds a position and nothing else: it pins no memory and no log, so a slow subscriber
//! costs nobody anything and is told `FeedGone` when the log has gone on without it. Nobody waits
//! for a feed either. A feed that waits drives the log itself, as every waiter does.
//!
//! Invariant: events come in stamp order, each once; quiet commits and staged rows are passed over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::record::{Flags, decode};
use super::tail::{Slice, event};
use super::{Shared, eager};
use crate::log::{ReadError, Reader};
use crate::store::Feed;
use crate::{Answer, Error, FeedEvent, Result, Stamp};

struct LocalFeed {
    shared: Arc<Shared>,
    after: Stamp,
    reader: Option<Reader>,
}

/// A feed of what comes after a position.
pub(super) fn open(shared: &Arc<Shared>, after: Stamp) -> Result<Box<dyn Feed>> {
    shared.life.check_open()?;
    let feed = LocalFeed { shared: Arc::clone(shared), after, reader: None };
    feed.check_held()?;
    Ok(Box::new(feed))
}

impl LocalFeed {
    fn check_held(&self) -> Result<()> {
        let gone = match self.shared.journal.log() {
            Some(_) => Stamp(self.shared.feed_gone.load(Ordering::Acquire)),
            None => self.shared.tail.gone(),
        };
        if self.after < gone { Err(Error::FeedGone { after: self.after }) } else { Ok(()) }
    }

    async fn wait_next(&mut self, bytes: usize) -> Result<Vec<FeedEvent>> {
        let shared = Arc::clone(&self.shared);
        loop {
            let news = shared.progress.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            shared.life.check_open()?;
            let visible = shared.progress.advance(&shared.journal);
            while self.after < visible {
                let before = self.after;
                let events = self.step(visible, bytes.max(1))?;
                if !events.is_empty() {
                    return Ok(events);
                }
                if self.after == before {
                    break;
                }
            }
            let published = shared.progress.published();
            if published > visible {
                tokio::select! {
                    biased;
                    () = &mut news => {}
                    () = shared.life.closed.cancelled() => return Err(Error::Closed),
                    waited = shared.progress.wait_visible(published, &shared.journal) => waited?,
                }
            } else {
                tokio::select! {
                    biased;
                    () = &mut news => {}
                    () = shared.life.closed.cancelled() => return Err(Error::Closed),
                }
            }
        }
    }

    /// What is at hand after the position, which moves on.
    fn step(&mut self, visible: Stamp, bytes: usize) -> Result<Vec<FeedEvent>> {
        match self.shared.tail.feed(self.after, visible, bytes) {
            Slice::Commits(commits, upto) => {
                self.reader = None;
                self.after = upto;
                Ok(commits.iter().filter_map(|logged| event(&logged.record)).collect())
            }
            Slice::Older => self.read_log(visible, bytes),
        }
    }

    fn read_log(&mut self, visible: Stamp, bytes: usize) -> Result<Vec<FeedEvent>> {
        self.check_held()?;
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.shared.log_from(self.after)?,
        };
        let (mut events, mut left) = (Vec::new(), bytes);
        while left > 0 {
            let Some(entry) = reader.next() else { break };
            let entry = entry.map_err(|error| self.gone_or(error))?;
            let stamp = Stamp(entry.stamp);
            if stamp > visible {
                // The tail has it by now; start over there.
                return Ok(events);
            }
            let flags = Flags::from_log(entry.kind, entry.flags)?;
            if stamp <= self.after || flags.staged {
                continue;
            }
            self.after = stamp;
            if let Some(event) = event(&decode(&entry.payload, stamp, flags)?) {
                left = left.saturating_sub(entry.payload.len() + 64);
                events.push(event);
            }
        }
        self.reader = Some(reader);
        Ok(events)
    }

    fn gone_or(&self, error: ReadError) -> Error {
        match error {
            ReadError::Gone { .. } => Error::FeedGone { after: self.after },
            error => Error::Corrupt(error.to_string()),
        }
    }
}

impl Feed for LocalFeed {
    fn next(&mut self, bytes: usize) -> Answer<'_, Vec<FeedEvent>> {
        eager(self.wait_next(bytes))
    }
}

impl Shared {
    /// A reader that starts at or before the first record after a position.
    pub(super) fn log_from(&self, after: Stamp) -> Result<Reader> {
        let log = self.journal.log().ok_or(Error::FeedGone { after })?;
        let segments = log
            .segments()
            .map_err(|error| Error::Failed(format!("looking at the log: {error}")))?;
        let mut start = log.oldest();
        for segment in segments.iter().rev().filter(|segment| segment.first <= segment.last) {
            if self.first_stamp(segment.first)? <= after {
                start = segment.first;
                break;
            }
        }
        self.journal.reader(start).ok_or(Error::FeedGone { after })
    }
}
