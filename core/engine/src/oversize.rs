//! Messages above `maxMessageSize` that an input hands over nevertheless, and the daemon's own: they are reported, written
//! to a file, and cut, split or accepted, as `global(oversizemsg.*)` says.
//!
//! Inputs that frame by that size (TCP, UDP, local sockets) never come here with one.

use crate::script::json::{Json, Object};
use slog::{Logger, error};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};
use sysloom_abi::{Frame, frame_flag};
use sysloom_config::plan::Values;

/// What is done with such messages.
pub struct Oversize {
    /// The largest message in bytes.
    most: u32,
    mode: Mode,
    report: bool,
    /// `oversizemsg.errorfile`, opened with the first of them.
    file: Option<(String, Mutex<Option<File>>)>,
    log: Logger,
}

/// `oversizemsg.input.mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Truncate,
    Split,
    Accept,
}

impl Mode {
    pub fn new(globals: &Values) -> Self {
        match globals.str("oversizemsg.input.mode") {
            Some(word) if word.eq_ignore_ascii_case("split") => Self::Split,
            Some(word) if word.eq_ignore_ascii_case("accept") => Self::Accept,
            _ => Self::Truncate,
        }
    }
}

impl Oversize {
    pub fn new(globals: &Values, most: usize, log: Logger) -> Self {
        let file = globals.str("oversizemsg.errorfile").filter(|file| !file.is_empty());
        Self {
            most: u32::try_from(most).unwrap_or(u32::MAX),
            mode: Mode::new(globals),
            report: globals.bool("oversizemsg.report").unwrap_or(true),
            file: file.map(|file| (file.to_owned(), Mutex::default())),
            log,
        }
    }

    /// The frames to go on with: those given, unless one is too long. `own` is the code of a message of the daemon's
    /// own: what is said of a long message may be long itself.
    pub fn fit<'a>(
        &self,
        block: &[u8],
        frames: &'a [Frame],
        input: &str,
        own: i32,
        fitting: &'a mut Vec<Frame>,
    ) -> &'a [Frame] {
        if frames.iter().all(|frame| frame.len <= self.most) {
            return frames;
        }
        fitting.clear();
        for frame in frames {
            if frame.len <= self.most {
                fitting.push(*frame);
                continue;
            }
            let text = block.get(frame.off as usize..).and_then(|rest| rest.get(..frame.len as usize));
            self.tell(text.unwrap_or_default(), input, own);
            match self.mode {
                Mode::Accept => fitting.push(*frame),
                Mode::Truncate => fitting.push(Frame { len: self.most, flags: cut(frame.flags), ..*frame }),
                Mode::Split => {
                    let (mut off, end) = (frame.off, frame.off.saturating_add(frame.len));
                    while off < end {
                        let len = (end - off).min(self.most.max(1));
                        fitting.push(Frame { off, len, flags: cut(frame.flags), ..*frame });
                        off += len;
                    }
                }
            }
        }
        fitting
    }

    fn tell(&self, message: &[u8], input: &str, own: i32) {
        if self.report && own != TOO_LONG {
            let begin = String::from_utf8_lossy(message.get(..SHOWN).unwrap_or(message));
            error!(self.log, "message too long ({}) with configured size {}, begin of message is: {begin}",
                message.len(), self.most; "code" => TOO_LONG);
        }
        let Some((path, open)) = &self.file else { return };
        let mut object = Object::default();
        object.put(b"rawmsg", Json::Text(message.to_vec()), true);
        object.put(b"input", Json::Text(input.into()), true);
        let mut line = Vec::new();
        Json::Object(object).write(true, &mut line);
        line.push(b'\n');
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            *open = OpenOptions::new().append(true).create(true).mode(0o640).open(path).ok();
        }
        let written = open.as_mut().map(|file| file.write_all(&line));
        if !matches!(written, Some(Ok(()))) && own != NO_FILE {
            error!(self.log, "error writing oversize message errorfile '{path}'"; "code" => NO_FILE);
        }
    }

    /// The file is closed, and opened anew for the next one.
    pub fn hup(&self) {
        if let Some((_, open)) = &self.file {
            *open.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

/// Variables stand behind a whole message, and nowhere else.
fn cut(flags: u32) -> u32 {
    flags & !frame_flag::VARIABLES | frame_flag::TRUNCATED
}

/// rsyslog's codes.
const TOO_LONG: i32 = 2445;
const NO_FILE: i32 = 2433;
/// Bytes of a message that its report shows.
const SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(mode: Mode) -> Vec<(u32, u32)> {
        let log = Logger::root(slog::Discard, slog::o!());
        let oversize = Oversize { most: 4, mode, report: true, file: None, log };
        let frame = |off, len| Frame { off, len, ..Frame::default() };
        let (frames, mut room) = ([frame(0, 3), frame(3, 10), frame(13, 4)], Vec::new());
        let fitting = oversize.fit(b"abc0123456789wxyz", &frames, "in", 0, &mut room);
        fitting.iter().map(|frame| (frame.off, frame.len)).collect()
    }

    #[test]
    fn each_mode_does_with_long_messages_what_it_says() {
        assert_eq!(fit(Mode::Truncate), [(0, 3), (3, 4), (13, 4)]);
        assert_eq!(fit(Mode::Split), [(0, 3), (3, 4), (7, 4), (11, 2), (13, 4)]);
        assert_eq!(fit(Mode::Accept), [(0, 3), (3, 10), (13, 4)]);
    }
}
