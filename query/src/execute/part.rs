//! A part of something shared: an expression inside a cached plan.
//!
//! Operators evaluate expressions that lie deep in an `Arc<Statement>`. A clone of the tree for
//! each execution would cost more than a point query; an `Arc` around each expression would fill
//! the plan with reference counts. A [`Part`] is the `Arc` of the whole and a pointer to the part,
//! and can only be made by projecting from a whole.
//!
//! **Invariant**: `part` points into what `owner` holds (or at something `'static`), since the
//! projection is generic over the lifetime of its input.

use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;

use super::batch::Kept;

/// A part of something that is shared and immutable.
pub struct Part<U: 'static> {
    owner: Kept,
    part: NonNull<U>,
}

// SAFETY: a `Part` gives out `&U` only, and its owner is `Send + Sync`.
unsafe impl<U: Sync> Send for Part<U> {}
// SAFETY: as above.
unsafe impl<U: Sync> Sync for Part<U> {}

impl<U: 'static> Clone for Part<U> {
    fn clone(&self) -> Self {
        Part { owner: self.owner.clone(), part: self.part }
    }
}

impl<U: 'static> Part<U> {
    /// The whole as a part of itself.
    pub fn whole(owner: &Arc<U>) -> Self
    where
        U: Any + Send + Sync,
    {
        Part { part: NonNull::from(&**owner), owner: owner.clone() }
    }

    /// A part of this part.
    pub fn map<V: 'static>(&self, project: impl for<'x> FnOnce(&'x U) -> &'x V) -> Part<V> {
        Part { owner: self.owner.clone(), part: NonNull::from(project(self)) }
    }

    /// A part of this part, if there is one.
    pub fn filter_map<V: 'static>(
        &self,
        project: impl for<'x> FnOnce(&'x U) -> Option<&'x V>,
    ) -> Option<Part<V>> {
        Some(Part { owner: self.owner.clone(), part: NonNull::from(project(self)?) })
    }

    pub(super) fn owner(&self) -> &Kept {
        &self.owner
    }

    pub(super) fn as_ptr(&self) -> *const U {
        self.part.as_ptr()
    }
}

impl<U: 'static> std::ops::Deref for Part<U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: `owner` keeps what `part` points into alive and immutable.
        unsafe { self.part.as_ref() }
    }
}
