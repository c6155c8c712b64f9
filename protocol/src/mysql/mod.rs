//! MySQL's wire: not built yet; this page says what it will be.
//!
//! MySQL's packets are a 3-byte length, a sequence number and a body of at most 2^24-1 bytes; a
//! longer message continues in the next packet. A session is greeting, handshake response,
//! authentication exchange, then commands, each answered by OK, ERR or a result set:
//!
//! ```text
//!   server: Handshake v10 ──▶            ◀── client: HandshakeResponse41 (user, plugin)
//!   server: AuthSwitch / MoreData ──▶    ◀── client: proof
//!   server: OK ──▶                       ◀── client: COM_QUERY | COM_STMT_EXECUTE | …
//!   server: columns, rows, OK/EOF ──▶
//! ```
//!
//! **Invariants it will keep.** The folder has the shape of its siblings (codec, session,
//! translate, error) and imports none of them. Sequence numbers are checked. A packet that
//! continues is gathered under one named limit (`max_allowed_packet`), never by its claimed
//! length. Text and binary rows are written in place, one buffer for each batch.
//!
//! **Rejected.** The existing server crate: it cannot do `caching_sha2_password`, several
//! statements in one query, or the commands that pooled connections send between uses.
