//! The system's clock and chance: the only place that reads them.

use std::io::Read;
use std::sync::Arc;

use kernel::{Refusal, Result, Timestamp};
use platform::Env;
use platform::env::{Clock, Seeded};

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The system's clock, and a generator seeded by the system.
///
/// # Errors
/// `system.entropy` where the system gives no randomness.
pub fn env() -> Result<Env> {
    let mut seed = [0u8; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut f| f.read_exact(&mut seed))
        .map_err(|e| Refusal::internal("system.entropy", e))?;
    Ok(Env { clock: Arc::new(SystemClock), entropy: Arc::new(Seeded::new(seed)) })
}
