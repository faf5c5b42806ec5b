//! What a thread of [`crate::Input::run`] does most of the time: it waits for something to read or for a moment, and for
//! the daemon's end all the while.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::Error;
use std::os::fd::BorrowedFd;
use std::time::Instant;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// `run` shall return.
    Stop,
    /// The source can be read, or has ended.
    Ready,
    /// The moment has come.
    Time,
}

/// Waits until `stop` is readable, `source` is, or the moment `until` is there; `stop` goes before `source`, and both go
/// before the moment. Without a source and a moment only the end is waited for. Signals do not end the wait; errors are
/// those of poll(2).
pub fn wait(
    stop: BorrowedFd<'_>,
    source: Option<BorrowedFd<'_>>,
    until: Option<Instant>,
) -> Result<Waited, Error> {
    let mut fds =
        [PollFd::new(stop, PollFlags::POLLIN), PollFd::new(source.unwrap_or(stop), PollFlags::POLLIN)];
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        // Rounded up, so that the last wait is not a busy one.
        let left = left.map(|left| i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
        let timeout =
            left.map_or(PollTimeout::NONE, |ms| PollTimeout::try_from(ms).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, timeout) {
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
            Ok(0) if until.is_some_and(|until| Instant::now() >= until) => return Ok(Waited::Time),
            Ok(0) => {}
            Ok(_) if fds[0].any().unwrap_or(true) => return Ok(Waited::Stop),
            Ok(_) => return Ok(Waited::Ready),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    #[test]
    fn the_end_goes_first_and_the_moment_last() {
        let ((stop, mut stopper), (source, mut sender)) =
            (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        let wait = |until: Option<Instant>| super::wait(stop.as_fd(), Some(source.as_fd()), until).unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(wait(Some(soon)), Waited::Time);
        assert!(Instant::now() >= soon);
        sender.write_all(b"x").unwrap();
        assert_eq!(wait(Some(soon)), Waited::Ready);
        assert_eq!(wait(None), Waited::Ready);
        stopper.write_all(b"x").unwrap();
        assert_eq!(wait(Some(soon)), Waited::Stop);
        assert_eq!(super::wait(stop.as_fd(), None, None).unwrap(), Waited::Stop);
    }

    #[test]
    fn a_source_that_has_ended_is_ready_and_an_end_that_is_gone_is_an_end() {
        let ((stop, stopper), (source, sender)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        drop(sender);
        assert_eq!(wait(stop.as_fd(), Some(source.as_fd()), None).unwrap(), Waited::Ready);
        drop(stopper);
        assert_eq!(wait(stop.as_fd(), Some(source.as_fd()), None).unwrap(), Waited::Stop);
    }
}
