//! Numbers that look drawn, and are the same in every run.

/// Sebastiano Vigna's `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly spread over 0 to `end`, which is left out.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_evenly_and_are_the_same_each_time() {
        let mut tens = [0_u32; 10];
        let (mut one, mut other) = (Random::new(1), Random::new(1));
        for _ in 0..100_000 {
            let number = one.below(100);
            assert_eq!(number, other.below(100));
            tens[usize::try_from(number / 10).unwrap()] += 1;
        }
        assert!(tens.iter().all(|count| (9_500..10_500).contains(count)), "{tens:?}");
    }
}
