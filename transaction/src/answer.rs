//! `Answer`: a result now, or a future.
//!
//! A local store has nearly every answer at hand; a remote one never has. If the trait returned
//! boxed futures, each local point read would pay an allocation and a poll; if it were synchronous,
//! a remote store would block a runtime thread. So a method returns `Ready(result)` or
//! `Later(future)`: a local read costs a move, and the caller that cannot await (an operator) can
//! look whether the answer is there.
//!
//! Invariant: `Ready` is polled at most once to completion; a second poll panics as every future
//! may.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::Result;

/// A future that a store hands out when it has to wait.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The answer of a store: here already, or later. Implements `Future`.
#[must_use = "an answer does nothing until it is awaited or taken"]
pub enum Answer<'a, T> {
    /// The result is here. `None` only after it was taken by a poll.
    Ready(Option<Result<T>>),
    /// The result comes when this future completes.
    Later(BoxFuture<'a, Result<T>>),
}

impl<'a, T> Answer<'a, T> {
    /// An answer that is here.
    #[inline]
    pub fn ready(result: Result<T>) -> Self {
        Answer::Ready(Some(result))
    }

    /// An answer that is here and good.
    #[inline]
    pub fn ok(value: T) -> Self {
        Answer::Ready(Some(Ok(value)))
    }

    /// An answer that needs waiting.
    pub fn later(future: impl Future<Output = Result<T>> + Send + 'a) -> Self {
        Answer::Later(Box::pin(future))
    }

    /// The result if it is here, else the future to await.
    pub fn now(self) -> std::result::Result<Result<T>, BoxFuture<'a, Result<T>>> {
        match self {
            Answer::Ready(Some(result)) => Ok(result),
            Answer::Ready(None) => Ok(Err(crate::Error::Internal("an answer was taken twice"))),
            Answer::Later(future) => Err(future),
        }
    }
}

impl<T: Unpin> Future for Answer<'_, T> {
    type Output = Result<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Answer::Ready(result) => Poll::Ready(
                result.take().unwrap_or(Err(crate::Error::Internal("an answer was polled twice"))),
            ),
            Answer::Later(future) => future.as_mut().poll(context),
        }
    }
}
