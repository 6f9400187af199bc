//! Frames as they go: a tap that decodes what it hears.

use pellucid_conn::h2::Role;
use pellucid_conn::tap::{self, Record};

use crate::io::{Direction, Tap};

impl Direction {
    /// Who sent what went this way, on a connection of which we are `us`.
    #[must_use]
    pub fn sender(self, us: Role) -> Role {
        match self {
            Self::Sent => us,
            Self::Received => us.peer(),
        }
    }
}

/// A tap for `server::Options::tap` or `client::Options::tap` that tells of each frame, in both directions, with its fields
/// decoded and how each was coded; [`tap::text::render`] makes text of a record. The connection's own work is not touched, but
/// `tell` runs in its task.
///
/// ```
/// use pellucid_driver::conn::{h2::Role, tap::text};
/// use pellucid_driver::{Request, Response, client, memory, server, watch};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (lines, told) = std::sync::mpsc::channel();
/// let mut options = client::Options::default();
/// options.tap = Some(watch(Role::Client, move |record| {
///     let _ = lines.send(text::render(&record, text::Secrets::Redacted));
/// }));
/// let hello = |_: Request| async { Response::new(200) };
/// let client = memory::connect_with(hello, server::Options::default(), options)?;
/// client.send(Request::get("http", "localhost", "/")).await?;
/// assert!(told.try_iter().any(|line| line.contains("HEADERS stream 1")));
/// # Ok(())
/// # }
/// ```
pub fn watch(us: Role, mut tell: impl FnMut(Record) + Send + 'static) -> Tap {
    let mut tap = tap::Tap::new();
    Box::new(move |direction, octets| tap.feed(direction.sender(us), octets, &mut tell))
}
