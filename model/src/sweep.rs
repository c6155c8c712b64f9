//! The sweeper: does what commits have left to be done.
//!
//! ```text
//!   sweep_once(oldest) ─► every job: lock it (skip if held) ─► due? ─► pages of deletes, each a quiet commit
//!                                                                 └► done: delete the job
//! ```
//!
//! A job's lock tells two things: nobody else sweeps it, and the transaction that answers for
//! staged rows is no more.
//!
//! **Invariants**
//! - Nothing is deleted that a live snapshot may read: a job is due when its commit is at or below
//!   the oldest snapshot, so the deletions keep no old versions in memory.
//! - Every page commits by itself: a crash leaves a shorter job.
//! - Sweeping is not in the feed: to everybody else the data went with the DROP.
//!
//! Rejected: range deletes in the engine. Not every store has them, and a range tombstone under a
//! snapshot costs every scan.

use bytes::Bytes;
use transaction::{
    Begin, Buffer, CancelToken, Durability, LockMode, LockRequest, Locked, PageLimit, Scan, Stamp,
    Wait,
};

use crate::catalogue::read_all;
use crate::error::Result;
use crate::job::Job;
use crate::key::{self, KeyRange};
use crate::model::Model;

/// Keys of one page.
const PAGE: PageLimit = PageLimit { records: 1000, bytes: 1 << 20 };

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs finished.
    pub done: usize,
    /// Jobs left: held by somebody, or not due yet.
    pub left: usize,
    /// Keys deleted.
    pub keys: usize,
}

impl Model {
    /// Does every job that is due; `oldest` is the oldest snapshot that may still read. Call it
    /// after opening and then from time to time; `cancel` ends it between two pages.
    pub async fn sweep_once(&self, oldest: Stamp, cancel: &CancelToken) -> Result<Swept> {
        let jobs = read_all(&self.small().await?, key::all(key::Category::Job)).await?;
        let mut swept = Swept::default();
        for (job_key, record) in jobs {
            if cancel.is_cancelled() {
                swept.left += 1;
                continue;
            }
            let done = match Job::decode(&record)? {
                Job::BuildIndex(collection, index) => {
                    self.resume_build(&job_key, collection, index, cancel).await?
                }
                Job::EmptyStorage(storage) => {
                    let counter = key::row_count(storage);
                    let ranges =
                        [key::rows(storage), key::all_entries(storage), key::all_elements(storage)];
                    self.empty(&job_key, &ranges, Some(counter), oldest, cancel, &mut swept).await?
                }
                Job::EmptyIndex(storage, index) => {
                    let ranges = [key::entries(storage, index)];
                    self.empty(&job_key, &ranges, None, oldest, cancel, &mut swept).await?
                }
            };
            match done {
                true => swept.done += 1,
                false => swept.left += 1,
            }
        }
        Ok(swept)
    }

    /// Deletes ranges page by page and then the job. `false`: not due, held by somebody, or
    /// cancelled.
    async fn empty(
        &self,
        job: &Bytes,
        ranges: &[KeyRange],
        counter: Option<Bytes>,
        oldest: Stamp,
        cancel: &CancelToken,
        swept: &mut Swept,
    ) -> Result<bool> {
        let mut ranges = ranges.iter().cloned();
        let mut range = ranges.next();
        loop {
            let begin = Begin { cancel: cancel.clone(), ..Begin::default() };
            let buffer = self.small_at(begin).await?;
            match held(&buffer, job).await? {
                Some(stamp) if stamp <= oldest => {}
                _ => return Ok(false),
            }
            let Some(of) = &mut range else {
                buffer.delete(job.clone())?;
                if let Some(counter) = counter {
                    buffer.delete(counter)?;
                }
                buffer.commit(Durability::Interval, Bytes::new(), true).await?;
                return Ok(true);
            };
            let scan = Scan {
                start: of.start.clone(),
                end: of.end.clone(),
                direction: transaction::Direction::Forward,
                limit: PAGE,
            };
            let page = buffer.scan(&scan).await?;
            swept.keys += page.records.len();
            for (key, _) in page.records {
                buffer.delete(key)?;
            }
            match page.next {
                Some(next) => of.start = next,
                None => range = ranges.next(),
            }
            buffer.commit(Durability::Interval, Bytes::new(), true).await?;
            if cancel.is_cancelled() {
                return Ok(false);
            }
        }
    }
}

/// Locks a job if nobody holds it; the stamp of the commit that wrote it, `None` where it is held
/// or gone.
pub(crate) async fn held(buffer: &Buffer, job: &Bytes) -> Result<Option<Stamp>> {
    let request = [LockRequest { key: job.clone(), mode: LockMode::Update }];
    Ok(match buffer.lock(&request, Wait::Skip).await?.pop() {
        Some(Locked::Held { value: Some(_), stamp }) => Some(stamp),
        _ => None,
    })
}
