//! Randomness as a seam: the operating system's for real ids, a seeded generator for tests.
//!
//! `Xoshiro` (xoshiro256++ seeded by splitmix64) is also what `SimulatedDirectory` decides its
//! faults with. It is written here because a simulation must replay for years: a dependency that
//! changes its stream would change every recorded seed. It is not for secrets; `RealEntropy` is.

use std::fmt::Debug;
use std::io;

use parking_lot::Mutex;

/// Where random bytes come from.
pub trait Entropy: Send + Sync + Debug {
    /// Fills `bytes` with random bytes.
    ///
    /// # Errors
    /// The operating system's, where it has no entropy to give.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;

    /// Sixteen random bytes: enough for a UUID.
    ///
    /// # Errors
    /// As `fill`.
    fn sixteen(&self) -> io::Result<[u8; 16]> {
        let mut bytes = [0; 16];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// The operating system's generator; fit for secrets.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealEntropy;

impl Entropy for RealEntropy {
    #[cfg(target_os = "linux")]
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            // SAFETY: `rest` is valid for writes of `rest.len()` bytes during the call.
            let count = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
            match usize::try_from(count) {
                Ok(count) => done += count,
                Err(_) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, bytes)
    }
}

/// The same bytes for the same seed, whatever the platform.
#[derive(Debug)]
pub struct SeededEntropy {
    generator: Mutex<Xoshiro>,
}

impl SeededEntropy {
    /// A stream that depends on `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy { generator: Mutex::new(Xoshiro::new(seed)) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut generator = self.generator.lock();
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&generator.next_u64().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// xoshiro256++: small, quick, good enough to choose faults, not for secrets.
#[derive(Debug, Clone)]
pub struct Xoshiro {
    state: [u64; 4],
}

impl Xoshiro {
    /// Spreads `seed` over the state by splitmix64, so that near seeds give unlike streams.
    #[must_use]
    pub fn new(seed: u64) -> Xoshiro {
        let mut spread = seed;
        Xoshiro { state: [(); 4].map(|()| split_mix(&mut spread)) }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let answer = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        answer
    }

    /// A number below `bound`, which must not be 0 (0 answers 0). The bias is below 2^-64 ×
    /// `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// True `percent` times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
