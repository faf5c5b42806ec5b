//! fmhash: the functions hash32(), hash64(), hash32mod() and hash64mod(), with the numbers that Debian's rsyslog gives.
#![forbid(unsafe_code)]

use sysloom_sdk::{Answer, Arguments, Complaint, Function, Host, plugin};

/// Declares one of the functions: its name, its least number of arguments, and where a divisor stands.
macro_rules! function {
    ($ty:ident, $name:literal, $least:literal, $divisor:expr, $hash:ident) => {
        #[doc = concat!("`", $name, "()`")]
        pub struct $ty;

        impl Function for $ty {
            const NAME: &'static str = $name;
            const ARGUMENTS: (u32, u32) = ($least, $least + 1);
            type Module = ();

            fn new(_: &(), _: &Arguments<'_>, _: Host) -> Result<Self, Complaint> {
                Ok(Self)
            }

            fn call(&self, arguments: &Arguments<'_>, answer: &mut Answer<'_>) {
                evaluate(arguments, $least, $divisor, $hash, answer);
            }
        }
    };
}

function!(Hash32, "hash32", 1, None, hash32);
function!(Hash64, "hash64", 1, None, hash64);
function!(Hash32Mod, "hash32mod", 2, Some(1), hash32);
function!(Hash64Mod, "hash64mod", 2, Some(1), hash64);

plugin! { name: "fmhash", functions: [Hash32, Hash64, Hash32Mod, Hash64Mod] }

fn evaluate(
    arguments: &Arguments<'_>,
    least: usize,
    divisor: Option<usize>,
    hash: fn(&[u8], u64) -> u64,
    answer: &mut Answer<'_>,
) {
    let seed = if arguments.len() > least { arguments.number(least) } else { Some(0) };
    let divisor = divisor.map(|at| arguments.number(at).and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
    let Some(seed) = seed.filter(|_| divisor != Some(0)) else {
        answer.script_error(1);
        return answer.number(0);
    };
    let value = hash(&arguments.text(0), seed.cast_unsigned());
    let value = divisor.and_then(|n| value.checked_rem(n)).unwrap_or(value);
    answer.number(value.cast_signed());
}

/// FNV-1 with 32 bits.
fn hash32(text: &[u8], seed: u64) -> u64 {
    let step = |hash: u32, byte: &u8| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte);
    text.iter().fold(seed as u32, step).into()
}

/// DJB2a with 64 bits.
fn hash64(text: &[u8], seed: u64) -> u64 {
    // rsyslog: bytes above 127 count as negative here.
    let step = |hash: u64, byte: &u8| hash.wrapping_mul(33) ^ i64::from(byte.cast_signed()).cast_unsigned();
    text.iter().fold(5381, step).wrapping_add(seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::Argument::{self, Number, Text};
    use sysloom_sdk::testing::{TestHost, call};

    fn value<F: Function<Module = ()>>(arguments: &[Argument<'_>]) -> (String, i64) {
        call::<F>(&TestHost::new(), &(), arguments).unwrap()
    }

    // Seen with rsyslog 8.2302.
    #[test]
    fn the_numbers_are_those_of_rsyslog() {
        let abc = Text(b"abc");
        assert_eq!(value::<Hash32>(&[abc]), ("2230358368".into(), 0));
        assert_eq!(value::<Hash64>(&[abc]).0, "193409669");
        assert_eq!(value::<Hash32>(&[abc, Number(7)]).0, "1966719081");
        assert_eq!(value::<Hash64>(&[abc, Text(b"7")]).0, "193409676");
        assert_eq!(value::<Hash32Mod>(&[abc, Number(100)]).0, "68");
        assert_eq!(value::<Hash64Mod>(&[abc, Number(100)]).0, "69");
    }

    #[test]
    fn what_is_no_number_gives_0_and_an_error() {
        let abc = Text(b"abc");
        assert_eq!(value::<Hash32Mod>(&[abc, Number(0)]), ("0".into(), 1));
        assert_eq!(value::<Hash64Mod>(&[abc, Number(100), Text(b"x")]), ("0".into(), 1));
        assert_eq!(value::<Hash64>(&[abc, Text(b"")]), ("0".into(), 1));
    }
}
