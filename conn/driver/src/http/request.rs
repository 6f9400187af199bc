//! Requests from one form to the other: what a server receives becomes an `http` request, what a client's caller gives a native one.

use std::str::FromStr;
use std::task::{Context, Waker};

use ::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use ::http::{HeaderMap, Method, header};
use bytes::{Buf, Bytes};
use pellucid_conn::{Fields, SendError};
use pellucid_hpack::Token;

use super::extensions::{Facts, OnInterim, Protocol, Upgrade};
use super::fields::{Te, Unfit, append, push_length, to_map};
use super::outgoing::to_native;
use super::response::{Expected, Owed};
use super::{BoxError, RecvBody};
use crate::body::Body;
use crate::error::Error;
use crate::handlers::promised_length;
use crate::message::Request;
use crate::pool;
use crate::tunnel::Tunnel;

/// Where requests go whose URI says no more than a path: a scheme and an authority, such as `https://example.com:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl TryFrom<Uri> for Origin {
    type Error = Error;

    /// `SendError::Malformed` without a scheme or an authority. Path and query are ignored.
    fn try_from(uri: Uri) -> Result<Self, Error> {
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(malformed("an origin is a scheme and an authority"));
        };
        Ok(Self { scheme, authority })
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse::<Uri>().map_err(|_| malformed("an origin is a URI"))?.try_into()
    }
}

/// A request that a client is to send, in native form, and what its response may then be: [`Expected::response`].
///
/// `origin` fills in where the URI has no scheme or no authority; a `host` field goes before both as `:authority`
/// (RFC 9113 §8.3.1). A `Uri` always has a path: OPTIONS of the server as a whole is asked for by the URI `*`. Extensions that are
/// heeded: [`Protocol`], [`OnInterim`]. The body is polled once.
///
/// # Errors
/// `SendError::Malformed`: no authority to be found, or a CONNECT request with content.
pub fn request_to_native<B>(request: ::http::Request<B>, origin: Option<&Origin>) -> Result<(Request, Expected), Error>
where
    B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
{
    let (mut head, body) = request.into_parts();
    let is_connect = head.method == Method::CONNECT;
    let mut fields = pool::take();
    let protocol = head.extensions.get::<Protocol>().filter(|_| is_connect);
    push_target(&mut fields, &head.method, &Target { uri: &head.uri, headers: &head.headers, origin, protocol })?;
    head.headers.remove(header::HOST);
    if is_connect && !body.is_end_stream() {
        return Err(malformed("a CONNECT request has no content: what is written to its tunnel comes later"));
    }
    if body.is_end_stream() {
        // RFC 9110 §10.1.1: leave is asked for only where there is something to send.
        head.headers.remove(header::EXPECT);
    }
    append(&mut fields, &head.headers, Te::Trailers);
    let length = body.size_hint().exact().filter(|octets| *octets > 0);
    if let Some(length) = length.filter(|_| !head.headers.contains_key(header::CONTENT_LENGTH)) {
        push_length(&mut fields, length);
    }
    let (tunnel, body) = if is_connect {
        let (tunnel, outgoing) = Tunnel::new(Body::empty());
        (Some(tunnel), outgoing)
    } else {
        (None, to_native(body, &mut Context::from_waker(Waker::noop())))
    };
    let mut native = Request::from_fields(fields).with_body(body);
    if let Some(on_interim) = head.extensions.remove::<OnInterim>() {
        native = native.on_interim(move |interim| on_interim.call(&interim));
    }
    Ok((native, Expected { is_head: head.method == Method::HEAD, tunnel }))
}

/// A request that a server has received, and what its response may then be.
pub(super) fn received(request: Request) -> Result<(::http::Request<RecvBody>, Owed), Unfit> {
    let mut pseudo = Pseudo::default();
    let headers = to_map(request.fields(), |token, value| pseudo.take(token, value))?;
    let mut made = ::http::Request::new(RecvBody::default());
    *made.method_mut() = Method::from_bytes(&pseudo.method).map_err(|_| Unfit("the method"))?;
    *made.version_mut() = ::http::Version::HTTP_2;
    if let Some(protocol) = pseudo.protocol.take() {
        let name = std::str::from_utf8(&protocol).map_err(|_| Unfit("the protocol"))?;
        made.extensions_mut().insert(Protocol::new(name));
    }
    // RFC 9113 §8.3.1: `host` where there is no authority; the two never disagree.
    let host = || headers.get(header::HOST).map(|host| Bytes::copy_from_slice(host.as_bytes()));
    let authority = pseudo.authority.take().or_else(host);
    *made.uri_mut() = pseudo.into_uri(authority)?;
    *made.headers_mut() = headers;
    if let Some(shared) = request.shared() {
        #[cfg(feature = "axum")]
        if let Some(peer) = shared.info.peer {
            made.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        }
        made.extensions_mut().insert(Facts::new(shared, request.stream()));
    }
    let length = promised_length(request.fields());
    let body = request.into_body();
    let mut owed = Owed { is_head: made.method() == Method::HEAD, tunnel: None };
    if made.method() == Method::CONNECT {
        let (tunnel, outgoing) = Tunnel::new(body);
        owed.tunnel = Some(outgoing);
        made.extensions_mut().insert(Upgrade::new(tunnel));
    } else {
        *made.body_mut() = RecvBody::new(body, length);
    }
    Ok((made, owed))
}

/// A received request's pseudo-header fields.
#[derive(Default)]
struct Pseudo {
    method: Bytes,
    scheme: Option<Bytes>,
    authority: Option<Bytes>,
    path: Option<Bytes>,
    protocol: Option<Bytes>,
}

impl Pseudo {
    fn take(&mut self, token: Token, value: Bytes) {
        match token {
            Token::METHOD => self.method = value,
            Token::SCHEME => self.scheme = Some(value),
            Token::AUTHORITY => self.authority = Some(value),
            Token::PATH => self.path = Some(value),
            Token::PROTOCOL => self.protocol = Some(value),
            _ => {}
        }
    }

    fn into_uri(self, authority: Option<Bytes>) -> Result<Uri, Unfit> {
        let mut parts = ::http::uri::Parts::default();
        if let Some(authority) = authority.filter(|a| !a.is_empty()) {
            parts.authority = Some(Authority::from_maybe_shared(authority).map_err(|_| Unfit("the authority"))?);
        }
        if let Some(path) = self.path {
            parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path).map_err(|_| Unfit("the path"))?);
        }
        // `http` has no URI of a scheme without an authority; then the path alone must do.
        if let Some(scheme) = self.scheme.filter(|_| parts.authority.is_some()) {
            parts.scheme = Some(Scheme::try_from(scheme.as_ref()).map_err(|_| Unfit("the scheme"))?);
        }
        Uri::from_parts(parts).map_err(|_| Unfit("the URI"))
    }
}

/// What a request that is to be sent says of where it goes.
struct Target<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
    origin: Option<&'a Origin>,
    protocol: Option<&'a Protocol>,
}

/// RFC 9113 §8.3.1, §8.5 and RFC 8441 §4: the pseudo-header fields.
fn push_target(fields: &mut Fields, method: &Method, target: &Target<'_>) -> Result<(), Error> {
    let (uri, origin) = (target.uri, target.origin);
    let authority = uri.authority().or(origin.map(|o| &o.authority)).map(|a| without_user(a.as_str()).as_bytes());
    let host = target.headers.get(header::HOST).map(|host| host.as_bytes().trim_ascii()).filter(|h| !h.is_empty());
    let authority =
        host.or(authority).ok_or(malformed("neither the URI nor a host field says where the request goes"))?;
    fields.push_token(Token::METHOD, method.as_str().as_bytes());
    if *method == Method::CONNECT && target.protocol.is_none() {
        fields.push_token(Token::AUTHORITY, authority);
        return Ok(());
    }
    let scheme = uri.scheme().or(origin.map(|o| &o.scheme)).ok_or(malformed("the URI has no scheme"))?;
    fields.push_token(Token::SCHEME, scheme.as_str().as_bytes());
    fields.push_token(Token::AUTHORITY, authority);
    match uri.path_and_query().map_or("/", PathAndQuery::as_str) {
        query if query.starts_with('?') => fields.push_token(Token::PATH, format!("/{query}").as_bytes()),
        path => fields.push_token(Token::PATH, path.as_bytes()),
    }
    if let Some(protocol) = target.protocol {
        fields.push_token(Token::PROTOCOL, protocol.as_str().as_bytes());
    }
    Ok(())
}

/// RFC 9113 §8.3.1: `:authority` has no user information.
fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn malformed(why: &'static str) -> Error {
    SendError::Malformed(why).into()
}
