//! The part of a URL that a client needs: scheme, host, port, path and query (RFC 3986, RFC 9110 §4.2).
//!
//! Not a general parser: no user information, no fragments on the wire, no relative references.

use std::fmt;
use std::str::FromStr;

use pellucid_driver::Request;

/// An absolute `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Url {
    is_secure: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// As written, without a default port.
    authority: String,
    /// With the query; empty where the text ended behind the authority.
    path: String,
}

/// Why a text is no URL this client can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    text: String,
    why: &'static str,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad URL {:?}: {}", self.text, self.why)
    }
}

impl std::error::Error for UrlError {}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        parse(text).map_err(|why| UrlError { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<Url, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("it must begin with http:// or https://")?;
    let is_secure = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err("the scheme must be http or https"),
    };
    // The fragment stays with the client (RFC 9110 §4.2.5).
    let rest = rest.split('#').next().unwrap_or(rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err("user names in URLs are not supported");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']').ok_or("the IPv6 address has no closing bracket")?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| "the host is not an IPv6 address")?;
            (host, after.strip_prefix(':').or(after.is_empty().then_some("")).ok_or("something follows the host")?)
        }
        None => authority.rsplit_once(':').unwrap_or((authority, "")),
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    if !authority.starts_with('[') && !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
        return Err("the host holds a character that is not allowed");
    }
    let default = if is_secure { 443 } else { 80 };
    let port = match port {
        "" => default,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|p| *p != 0).ok_or("the port must be 1 to 65535")?
        }
        _ => return Err("the port is not a number"),
    };
    if path.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return Err("the path holds white space or a control character; write it percent-encoded");
    }
    let bracketed = if authority.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let authority = if port == default { bracketed } else { format!("{bracketed}:{port}") };
    let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
    Ok(Url { is_secure, host: host.to_owned(), port, authority, path })
}

impl Url {
    /// Whether it is `https`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    /// The host's name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as `:authority` wants them.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Path and query; never empty.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// What a request with this method says as its path (RFC 9113 §8.3.1): [`Url::path`], but an asterisk for OPTIONS of the server
    /// as a whole, whose URL ends behind the authority.
    #[must_use]
    pub fn target(&self, method: &str) -> &str {
        if method == "OPTIONS" && self.path.is_empty() { "*" } else { self.path() }
    }

    /// Whether one connection serves both.
    #[must_use]
    pub fn same_origin(&self, other: &Self) -> bool {
        (self.is_secure, self.port) == (other.is_secure, other.port) && self.host.eq_ignore_ascii_case(&other.host)
    }

    /// Where a request goes; its path is left out.
    pub(crate) fn of(request: &Request) -> Result<Self, &'static str> {
        Self::at(request.scheme(), request.authority())
    }

    /// The server that a scheme and an authority name.
    pub(crate) fn at(scheme: Option<&[u8]>, authority: Option<&[u8]>) -> Result<Self, &'static str> {
        let text = |part: Option<&[u8]>| part.and_then(|part| String::from_utf8(part.to_vec()).ok());
        let scheme = text(scheme).ok_or("it has no scheme, so nobody knows where to send it")?;
        let authority = text(authority).ok_or("it has no authority, so nobody knows where to send it")?;
        if authority.contains(['/', '?', '#']) {
            return Err("the authority holds a character that is not allowed");
        }
        parse(&format!("{scheme}://{authority}/"))
    }

    /// A GET request for it.
    #[must_use]
    pub fn get(&self) -> Request {
        self.request("GET")
    }

    /// A request for it with this method.
    #[must_use]
    pub fn request(&self, method: &str) -> Request {
        Request::new(method, self.scheme(), &self.authority, self.target(method))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority, self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart() {
        let table = [
            ("http://localhost", "localhost", 80, "localhost", "/"),
            ("https://Example.org:443/a?b=c#d", "Example.org", 443, "Example.org", "/a?b=c"),
            ("http://127.0.0.1:8080/x/y", "127.0.0.1", 8080, "127.0.0.1:8080", "/x/y"),
            ("HTTP://[::1]:81?q", "::1", 81, "[::1]:81", "/?q"),
        ];
        for (text, host, port, authority, path) in table {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.host(), url.port(), url.authority(), url.path()), (host, port, authority, path), "{text}");
        }
    }

    /// Covers 9113:8.3.1-9, 9113:8.3.1-10, 9113:8.3.1-11
    #[test]
    fn a_request_has_a_path_and_options_of_the_server_an_asterisk() {
        let table = [
            ("http://a", "GET", "/"),
            ("http://a?b", "GET", "/?b"),
            ("http://a#b", "OPTIONS", "*"),
            ("http://a", "OPTIONS", "*"),
            ("http://a/", "OPTIONS", "/"),
            ("http://a?b", "OPTIONS", "/?b"),
        ];
        for (text, method, path) in table {
            let request = text.parse::<Url>().unwrap().request(method);
            assert_eq!(request.path(), path.as_bytes(), "{method} {text}");
        }
    }

    #[test]
    fn what_is_no_url_says_why() {
        let table = [
            ("localhost:80", "must begin with"),
            ("ftp://x/", "scheme"),
            ("http:///x", "host is missing"),
            ("http://a@b/", "user names"),
            ("http://h:0/", "port"),
            ("http://h:99999/", "port"),
            ("http://h:x/", "not a number"),
            ("http://[::1/", "bracket"),
            ("http://[zz]/", "IPv6"),
            ("http://ho st/", "character"),
            ("http://h/a b", "white space"),
        ];
        for (text, why) in table {
            let error = text.parse::<Url>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("bad URL"), "{text}: {error}");
        }
    }
}
