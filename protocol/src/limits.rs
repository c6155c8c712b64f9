//! What a client may ask for: every limit of the wire, each one a named setting.
//!
//! A length in a message is a claim, not a fact. A parser that believes it can be made to reserve
//! a gigabyte by eleven bytes; one that believes a count can be made to loop. So every claim is
//! compared with a limit first, and memory grows only with bytes that have arrived:
//!
//! ```text
//!   claim ──▶ ≤ limit? ──no──▶ the protocol's own error, and (where framing is lost) close
//!                │yes
//!                ▼
//!           bytes there? ──no──▶ Partial: keep the state, ask for more
//!                │yes
//!                ▼
//!             borrow
//! ```
//!
//! **Invariants.** The defaults are those of the servers we stand in for. Before a client has said
//! who it is, the small limits hold. A limit never exceeds `u32::MAX`, because the parsers keep
//! positions in 32 bits: [`RedisLimits::clamped`] and [`PostgresLimits::clamped`] see to it.
//!
//! **Rejected.** One limit for a whole connection's memory in place of these: it would say *that*
//! a client asks for too much, these say *what*, in the words its user can look up.

/// Limits of the Redis wire. Field names are the settings' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisLimits {
    /// Longest argument in bytes (`proto-max-bulk-len`).
    pub bulk_bytes_max: u32,
    /// Most arguments of one request.
    pub arguments_max: u32,
    /// Longest inline request and longest length line, in bytes.
    pub inline_bytes_max: u32,
    /// Most bytes of one request, all arguments together (`client-query-buffer-limit`).
    pub request_bytes_max: u32,
    /// Most arguments of one request before authentication.
    pub unauthenticated_arguments_max: u32,
    /// Longest argument in bytes before authentication.
    pub unauthenticated_bulk_bytes_max: u32,
}

impl RedisLimits {
    /// The defaults of Redis 7.2.
    pub const DEFAULT: Self = Self {
        bulk_bytes_max: 512 << 20,
        arguments_max: 1 << 20,
        inline_bytes_max: 64 << 10,
        request_bytes_max: 1 << 30,
        unauthenticated_arguments_max: 10,
        unauthenticated_bulk_bytes_max: 16 << 10,
    };

    /// The same limits where 32-bit positions can hold them: a request ends below `u32::MAX`.
    #[must_use]
    pub fn clamped(self) -> Self {
        const TOP: u32 = u32::MAX - (1 << 20);
        Self {
            bulk_bytes_max: self.bulk_bytes_max.min(TOP),
            request_bytes_max: self.request_bytes_max.min(TOP),
            inline_bytes_max: self.inline_bytes_max.min(1 << 20),
            ..self
        }
    }
}

impl Default for RedisLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Limits of the PostgreSQL wire. Lengths count the length word itself, as the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresLimits {
    /// Longest startup packet in bytes.
    pub startup_bytes_max: u32,
    /// Longest answer to an authentication request in bytes.
    pub authentication_bytes_max: u32,
    /// Longest message that carries a statement, parameters or COPY data, in bytes.
    pub message_bytes_max: u32,
    /// Longest message of the kinds that carry a name at most (Execute, Sync, …), in bytes.
    pub small_message_bytes_max: u32,
    /// Longest single field of a row sent to the client, in bytes.
    pub field_bytes_max: u32,
    /// Longest line of COPY data in either direction, in bytes.
    pub copy_line_bytes_max: u32,
}

impl PostgresLimits {
    /// The limits of PostgreSQL 15.
    pub const DEFAULT: Self = Self {
        startup_bytes_max: 10_000,
        authentication_bytes_max: 65_535,
        message_bytes_max: (1 << 30) - 2,
        small_message_bytes_max: 10_000,
        field_bytes_max: (1 << 30) - 2,
        copy_line_bytes_max: (1 << 30) - 2,
    };

    /// The same limits below `i32::MAX`, which is what the wire's length words can say.
    #[must_use]
    pub fn clamped(self) -> Self {
        const TOP: u32 = i32::MAX as u32 - 1;
        Self {
            message_bytes_max: self.message_bytes_max.min(TOP),
            field_bytes_max: self.field_bytes_max.min(TOP),
            copy_line_bytes_max: self.copy_line_bytes_max.min(TOP),
            ..self
        }
    }
}

impl Default for PostgresLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
