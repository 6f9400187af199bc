//! For whom a server may speak when it promises responses (RFC 9113 §8.4): the servers this client has itself sent requests to on
//! the connection, by scheme and authority. Whoever sends them has made sure that they go to the right place (RFC 9113 §10.1).
//!
//! Not for: certificates, which are checked when the connection is made.

use pellucid_hpack::{Fields, Token};

use super::message::same_authority;

/// Most clients ask one server on a connection. A caller that asks more than this gets no promises of the others.
const MOST: usize = 16;

/// The servers that were asked on this connection.
#[derive(Debug, Default)]
pub(super) struct Authorities(Vec<Server>);

#[derive(Debug)]
struct Server {
    scheme: Box<[u8]>,
    authority: Box<[u8]>,
}

impl Authorities {
    /// A request is sent to this server.
    pub(super) fn learn(&mut self, request: &Fields) {
        if self.0.len() < MOST
            && !self.cover(request)
            && let Some((scheme, authority)) = server(request)
        {
            self.0.push(Server { scheme: scheme.into(), authority: authority.into() });
        }
    }

    /// Whether a promised request is for one of them.
    pub(super) fn cover(&self, request: &Fields) -> bool {
        server(request).is_some_and(|(scheme, authority)| {
            let is_asked = |known: &Server| {
                known.scheme.eq_ignore_ascii_case(scheme) && same_authority(&known.authority, authority, Some(scheme))
            };
            self.0.iter().any(is_asked)
        })
    }
}

/// Scheme and authority; RFC 9113 §8.3.1: Host says the authority where there is no `:authority`.
fn server(request: &Fields) -> Option<(&[u8], &[u8])> {
    Some((request.find(Token::SCHEME)?, request.find(Token::AUTHORITY).or_else(|| request.find(Token::HOST))?))
}
