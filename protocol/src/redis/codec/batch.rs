//! Requests that were read and not yet run: a pipeline, or what MULTI queues.
//!
//! A request in a batch is a list of spans into the read buffer, so holding a thousand of them
//! copies no argument. Requests that must outlive the buffer (MULTI), and inline requests, whose
//! words stand nowhere as they are, are copied into the batch.
//!
//! **Invariant.** `get(i, input)` with the input that was pushed from gives the arguments that were
//! pushed; the copied ones need no input.

use super::request::{Argv, Span};

#[derive(Debug, Clone, Copy)]
struct Entry {
    first: usize,
    count: usize,
    base: usize,
    copied: bool,
}

/// Requests in order.
#[derive(Debug, Default)]
pub struct Batch {
    entries: Vec<Entry>,
    spans: Vec<Span>,
    copied: Vec<u8>,
    bytes: usize,
}

/// Memory that an empty batch keeps for the next use.
const SPANS_KEPT_MAX: usize = 16 << 10;
const COPIED_KEPT_MAX: usize = 64 << 10;

impl Batch {
    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of all arguments together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all requests; keeps a little memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.spans.clear();
        self.copied.clear();
        self.bytes = 0;
        if self.spans.capacity() > SPANS_KEPT_MAX {
            self.spans = Vec::new();
        }
        if self.copied.capacity() > COPIED_KEPT_MAX {
            self.copied = Vec::new();
        }
    }

    /// Appends a request that lies in `input`; one that does not is copied.
    pub fn push(&mut self, argv: &Argv<'_>, input: &[u8]) {
        let inside = (argv.bytes.as_ptr() as usize).checked_sub(input.as_ptr() as usize);
        match inside.filter(|at| at + argv.bytes.len() <= input.len()) {
            Some(base) => {
                let entry =
                    Entry { first: self.spans.len(), count: argv.spans.len(), base, copied: false };
                self.entries.push(entry);
                self.spans.extend_from_slice(argv.spans);
                self.bytes += argv.bytes();
            }
            None => self.push_copy(argv),
        }
    }

    /// Appends a copy of a request.
    pub fn push_copy(&mut self, argv: &Argv<'_>) {
        let (first, base) = (self.spans.len(), self.copied.len());
        for argument in argv.iter() {
            // In range: a request ends below `request_bytes_max`, which fits 32 bits.
            let start = (self.copied.len() - base) as u32;
            self.spans.push(Span { start, length: argument.len() as u32 });
            self.copied.extend_from_slice(argument);
        }
        self.entries.push(Entry { first, count: argv.len(), base, copied: true });
        self.bytes += argv.bytes();
    }

    /// Where in the input a request begins; `None` where it was copied or is not there.
    #[must_use]
    pub fn start(&self, index: usize) -> Option<usize> {
        self.entries.get(index).filter(|entry| !entry.copied).map(|entry| entry.base)
    }

    /// The request at `index`; an empty one where there is none.
    #[must_use]
    pub fn get<'a>(&'a self, index: usize, input: &'a [u8]) -> Argv<'a> {
        let Some(entry) = self.entries.get(index) else { return Argv { bytes: &[], spans: &[] } };
        let bytes = if entry.copied { self.copied.as_slice() } else { input };
        Argv {
            bytes: bytes.get(entry.base..).unwrap_or_default(),
            spans: self.spans.get(entry.first..entry.first + entry.count).unwrap_or_default(),
        }
    }
}
