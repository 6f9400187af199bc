//! Choices: drawn from a fuzzer's octets while there are any, then from a small generator (splitmix64), so that every input
//! comes to an end of its own. Not for: anything that has to be unpredictable.

/// A source of choices that can be repeated.
#[derive(Debug, Clone)]
pub struct Chance {
    octets: Vec<u8>,
    at: usize,
    state: u64,
}

impl Chance {
    /// Choices that a seed determines.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self { octets: Vec::new(), at: 0, state: seed }
    }

    /// Choices that octets determine, one or a few each; after the last of them, those of `seed`.
    #[must_use]
    pub fn of_octets(octets: &[u8], seed: u64) -> Self {
        Self { octets: octets.to_vec(), at: 0, state: seed }
    }

    /// Whether the octets, if there were any, are used up.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.at >= self.octets.len()
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.wide(8)
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: usize) -> usize {
        let octets = if bound <= 1 << 8 {
            1
        } else if bound <= 1 << 16 {
            2
        } else {
            4
        };
        let bound = u64::try_from(bound.max(1)).unwrap();
        usize::try_from(self.wide(octets) % bound).unwrap()
    }

    /// True in `chance` of a hundred cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn wide(&mut self, octets: usize) -> u64 {
        if self.is_used_up() {
            return self.generate();
        }
        let end = self.octets.len().min(self.at + octets);
        let number = self.octets[self.at..end].iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet));
        self.at = end;
        number
    }

    fn generate(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
