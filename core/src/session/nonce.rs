//! Nonces: the random parts of names that no other process gives to something else.
//!
//! The core draws no random number: they come from the seed that the driver gave,
//! which is another one in every process.

/// The source of nonces. It is the process's own and in no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonces(u64);

impl Nonces {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next nonce, which is not 0.
    pub(super) fn next(&mut self) -> u64 {
        let mut random = fastrand::Rng::with_seed(self.0);
        let nonce = random.u64(1..);
        self.0 = random.get_seed();
        nonce
    }
}
