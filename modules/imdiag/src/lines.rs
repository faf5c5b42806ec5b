//! Commands out of a stream: one a line, or octet-counted. Not the framing of syslog, whose frames begin with `<`.

/// What a session has sent of its next command.
#[derive(Default)]
pub struct Lines {
    kept: Vec<u8>,
}

/// What stands at the start of the bytes at hand.
enum Next {
    /// A whole command: where it starts, its length, and how many bytes it takes up.
    Whole(usize, usize, usize),
    Part,
    TooLong,
}

impl Lines {
    /// Gives every whole command to `found`; `false` if one is longer than any command.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(&[u8])) -> bool {
        self.kept.extend_from_slice(bytes);
        let mut at = 0;
        let fits = loop {
            let rest = self.kept.get(at..).unwrap_or_default();
            match next(rest) {
                Next::Whole(start, len, taken) => {
                    found(rest.get(start..start + len).unwrap_or_default());
                    at += taken;
                }
                Next::Part => break true,
                Next::TooLong => break false,
            }
        };
        self.kept.drain(..at);
        fits
    }
}

fn next(rest: &[u8]) -> Next {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    // No command begins with a digit.
    if (1..=MAX_DIGITS).contains(&digits) && rest.get(digits) == Some(&b' ') {
        let count = rest.iter().take(digits).fold(0, |n, b| n * 10 + usize::from(b - b'0'));
        let end = digits + 1 + count;
        return match count {
            MAX_LINE.. => Next::TooLong,
            _ if rest.len() < end => Next::Part,
            // A line feed behind it ends the frame once more for clients that send lines anyway.
            _ => Next::Whole(digits + 1, count, end + usize::from(rest.get(end) == Some(&b'\n'))),
        };
    }
    match rest.iter().position(|b| *b == b'\n') {
        Some(end) => Next::Whole(0, end, end + 1),
        None if rest.len() > MAX_LINE => Next::TooLong,
        None => Next::Part,
    }
}

/// Digits of the largest count.
const MAX_DIGITS: usize = 6;
const MAX_LINE: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_with_a_line_feed_or_are_counted_however_they_are_cut() {
        let stream = b"one\n5 two 23 six\n\n19 getmainmsgqueuesize\nlast\n";
        let want = ["one", "two 2", "six", "", "getmainmsgqueuesize", "last"];
        for size in [1, 2, 7, stream.len()] {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for part in stream.chunks(size) {
                assert!(lines.feed(part, |line| got.push(String::from_utf8(line.to_vec()).unwrap())));
            }
            // Cut behind a counted frame, its line feed is a command of its own.
            got.retain(|line| !line.is_empty());
            assert_eq!(
                got,
                want.iter().copied().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
                "{size}"
            );
        }
    }

    #[test]
    fn what_is_longer_than_any_command_is_refused() {
        for bytes in [vec![b'x'; MAX_LINE + 1], b"999999 ".to_vec()] {
            assert!(!Lines::default().feed(&bytes, |_| panic!("no command")));
        }
    }
}
