//! Statements that turn out to be long leave the thread that began them.
//!
//! ```text
//!   a worker of few microseconds' requests            the shared runtime
//!   poll running.next() ─ ready ─► answer
//!                       └ not ready: move it ───────► … pages, sorts, groups …
//!                         answer ◄──────────────────── done
//! ```
//!
//! Threads that serve many sessions each by turns stay quick only if no session keeps one. A
//! statement that runs as a shape is over at once. Any other begins where it is, since most are
//! short as well; one that is not over by itself (it has read its share of pages, and lets others
//! on) goes on elsewhere until its next batch.
//!
//! **Invariant.** Nothing of a statement runs after its caller has gone on: the caller waits for
//! the task's end, or is dropped together with its whole session, whose writes then go nowhere.
//!
//! **Rejected.** Asking the planner how long it will take: it does not know. Moving always: two
//! switches of threads cost more than most statements.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use query::execute::batch::Batch;
use query::execute::start::Running;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::{Error, Result};

/// A task that ends with whoever waits for it.
struct Elsewhere<T>(JoinHandle<T>);

impl<T> Drop for Elsewhere<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next rows of a statement, which stands in `slot` before and, unless it failed, after.
pub(super) async fn next(
    slot: &mut Option<Box<Running>>,
    elsewhere: Option<&Handle>,
) -> Result<Option<Arc<Batch>>> {
    let Some(handle) = elsewhere else { return in_place(slot).await };
    if slot.as_ref().is_none_or(|running| running.has_shape()) {
        return in_place(slot).await;
    }
    let Some(mut running) = slot.take() else { return Ok(None) };
    let mut step = Box::pin(async move {
        let answer = running.next().await;
        (running, answer)
    });
    let (running, answer) = match poll_fn(|context| Poll::Ready(step.as_mut().poll(context))).await
    {
        Poll::Ready(done) => done,
        Poll::Pending => {
            let mut task = Elsewhere(handle.spawn(step));
            match pin!(&mut task.0).await {
                Ok(done) => done,
                Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
                Err(_) => return Err(Error::internal("the long statements' runtime has ended")),
            }
        }
    };
    *slot = Some(running);
    answer
}

async fn in_place(slot: &mut Option<Box<Running>>) -> Result<Option<Arc<Batch>>> {
    match slot {
        Some(running) => running.next().await,
        None => Ok(None),
    }
}
