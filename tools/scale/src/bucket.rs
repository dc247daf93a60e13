//! A token bucket, as AWS throttles by it: a call takes a token, and so many come back each second.

use crate::time::{Micros, SECOND};

#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    a_second: u64,
    /// In millionths of a token, so that nothing is lost between two calls.
    tokens: u64,
    most: u64,
    at: Micros,
}

impl Bucket {
    /// Full.
    pub(crate) fn new(a_second: u32, burst: u32) -> Self {
        let most = u64::from(burst) * SECOND;
        Self { a_second: a_second.into(), tokens: most, most, at: 0 }
    }

    /// Whether a call passes now. Times never go back.
    pub(crate) fn take(&mut self, now: Micros) -> bool {
        let come_back = now.saturating_sub(self.at).saturating_mul(self.a_second);
        self.tokens = self.tokens.saturating_add(come_back).min(self.most);
        self.at = now;
        let passes = self.tokens >= SECOND;
        if passes {
            self.tokens -= SECOND;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = Bucket::new(20, 100);
        assert_eq!((0..150).filter(|_| bucket.take(0)).count(), 100);
        assert_eq!((0..150).filter(|_| bucket.take(SECOND)).count(), 20);
        assert_eq!((0..150).filter(|_| bucket.take(SECOND + SECOND / 10)).count(), 2);
    }

    #[test]
    fn tokens_are_not_saved_up_past_the_burst() {
        let mut bucket = Bucket::new(3, 3);
        assert_eq!((0..10).filter(|_| bucket.take(3_600 * SECOND)).count(), 3);
    }
}
