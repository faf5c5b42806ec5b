//! What looks at a driver, a file for each kind of line. A body says what it has seen and not what it thinks: the first
//! thing that is wrong ends it.

mod auth;
mod hostile;
mod identity;
mod layer;
mod life;
mod stream;
mod tls;
mod transport;

pub use auth::LINES as AUTH;
pub use hostile::LINES as HOSTILE;
pub use identity::LINES as IDENTITY;
pub use layer::LINES as LAYER;
pub use life::LINES as LIFE;
pub use stream::LINES as STREAM;
pub use tls::LINES as TLS;
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
