//! Where inputs come from: seeds, changed at a few places by a seeded generator.

/// Draws inputs; the same seed gives the same ones.
pub struct Mutator {
    state: u64,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        assert!(!seeds.is_empty());
        // A xorshift generator must not start at 0.
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, seeds }
    }

    /// The next input: one seed or two, with up to eight changes.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..self.below(8) {
            self.change(&mut input);
        }
        input.truncate(MAX_INPUT);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = (at + 1 + self.below(8)).min(input.len()).max(at);
        match self.below(8) {
            0 => drop(input.drain(at..end)),
            1 => input.truncate(at),
            2 => {
                let copy = input[at..end].repeat(1 + self.below(20));
                input.splice(at..at, copy);
            }
            3 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            4 => {
                let bit = 1 << self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bit;
                }
            }
            5 => input.insert(at, self.below(256) as u8),
            _ => {
                let fragment = FRAGMENTS[self.below(FRAGMENTS.len())];
                input.splice(at..at, fragment.iter().copied());
            }
        }
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        self.seeds[at].clone()
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % limit.max(1) as u64) as usize
    }
}

const MAX_INPUT: usize = 4096;

/// What means something to one reader or another.
const FRAGMENTS: &[&[u8]] = &[
    b"<13>",
    b"<191>",
    b"<",
    b">",
    b"1 ",
    b"Oct 11 22:14:15",
    b"Oct  1 2020 22:14:15.5: ",
    b"2003-10-11T22:14:15.003Z",
    b"2003-10-11T22:14:15.123456789-07:30 ",
    b"+02:00",
    b" ",
    b"  ",
    b":",
    b"[",
    b"]",
    b"] ",
    b"\\]",
    b"\\\\",
    b"\\\"",
    b"[a b=\"c\"]",
    b"- ",
    b"host ",
    b"tag[12]: ",
    b"2020 ",
    b"99999999999999999999",
    b"4 <1>a",
    b"9 <13>hello",
    b"200001 <",
    b"0 <",
    b"\t",
    b"\n",
    b"\r\n",
    b"\0",
    b"\n<",
    b"\xc3\xa4",
    b"\xef\xbb\xbf",
];
