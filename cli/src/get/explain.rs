//! Errors in words that people can act on.
//!
//! Not for: errors of the command's own files and arguments; those are told where they happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pellucid_client::{ConnectError, Direction, Error, Kind, Report, Tap, Url};
use pellucid_conn::SendError;
use pellucid_conn::h2::{Role, Violation};
use pellucid_conn::tap;
use pellucid_frame::Head;

/// Whether a server has said anything in HTTP/2. Cheap to clone: the connection's tap has a part in it.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<AtomicBool>);

impl Heard {
    /// Listens on a connection, before `also` gets to see it.
    pub(super) fn listen(&self, mut also: Option<Tap>) -> Tap {
        let heard = self.clone();
        // RFC 9113 §3.4: a server begins with SETTINGS; their head is enough to know.
        let mut first = Vec::new();
        Box::new(move |direction, octets| {
            if matches!(direction, Direction::Received) && first.len() < Head::LEN {
                first.extend(octets.iter().take(Head::LEN - first.len()));
                heard.0.store(tap::sender(&first) == Some(Role::Server), Ordering::Relaxed);
            }
            if let Some(also) = &mut also {
                also(direction, octets);
            }
        })
    }

    fn anything(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why there is no connection.
pub(super) fn connecting(error: &ConnectError) -> String {
    let hint = if error.is_untrusted() { " (see --cacert FILE or -k)" } else { "" };
    format!("{error}{hint}")
}

/// Why a request has no response. A server that said nothing in HTTP/2 probably speaks something else.
pub(super) fn asking(error: &Error, url: &Url, heard: &Heard) -> String {
    let told = receiving(error);
    let is_over = matches!(error.kind(), Kind::Connection(_) | Kind::Io(_)) || is_vague(error);
    if heard.anything()
        || url.is_secure()
        || !is_over
        || matches!(error.kind(), Kind::Connection(e) if is_http1(e.violation))
    {
        return told;
    }
    format!(
        "{} closed the connection before any frame of HTTP/2: it may want https:// or speak only HTTP/1.1",
        url.authority()
    )
}

/// Why a response is not complete.
pub(super) fn receiving(error: &Error) -> String {
    match error.kind() {
        Kind::Connection(e) if is_http1(e.violation) => {
            format!("the server does not speak HTTP/2 here; it may speak only HTTP/1.1 ({error})")
        }
        Kind::Connection(e) if e.violation == Violation::PeerClosed => CLOSED.to_owned(),
        _ if is_vague(error) => CLOSED.to_owned(),
        _ => error.to_string(),
    }
}

/// The error itself, or where it says no more than that the connection is over, what ended the connection.
pub(super) fn cause(error: Error, report: Option<&Report>) -> Error {
    match report.and_then(|report| report.error.clone()) {
        Some(ended_by) if is_vague(&error) => ended_by,
        _ => error,
    }
}

/// Whether it says no more than that the connection is over.
pub(super) fn is_vague(error: &Error) -> bool {
    matches!(error.kind(), Kind::Closed | Kind::Send(SendError::Dead))
}

fn is_http1(violation: Violation) -> bool {
    matches!(violation, Violation::Http1Peer | Violation::FirstFrameNotSettings)
}

const CLOSED: &str = "the server closed the connection before the response was complete";
