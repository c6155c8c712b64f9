//! The console in a browser: not built yet; this page says what it will be.
//!
//! A small set of pages over HTTP/1.1 on loopback: databases, collections, a query box, metrics.
//! They call the same library interface as every other client.
//!
//! ```text
//!   GET /            pages, fixed bytes inside the program
//!   POST /query      one statement in, rows out as JSON, streamed
//!   GET /live        server-sent events of a live query
//! ```
//!
//! **Invariants it will keep.** A web page from elsewhere reaches loopback too, so every request's
//! `Host` must name the listener and every `Origin` must be its own; there is no cookie that a
//! foreign page could use. The folder has the shape of its siblings and imports none of them.
//!
//! **Rejected.** A web framework: the console needs three routes and no middleware.
