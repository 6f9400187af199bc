//! What makes a message well-formed (RFC 9113 §8): one walk over the fields, each broken rule a stream error.
//!
//! HPACK has classed every field's octets when it decoded them, so that judging a field is a mask and a match.

use pellucid_hpack::{Class, Field, Fields, Token};

use super::octets::Set;
use super::priority::Priority;
use super::stream::Method;
use super::violation::Violation;

/// What the connection needs to know of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    pub(crate) method: Method,
    pub(crate) content_length: Option<u64>,
    pub(crate) priority: Option<Priority>,
}

/// What the connection needs to know of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    pub(crate) status: u16,
    pub(crate) content_length: Option<u64>,
}

/// Whether extended CONNECT has been agreed on (RFC 8441 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExtendedConnect {
    On,
    Off,
}

/// Checks a request's header section.
pub(crate) fn request(fields: &Fields, extended: ExtendedConnect) -> Result<RequestFacts, Violation> {
    let mut pseudo = Pseudo::default();
    let mut rest = Rest::default();
    for field in fields.iter() {
        if field.class.contains(Class::NAME_PSEUDO) {
            // RFC 9113 §8.3: pseudo-header fields come first.
            if rest.any {
                return Err(Violation::PseudoAfterRegular);
            }
            value_is_fine(&field)?;
            let slot = match field.token {
                Token::METHOD => &mut pseudo.method,
                Token::SCHEME => &mut pseudo.scheme,
                Token::PATH => &mut pseudo.path,
                Token::AUTHORITY => &mut pseudo.authority,
                Token::PROTOCOL => &mut pseudo.protocol,
                // RFC 9113 §8.3: only the defined ones, and none of a response's.
                _ => return Err(Violation::PseudoUnknown),
            };
            // RFC 9113 §8.3: each at most once.
            if slot.replace(field).is_some() {
                return Err(Violation::PseudoRepeated);
            }
        } else {
            rest.take(field)?;
        }
    }
    let method = pseudo.check(extended)?;
    if let (Some(host), scheme) = (rest.host, pseudo.scheme) {
        // RFC 9113 §8.3.1: Host and :authority must not name different servers.
        if pseudo.authority.is_some_and(|a| !same_authority(a.value, host.value, scheme.map(|s| s.value))) {
            return Err(Violation::AuthorityMismatch);
        }
        if !host.value.is_empty() {
            authority_is_fine(host.value)?;
        }
    }
    // RFC 9110 §9.3.6: a CONNECT request has no content, hence no length; as a tunnel it has no end either.
    if method == Method::Connect && rest.content_length.is_some() {
        return Err(Violation::BadContentLength);
    }
    Ok(RequestFacts { method, content_length: rest.content_length, priority: rest.priority })
}

/// Checks a response's header section.
pub(crate) fn response(fields: &Fields) -> Result<ResponseFacts, Violation> {
    let mut status = None;
    let mut rest = Rest { side: Side::Response, ..Rest::default() };
    for field in fields.iter() {
        if !field.class.contains(Class::NAME_PSEUDO) {
            rest.take(field)?;
            continue;
        }
        if rest.any {
            return Err(Violation::PseudoAfterRegular);
        }
        // RFC 9113 §8.3.2: :status is the only one.
        if field.token != Token::STATUS {
            return Err(Violation::PseudoUnknown);
        }
        if status.replace(parse_status(field.value)?).is_some() {
            return Err(Violation::PseudoRepeated);
        }
    }
    let status = status.ok_or(Violation::BadStatus)?;
    Ok(ResponseFacts { status, content_length: rest.content_length })
}

/// Checks a trailer section.
pub(crate) fn trailers(fields: &Fields) -> Result<(), Violation> {
    let mut rest = Rest { side: Side::Trailers, ..Rest::default() };
    for field in fields.iter() {
        // RFC 9113 §8.1: no pseudo-header fields in trailers.
        if field.class.contains(Class::NAME_PSEUDO) {
            return Err(Violation::PseudoInTrailers);
        }
        rest.take(field)?;
    }
    Ok(())
}

fn parse_status(value: &[u8]) -> Result<u16, Violation> {
    match value {
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            Ok(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
        }
        _ => Err(Violation::BadStatus),
    }
}

/// RFC 9113 §8.2.1: no NUL, CR, LF; no white space at the edges. RFC 9110 §5.5: no other controls but HTAB.
fn value_is_fine(field: &Field<'_>) -> Result<(), Violation> {
    if field.class.intersects(BAD_VALUE) { Err(Violation::FieldValue) } else { Ok(()) }
}

const BAD_VALUE: Class = Class::VALUE_NUL_CR_LF.union(Class::VALUE_EDGE_SPACE).union(Class::VALUE_CTL);
const BAD_NAME: Class = Class::NAME_EMPTY.union(Class::NAME_NOT_TOKEN);
const BAD_FIELD: Class = BAD_VALUE.union(BAD_NAME).union(Class::NAME_UPPER);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Side {
    #[default]
    Request,
    Response,
    Trailers,
}

/// The regular fields of a section.
#[derive(Default)]
struct Rest<'a> {
    side: Side,
    any: bool,
    host: Option<Field<'a>>,
    te: Option<Field<'a>>,
    content_length: Option<u64>,
    priority: Option<Priority>,
}

impl<'a> Rest<'a> {
    fn take(&mut self, field: Field<'a>) -> Result<(), Violation> {
        self.any = true;
        if field.class.intersects(BAD_FIELD) {
            return Err(bad_field(&field));
        }
        match field.token {
            // RFC 9113 §8.2.2: these only mean something to an HTTP/1 connection.
            Token::CONNECTION
            | Token::KEEP_ALIVE
            | Token::PROXY_CONNECTION
            | Token::TRANSFER_ENCODING
            | Token::UPGRADE => Err(Violation::ConnectionSpecificField),
            // RFC 9113 §8.2.2: in a request, and with this one value (RFC 9110 §10.1.4: case does not matter).
            Token::TE if self.side != Side::Request => Err(Violation::ConnectionSpecificField),
            // Said once: a second one is the start of a list that says something else.
            Token::TE if !field.value.eq_ignore_ascii_case(b"trailers") || self.te.replace(field).is_some() => {
                Err(Violation::TeNotTrailers)
            }
            // RFC 9110 §7.2: one Host field.
            Token::HOST if self.side == Side::Request && self.host.replace(field).is_some() => {
                Err(Violation::AuthorityMismatch)
            }
            Token::CONTENT_LENGTH if self.side != Side::Trailers => {
                // RFC 9110 §8.6: digits, once; a second one is refused even when it agrees.
                let length = parse_length(field.value).ok_or(Violation::BadContentLength)?;
                if self.content_length.replace(length).is_some() {
                    return Err(Violation::BadContentLength);
                }
                Ok(())
            }
            Token::PRIORITY if self.side == Side::Request => {
                self.priority = Some(Priority::parse(field.value));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn bad_field(field: &Field<'_>) -> Violation {
    if field.class.intersects(BAD_NAME) {
        Violation::FieldName
    } else if field.class.contains(Class::NAME_UPPER) {
        Violation::FieldNameUppercase
    } else {
        Violation::FieldValue
    }
}

/// 1*DIGIT up to 2^63-1.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    let mut length: u64 = 0;
    for digit in value {
        if !digit.is_ascii_digit() {
            return None;
        }
        length = length.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    i64::try_from(length).is_ok().then_some(length)
}

/// The pseudo-header fields of a request.
#[derive(Default)]
struct Pseudo<'a> {
    method: Option<Field<'a>>,
    scheme: Option<Field<'a>>,
    path: Option<Field<'a>>,
    authority: Option<Field<'a>>,
    protocol: Option<Field<'a>>,
}

impl Pseudo<'_> {
    fn check(&self, extended: ExtendedConnect) -> Result<Method, Violation> {
        // RFC 9113 §8.3.1: a method always.
        let method = self.method.ok_or(Violation::PseudoMissing)?.value;
        if !is_token(method) {
            return Err(Violation::BadMethod);
        }
        if let Some(authority) = self.authority {
            authority_is_fine(authority.value)?;
        }
        let is_connect = method == b"CONNECT";
        if let Some(protocol) = self.protocol {
            // RFC 8441 §3, §4: only when agreed, only on CONNECT, and with the usual pseudo-header fields.
            if extended == ExtendedConnect::Off || !is_connect || !is_token(protocol.value) {
                return Err(Violation::BadProtocol);
            }
        } else if is_connect {
            // RFC 9113 §8.5: CONNECT has an authority and neither scheme nor path. RFC 9110 §9.3.6: with a port that can be one.
            let leads_somewhere = self.authority.is_some_and(|authority| has_port(authority.value));
            if self.scheme.is_some() || self.path.is_some() || !leads_somewhere {
                return Err(Violation::BadConnect);
            }
            return Ok(Method::Connect);
        }
        // RFC 9113 §8.3.1: exactly one valid value of each.
        let scheme = self.scheme.ok_or(Violation::PseudoMissing)?.value;
        let path = self.path.ok_or(Violation::PseudoMissing)?;
        if !is_scheme(scheme) {
            return Err(Violation::BadScheme);
        }
        path_is_fine(&path, method)?;
        Ok(match method {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        })
    }
}

fn is_token(value: &[u8]) -> bool {
    Set::TOKEN.covers(value)
}

/// RFC 3986 §3.1: a letter first.
pub(super) fn is_scheme(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_alphabetic) && Set::SCHEME.covers(value)
}

/// RFC 9113 §8.3.1: not empty, begins with a slash, or is `*` for OPTIONS. No white space and no fragment: a path that held
/// them would mean something else once it is written into an HTTP/1 request line (RFC 9113 §10.3).
fn path_is_fine(path: &Field<'_>, method: &[u8]) -> Result<(), Violation> {
    let fine = match path.value {
        b"*" => method == b"OPTIONS",
        [b'/', rest @ ..] => !path.class.contains(Class::VALUE_SPACE) && !rest.contains(&b'#'),
        _ => false,
    };
    if fine { Ok(()) } else { Err(Violation::BadPath) }
}

/// RFC 9113 §8.3.1: no user information; RFC 3986 §3.2: only the octets a host and a port are made of. RFC 9110 §4.2.1, §4.2.2:
/// and a host there is.
fn authority_is_fine(value: &[u8]) -> Result<(), Violation> {
    if Set::AUTHORITY.covers(value) && !value.starts_with(b":") { Ok(()) } else { Err(Violation::BadAuthority) }
}

/// Whether an authority names a port from 1 to 65535.
fn has_port(authority: &[u8]) -> bool {
    let digits = authority.rsplit(|octet| *octet == b':').next().filter(|digits| digits.len() < authority.len());
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let port = digits.and_then(|digits| str::from_utf8(digits).ok()).and_then(|digits| digits.parse::<u16>().ok());
    port.is_some_and(|port| port > 0)
}

/// Scheme-based normalisation (RFC 3986 §6.2.3): case of the host and the default port do not matter.
pub(super) fn same_authority(a: &[u8], b: &[u8], scheme: Option<&[u8]>) -> bool {
    let port: &[u8] = match scheme {
        Some(s) if s.eq_ignore_ascii_case(b"http") => b":80",
        Some(s) if s.eq_ignore_ascii_case(b"https") => b":443",
        _ => b":",
    };
    let trim = |v: &'_ [u8]| -> usize { v.strip_suffix(port).or_else(|| v.strip_suffix(b":")).unwrap_or(v).len() };
    let (a, b) = (a.get(..trim(a)).unwrap_or(a), b.get(..trim(b)).unwrap_or(b));
    a.eq_ignore_ascii_case(b)
}
