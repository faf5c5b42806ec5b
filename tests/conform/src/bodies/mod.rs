//! What looks at a driver, a file for each kind of line. A body says what it has seen and not what it thinks: the first
//! thing that is wrong ends it.

mod life;
mod transport;

pub use life::LINES as LIFE;
pub use transport::LINES as TRANSPORT;

/// Ends a body with what was seen, unless it is as it must be.
macro_rules! must {
    ($so:expr, $($words:tt)+) => {
        if !$so {
            return Err(format!($($words)+));
        }
    };
}
use must;
