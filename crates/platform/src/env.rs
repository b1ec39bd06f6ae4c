//! The clock and chance as values: the binary passes the real ones, tests pass ones they control.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use kernel::id::{Entropy, Id};
use kernel::{Actor, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Tells the present. Only the binary has one that reads the system's clock.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Clock and chance of a running process.
#[derive(Clone)]
pub struct Env {
    /// Tells the present.
    pub clock: Arc<dyn Clock>,
    /// Unpredictable values.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What one command runs with: the actor, one unchanging present, a request number.
    pub fn ctx(&self, actor: Actor) -> Ctx {
        Ctx {
            actor,
            now: self.clock.now(),
            request: kernel::id::token::<8>(self.entropy.as_ref()),
            entropy: self.entropy.clone(),
        }
    }
}

/// What one command runs with. `now` stays the same throughout a transaction.
#[derive(Clone)]
pub struct Ctx {
    /// Who acts.
    pub actor: Actor,
    /// The present of this command.
    pub now: Timestamp,
    /// Number of the request, shown on error pages and kept in the audit.
    pub request: String,
    /// Unpredictable values.
    pub entropy: Arc<dyn Entropy>,
}

impl Ctx {
    /// A new identity.
    pub fn id(&self) -> Id {
        Id::new(self.now, self.entropy.as_ref())
    }
}

/// A generator from a seed: the system's seed in the binary, a fixed one in tests.
pub struct Seeded {
    generator: Mutex<ChaCha20Rng>,
    serial: AtomicU32,
}

impl Seeded {
    /// A generator that repeats for the same seed.
    pub fn new(seed: [u8; 32]) -> Seeded {
        let mut generator = ChaCha20Rng::from_seed(seed);
        let mut start = [0u8; 4];
        generator.fill_bytes(&mut start);
        Seeded { generator: Mutex::new(generator), serial: AtomicU32::new(u32::from_le_bytes(start)) }
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        // A poisoned lock only means that another thread panicked while drawing: the generator is still sound.
        self.generator.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).fill_bytes(bytes);
    }

    fn serial(&self) -> u32 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

/// A clock that stands until it is moved.
pub struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    /// A clock that stands at an instant.
    pub fn at(now: Timestamp) -> StandingClock {
        StandingClock(Mutex::new(now))
    }

    /// Moves the clock to an instant.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = now;
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn one_instant_yields_many_identities() {
        let env = Env {
            clock: Arc::new(StandingClock::at(Timestamp(1_800_000_000_000))),
            entropy: Arc::new(Seeded::new([7; 32])),
        };
        let ctx = env.ctx(Actor::system("试"));
        let ids: HashSet<Id> = (0..100_000).map(|_| ctx.id()).collect();
        assert_eq!(ids.len(), 100_000);
    }
}
