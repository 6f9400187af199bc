//! Names known in advance: a [`Token`] is one octet that stands for a field name, so that nobody compares octets twice.
//! The first tokens are the distinct names of the static table in its order (RFC 7541 Appendix A), the others are names
//! that HTTP, proxies, browsers and gRPC send often. What a name *means* is no business of this crate.
//!
//! `Token::of` is a perfect hash: length and three octets of the name are multiplied into a slot of a table that the
//! compiler fills (and refuses to fill if two names meet), then one comparison decides.

/// A field name known in advance, or [`Token::OTHER`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Token(u8);

impl Token {
    /// A name that is not in the table; its octets are kept with the field.
    pub const OTHER: Token = Token(0);
    /// `:authority`
    pub const AUTHORITY: Token = Token(1);
    /// `:method`
    pub const METHOD: Token = Token(2);
    /// `:path`
    pub const PATH: Token = Token(3);
    /// `:scheme`
    pub const SCHEME: Token = Token(4);
    /// `:status`
    pub const STATUS: Token = Token(5);
    /// `accept-charset`
    pub const ACCEPT_CHARSET: Token = Token(6);
    /// `accept-encoding`
    pub const ACCEPT_ENCODING: Token = Token(7);
    /// `accept-language`
    pub const ACCEPT_LANGUAGE: Token = Token(8);
    /// `accept-ranges`
    pub const ACCEPT_RANGES: Token = Token(9);
    /// `accept`
    pub const ACCEPT: Token = Token(10);
    /// `access-control-allow-origin`
    pub const ACCESS_CONTROL_ALLOW_ORIGIN: Token = Token(11);
    /// `age`
    pub const AGE: Token = Token(12);
    /// `allow`
    pub const ALLOW: Token = Token(13);
    /// `authorization`
    pub const AUTHORIZATION: Token = Token(14);
    /// `cache-control`
    pub const CACHE_CONTROL: Token = Token(15);
    /// `content-disposition`
    pub const CONTENT_DISPOSITION: Token = Token(16);
    /// `content-encoding`
    pub const CONTENT_ENCODING: Token = Token(17);
    /// `content-language`
    pub const CONTENT_LANGUAGE: Token = Token(18);
    /// `content-length`
    pub const CONTENT_LENGTH: Token = Token(19);
    /// `content-location`
    pub const CONTENT_LOCATION: Token = Token(20);
    /// `content-range`
    pub const CONTENT_RANGE: Token = Token(21);
    /// `content-type`
    pub const CONTENT_TYPE: Token = Token(22);
    /// `cookie`
    pub const COOKIE: Token = Token(23);
    /// `date`
    pub const DATE: Token = Token(24);
    /// `etag`
    pub const ETAG: Token = Token(25);
    /// `expect`
    pub const EXPECT: Token = Token(26);
    /// `expires`
    pub const EXPIRES: Token = Token(27);
    /// `from`
    pub const FROM: Token = Token(28);
    /// `host`
    pub const HOST: Token = Token(29);
    /// `if-match`
    pub const IF_MATCH: Token = Token(30);
    /// `if-modified-since`
    pub const IF_MODIFIED_SINCE: Token = Token(31);
    /// `if-none-match`
    pub const IF_NONE_MATCH: Token = Token(32);
    /// `if-range`
    pub const IF_RANGE: Token = Token(33);
    /// `if-unmodified-since`
    pub const IF_UNMODIFIED_SINCE: Token = Token(34);
    /// `last-modified`
    pub const LAST_MODIFIED: Token = Token(35);
    /// `link`
    pub const LINK: Token = Token(36);
    /// `location`
    pub const LOCATION: Token = Token(37);
    /// `max-forwards`
    pub const MAX_FORWARDS: Token = Token(38);
    /// `proxy-authenticate`
    pub const PROXY_AUTHENTICATE: Token = Token(39);
    /// `proxy-authorization`
    pub const PROXY_AUTHORIZATION: Token = Token(40);
    /// `range`
    pub const RANGE: Token = Token(41);
    /// `referer`
    pub const REFERER: Token = Token(42);
    /// `refresh`
    pub const REFRESH: Token = Token(43);
    /// `retry-after`
    pub const RETRY_AFTER: Token = Token(44);
    /// `server`
    pub const SERVER: Token = Token(45);
    /// `set-cookie`
    pub const SET_COOKIE: Token = Token(46);
    /// `strict-transport-security`
    pub const STRICT_TRANSPORT_SECURITY: Token = Token(47);
    /// `transfer-encoding`
    pub const TRANSFER_ENCODING: Token = Token(48);
    /// `user-agent`
    pub const USER_AGENT: Token = Token(49);
    /// `vary`
    pub const VARY: Token = Token(50);
    /// `via`
    pub const VIA: Token = Token(51);
    /// `www-authenticate`
    pub const WWW_AUTHENTICATE: Token = Token(52);
    /// `:protocol`
    pub const PROTOCOL: Token = Token(53);
    /// `connection`
    pub const CONNECTION: Token = Token(54);
    /// `keep-alive`
    pub const KEEP_ALIVE: Token = Token(55);
    /// `proxy-connection`
    pub const PROXY_CONNECTION: Token = Token(56);
    /// `upgrade`
    pub const UPGRADE: Token = Token(57);
    /// `te`
    pub const TE: Token = Token(58);
    /// `priority`
    pub const PRIORITY: Token = Token(59);
    /// `trailer`
    pub const TRAILER: Token = Token(60);
    /// `http2-settings`
    pub const HTTP2_SETTINGS: Token = Token(61);
    /// `grpc-status`
    pub const GRPC_STATUS: Token = Token(62);
    /// `grpc-message`
    pub const GRPC_MESSAGE: Token = Token(63);
    /// `grpc-timeout`
    pub const GRPC_TIMEOUT: Token = Token(64);
    /// `grpc-encoding`
    pub const GRPC_ENCODING: Token = Token(65);
    /// `grpc-accept-encoding`
    pub const GRPC_ACCEPT_ENCODING: Token = Token(66);
    /// `grpc-status-details-bin`
    pub const GRPC_STATUS_DETAILS_BIN: Token = Token(67);
    /// `x-request-id`
    pub const X_REQUEST_ID: Token = Token(68);
    /// `traceparent`
    pub const TRACEPARENT: Token = Token(69);
    /// `tracestate`
    pub const TRACESTATE: Token = Token(70);
    /// `alt-svc`
    pub const ALT_SVC: Token = Token(71);
    /// `forwarded`
    pub const FORWARDED: Token = Token(72);
    /// `x-forwarded-for`
    pub const X_FORWARDED_FOR: Token = Token(73);
    /// `x-forwarded-host`
    pub const X_FORWARDED_HOST: Token = Token(74);
    /// `x-forwarded-proto`
    pub const X_FORWARDED_PROTO: Token = Token(75);
    /// `origin`
    pub const ORIGIN: Token = Token(76);
    /// `access-control-allow-methods`
    pub const ACCESS_CONTROL_ALLOW_METHODS: Token = Token(77);
    /// `access-control-allow-headers`
    pub const ACCESS_CONTROL_ALLOW_HEADERS: Token = Token(78);
    /// `access-control-allow-credentials`
    pub const ACCESS_CONTROL_ALLOW_CREDENTIALS: Token = Token(79);
    /// `access-control-expose-headers`
    pub const ACCESS_CONTROL_EXPOSE_HEADERS: Token = Token(80);
    /// `access-control-max-age`
    pub const ACCESS_CONTROL_MAX_AGE: Token = Token(81);
    /// `access-control-request-method`
    pub const ACCESS_CONTROL_REQUEST_METHOD: Token = Token(82);
    /// `access-control-request-headers`
    pub const ACCESS_CONTROL_REQUEST_HEADERS: Token = Token(83);
    /// `sec-fetch-site`
    pub const SEC_FETCH_SITE: Token = Token(84);
    /// `sec-fetch-mode`
    pub const SEC_FETCH_MODE: Token = Token(85);
    /// `sec-fetch-dest`
    pub const SEC_FETCH_DEST: Token = Token(86);
    /// `sec-fetch-user`
    pub const SEC_FETCH_USER: Token = Token(87);
    /// `upgrade-insecure-requests`
    pub const UPGRADE_INSECURE_REQUESTS: Token = Token(88);
    /// `sec-websocket-key`
    pub const SEC_WEBSOCKET_KEY: Token = Token(89);
    /// `sec-websocket-version`
    pub const SEC_WEBSOCKET_VERSION: Token = Token(90);
    /// `sec-websocket-accept`
    pub const SEC_WEBSOCKET_ACCEPT: Token = Token(91);
    /// `sec-websocket-protocol`
    pub const SEC_WEBSOCKET_PROTOCOL: Token = Token(92);
    /// `sec-websocket-extensions`
    pub const SEC_WEBSOCKET_EXTENSIONS: Token = Token(93);
    /// `x-content-type-options`
    pub const X_CONTENT_TYPE_OPTIONS: Token = Token(94);
    /// `x-frame-options`
    pub const X_FRAME_OPTIONS: Token = Token(95);
    /// `dnt`
    pub const DNT: Token = Token(96);
    /// `pragma`
    pub const PRAGMA: Token = Token(97);
    /// `timing-allow-origin`
    pub const TIMING_ALLOW_ORIGIN: Token = Token(98);
    /// `early-data`
    pub const EARLY_DATA: Token = Token(99);
    /// `content-security-policy`
    pub const CONTENT_SECURITY_POLICY: Token = Token(100);

    /// The token of a name, `OTHER` when it is not known. Names are compared octet by octet: `Host` is not `host`.
    #[must_use]
    pub fn of(name: &[u8]) -> Token {
        let Some(slot) = slot(name) else { return Token::OTHER };
        let token = SLOTS.get(slot).copied().unwrap_or_default();
        match token.name() {
            Some(known) if known == name => token,
            _ => Token::OTHER,
        }
    }

    /// The octets of the name; `None` for `OTHER`.
    #[must_use]
    #[inline]
    pub fn name(self) -> Option<&'static [u8]> {
        match NAMES.get(usize::from(self.0)) {
            Some(name) if self.0 != 0 => Some(name.as_bytes()),
            _ => None,
        }
    }

    /// Whether the name is one of the pseudo-fields (RFC 9113 §8.3), among those that are known here.
    #[must_use]
    pub fn is_pseudo(self) -> bool {
        self.name().is_some_and(|name| name.first() == Some(&b':'))
    }

    /// The token as a number, dense from 0 (`OTHER`) to `COUNT - 1`: an index for tables of the caller's own.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// How many tokens there are, `OTHER` included.
    pub const COUNT: usize = NAMES.len();

    /// A token for the compiler's tables, which find names by walking over `NAMES`.
    #[allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "run by the compiler only: a mistake fails the build"
    )]
    pub(crate) const fn known(name: &str) -> Token {
        let mut at = 1;
        while at < NAMES.len() {
            if same(NAMES[at].as_bytes(), name.as_bytes()) {
                return Token(at as u8);
            }
            at += 1;
        }
        panic!("a name of the static table has a token");
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => write!(f, "Token({})", name.escape_ascii()),
            None => f.write_str("Token(OTHER)"),
        }
    }
}

/// Where a name would stand in `SLOTS`: its length and the octets at one, two and three quarters, multiplied. `None` for
/// lengths that no known name has.
#[inline]
const fn slot(name: &[u8]) -> Option<usize> {
    let length = name.len();
    if length == 0 || length > LONGEST {
        return None;
    }
    #[allow(clippy::indexing_slicing, reason = "n/4, n/2 and 3n/4 are below n for every n > 0")]
    let (a, b, c) = (name[length / 4], name[length / 2], name[length * 3 / 4]);
    #[allow(clippy::cast_possible_truncation, reason = "the length was compared with LONGEST just above")]
    let key = u32::from_le_bytes([length as u8, a, b, c]);
    Some((key.wrapping_mul(MULTIPLIER) >> (32 - SLOT_BITS)) as usize)
}

/// `==` on slices is not const yet.
#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    a.len() == b.len()
}

const SLOT_BITS: u32 = 9;

/// Found by trying odd numbers until no two names met; a new name may need a new one (the build says so).
const MULTIPLIER: u32 = 0xd8dd_031f;

/// Octets of the longest known name.
const LONGEST: usize = 32;

static SLOTS: [Token; 1 << SLOT_BITS] = fill_slots();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "run by the compiler only: a mistake fails the build"
)]
const fn fill_slots() -> [Token; 1 << SLOT_BITS] {
    let mut slots = [Token::OTHER; 1 << SLOT_BITS];
    let mut at = 1;
    while at < NAMES.len() {
        let Some(slot) = slot(NAMES[at].as_bytes()) else { panic!("LONGEST is too small") };
        assert!(slots[slot].0 == 0, "two names meet in one slot: choose another MULTIPLIER");
        slots[slot] = Token(at as u8);
        at += 1;
    }
    slots
}

const NAMES: [&str; 101] = [
    "",
    ":authority",
    ":method",
    ":path",
    ":scheme",
    ":status",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "accept",
    "access-control-allow-origin",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
    ":protocol",
    "connection",
    "keep-alive",
    "proxy-connection",
    "upgrade",
    "te",
    "priority",
    "trailer",
    "http2-settings",
    "grpc-status",
    "grpc-message",
    "grpc-timeout",
    "grpc-encoding",
    "grpc-accept-encoding",
    "grpc-status-details-bin",
    "x-request-id",
    "traceparent",
    "tracestate",
    "alt-svc",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-request-method",
    "access-control-request-headers",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-fetch-user",
    "upgrade-insecure-requests",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "x-content-type-options",
    "x-frame-options",
    "dnt",
    "pragma",
    "timing-allow-origin",
    "early-data",
    "content-security-policy",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the compiler finds by walking is what the program finds by its slots.
    #[test]
    fn the_compiler_finds_the_same_tokens() {
        for name in NAMES.iter().skip(1) {
            assert_eq!(Token::known(name), Token::of(name.as_bytes()), "{name}");
        }
        assert_eq!(fill_slots(), SLOTS);
    }

    #[test]
    fn every_known_name_is_found_and_its_neighbours_are_not() {
        for (at, name) in NAMES.iter().enumerate().skip(1) {
            let token = Token::of(name.as_bytes());
            assert_eq!(token.index(), at, "{name}");
            assert_eq!(token.name(), Some(name.as_bytes()));
            assert_eq!(token.is_pseudo(), name.starts_with(':'));
            assert_eq!(Token::of(name.to_ascii_uppercase().as_bytes()), Token::OTHER);
            assert_eq!(Token::of(format!("{name}x").as_bytes()), Token::OTHER);
            assert_eq!(Token::of(&name.as_bytes()[1..]), Token::OTHER);
        }
        assert_eq!(Token::of(b""), Token::OTHER);
        assert_eq!(Token::of(&[b'x'; 300]), Token::OTHER);
        assert_eq!(Token::OTHER.name(), None);
        assert_eq!(Token::CONTENT_TYPE.name(), Some(&b"content-type"[..]));
        assert_eq!(format!("{:?} {:?}", Token::TE, Token::OTHER), "Token(te) Token(OTHER)");
    }
}
