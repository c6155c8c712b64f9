//! The program `qanat`: one store behind the wires of several databases.
//!
//! ```text
//!   flags ─┐
//!   QANAT_… ├─▶ config ─▶ serve ─▶ listeners ─▶ protocol::…::session::run ─▶ qanat
//!   qanat.toml ┘            └─▶ signals: stop accepting, let statements finish, close the store
//!   qanat check ─▶ reads the store's files before any engine opens them
//! ```
//!
//! Everything that a connection does is the library's and the protocols'; here is what makes them a
//! program: the command line, the configuration, sockets, logs and the way to stop.
//!
//! **Invariants**
//! - Without accounts nobody but this machine is listened to (DESIGN: The program).
//! - A flag, a key or a command that is not known, or not built yet, is an error that names it.
//! - Exit status: 0 done, 1 failed (for `check`: damage), 2 wrong use (for `check`: cannot read).
//!
//! **Rejected.** A daemon mode with pid files: whoever starts services does that better.

mod arguments;
mod check;
mod closing;
mod config;
mod listen;
mod logging;
mod serve;
mod workers;

use std::process::ExitCode;

use clap::Parser;

use self::arguments::{Cli, Command};

/// Threads of many connections allocate and free across each other all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status of wrong use.
pub(crate) const WRONG_USE: u8 = 2;

/// `mi_option_purge_delay` of mimalloc 3, which the binding gives no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
/// Milliseconds; for whole arenas ten times as long.
const PURGE_DELAY_MS: std::ffi::c_long = 10_000;
/// `mi_option_allow_thp` of mimalloc 3.
const HUGE_PAGES: libmimalloc_sys::mi_option_t = 43;
/// Huge pages are asked for, and given back whole or not at all.
const HUGE_PAGES_WHOLE: std::ffi::c_long = 2;

/// Keeps freed memory for some seconds, and gives it back in pages of 2 MB.
///
/// What a batch frees the next one takes; given back to the system in between (after a tenth of a
/// second, as it is by default) it is cleared page by page: 9 % of the processor under pipelined
/// SETs. Given back in small pieces, out of huge pages that the allocator asks for, it is filled up
/// again by the system, which puts pages together: 6 MB a minute under counters, for as long as
/// they ran. Without huge pages at all the same load takes 170 MB instead of 235, but SETs of
/// random keys are slower by 5 to 10 % (misses of the TLB).
fn keep_freed_memory() {
    // SAFETY: sets integers that the allocator reads; any value is allowed at any time.
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, PURGE_DELAY_MS);
        libmimalloc_sys::mi_option_set(HUGE_PAGES, HUGE_PAGES_WHOLE);
    }
}

fn main() -> ExitCode {
    keep_freed_memory();
    match Cli::parse().chosen() {
        Command::Serve(arguments) => serve::main(&arguments),
        Command::Check(arguments) => check::main(&arguments),
        Command::Version => {
            println!("{}", arguments::VERSION);
            ExitCode::SUCCESS
        }
        other => wrong_use(&format!("`qanat {}` is unsupported in this version", other.name())),
    }
}

/// Says what is wrong with the command line or the configuration.
pub(crate) fn wrong_use(message: &str) -> ExitCode {
    eprintln!("qanat: {message}");
    ExitCode::from(WRONG_USE)
}

/// Says what failed.
pub(crate) fn failed(message: &str) -> ExitCode {
    eprintln!("qanat: {message}");
    ExitCode::FAILURE
}
