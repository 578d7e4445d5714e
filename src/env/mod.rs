//! The outside world behind small doors: clock, randomness, blocking work.
//!
//! Only this room may ask the machine for the time or for random bytes (clippy.toml forbids it
//! elsewhere), so that a test can hold them in its hand.

mod blocking;
mod clock;
mod random;

pub use blocking::{BlockingFailed, run_blocking};
pub use clock::{Clock, ManualClock, Monotonic, SystemClock};
pub use random::{Random, SeededRandom, SystemRandom, random_u64, random_uuid};
