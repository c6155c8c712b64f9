//! Power cuts: what was not flushed is dropped or torn, and every acknowledged write is there.
//!
//! ```text
//!   gcc tests/shim/powercut.c ─► powercut.so ─► LD_PRELOAD of the server, over its store
//!   a cut: between two calls, at a moment of the load or at the n-th change since the start
//! ```
//!
//! kill -9 proves nothing about flushes, since the system's cache outlives the process. Here the
//! library keeps what a disk would hold. Without a C compiler the test says so and ends.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use super::crash::{Crash, Server, rounds, rounds_max};
use super::layers::root;

struct Cut {
    library: PathBuf,
    signal: PathBuf,
    is_counted: bool,
    _folder: tempfile::TempDir,
}

impl Cut {
    /// Compiles the library; `None` where there is no compiler.
    fn new() -> Option<Cut> {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("powercut.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library);
        compiler.arg(root().join("tests/shim/powercut.c")).args(["-ldl", "-lpthread"]);
        match compiler.output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                println!("no C compiler, so no power cuts: {error}");
                return None;
            }
        }
        let signal = folder.path().join("cut");
        Some(Cut { library, signal, is_counted: false, _folder: folder })
    }
}

impl Crash for Cut {
    fn environment(&mut self, store: &Path, random: &mut StdRng) -> Vec<(&'static str, String)> {
        let _ = std::fs::remove_file(&self.signal);
        let mut environment = vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("SHIM_ROOT", store.display().to_string()),
            ("SHIM_SIGNAL", self.signal.display().to_string()),
            ("SHIM_SEED", random.random::<u32>().to_string()),
        ];
        self.is_counted = random.random_bool(0.5);
        if self.is_counted {
            let at = if random.random_bool(0.3) { 60 } else { 3000 };
            environment.push(("SHIM_AT", random.random_range(1..at).to_string()));
        }
        environment
    }

    fn crash(&mut self, server: &mut Server, random: &mut StdRng) {
        std::thread::sleep(Duration::from_millis(random.random_range(1..600)));
        // It may have been cut at its count already; a second cut is none.
        let part = self.signal.with_extension("part");
        std::fs::write(&part, random.random::<u32>().to_string()).unwrap();
        std::fs::rename(&part, &self.signal).unwrap();
        let status = server.wait();
        assert_eq!(status.code(), Some(137), "{}", server.said());
    }
}

#[test]
fn power_cuts_lose_nothing_acknowledged_in_3_rounds() {
    if let Some(mut cut) = Cut::new() {
        rounds(3, &["sync"], &mut cut);
    }
}

#[test]
#[ignore = "long: 200 rounds"]
fn power_cuts_lose_nothing_acknowledged() {
    if let Some(mut cut) = Cut::new() {
        rounds(rounds_max(200), &["sync"], &mut cut);
    }
}
