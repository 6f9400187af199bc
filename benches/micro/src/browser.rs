//! Twenty requests of a browser on one connection, as it sent them.
//!
//! Recorded in November 2026: Chromium 156.0.8078.79 (Debian, `--headless`, which it tells in `user-agent`) visited a page and
//! from it another on `pellucid serve --tls`, under the name `www.example.com`; these are the first twenty requests, with their
//! fields in its order. The pages were made for it, and so their paths and cookies are made up; no field was taken out or
//! changed. Where cookies begin, their script had set them.
//!
//! Not for: what a browser's own coding looks like; the blocks that are measured are made by our encoder.

use std::collections::BTreeMap;

use pellucid_hpack::Fields;

/// The requests' sections, in order.
pub(crate) fn requests() -> Vec<Fields> {
    let mut values = BTreeMap::new();
    let request = |text: &'static str| {
        let mut section = Fields::new();
        for line in text.lines() {
            if let Some((name, value)) = line.split_once(": ") {
                values.insert(name, value);
                add(&mut section, name, value);
            } else {
                let again = |name| (name, *values.get(name).expect("had one before"));
                line.split(' ').map(again).for_each(|(name, value)| add(&mut section, name, value));
            }
        }
        section
    };
    RECORDED.trim().split("\n\n").map(request).collect()
}

/// RFC 9113 §8.2.3: a client may send each cookie as a field line of its own, and this one did.
fn add(section: &mut Fields, name: &str, value: &str) {
    let lines = if name == "cookie" { value.split("; ").collect() } else { vec![value] };
    lines.into_iter().for_each(|line| section.push(name.as_bytes(), line.as_bytes()));
}

/// Empty lines between requests; a name without a value has the one it had last.
const RECORDED: &str = r#"
:method: GET
:authority: www.example.com
:scheme: https
:path: /
sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
upgrade-insecure-requests: 1
user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36
accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7
sec-fetch-site: none
sec-fetch-mode: navigate
sec-fetch-user: ?1
sec-fetch-dest: document
accept-encoding: gzip, deflate, br, zstd
accept-language: en-US,en;q=0.9
priority: u=0, i

:method :authority :scheme
:path: /static/css/main.4f2a91.css?v=17
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: text/css,*/*;q=0.1
sec-fetch-site: same-origin
sec-fetch-mode: no-cors
sec-fetch-dest: style
referer: https://www.example.com/
accept-encoding accept-language
priority: u=0

:method :authority :scheme
:path: /static/js/vendor.c81e72.js
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: */*
sec-fetch-site sec-fetch-mode
sec-fetch-dest: script
referer accept-encoding accept-language
priority: u=1

:method :authority :scheme
:path: /static/js/app.9b74c9.js
origin: https://www.example.com
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile accept sec-fetch-site
sec-fetch-mode: cors
sec-fetch-dest referer accept-encoding accept-language priority

:method :authority :scheme
:path: /static/img/logo.svg
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
sec-fetch-site
sec-fetch-mode: no-cors
sec-fetch-dest: image
referer accept-encoding accept-language
priority: u=2, i

:method :authority :scheme
:path: /static/img/harbour-640.png
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile accept sec-fetch-site sec-fetch-mode sec-fetch-dest referer
accept-encoding accept-language priority

:method :authority :scheme
:path: /static/img/lighthouse-640.png
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile accept sec-fetch-site sec-fetch-mode sec-fetch-dest referer
accept-encoding accept-language
cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; seen=1
priority

:method :authority :scheme
:path: /static/img/ferry-640.png
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile accept sec-fetch-site sec-fetch-mode sec-fetch-dest referer
accept-encoding accept-language cookie priority

:method :authority :scheme
:path: /static/js/menu.45c48c.js
origin sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: */*
sec-fetch-site
sec-fetch-mode: cors
sec-fetch-dest: script
referer: https://www.example.com/static/js/app.9b74c9.js
accept-encoding accept-language cookie
priority: u=1

:method :authority :scheme
:path: /static/img/paper.png
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
sec-fetch-site
sec-fetch-mode: no-cors
sec-fetch-dest: image
referer: https://www.example.com/static/css/main.4f2a91.css?v=17
accept-encoding accept-language cookie
priority: i

:method :authority :scheme
:path: /static/fonts/text-regular.woff2
origin sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: */*
sec-fetch-site
sec-fetch-mode: cors
sec-fetch-dest: font
referer accept-encoding accept-language cookie
priority: u=0

:method :authority :scheme
:path: /api/articles.json?page=1&limit=20
sec-ch-ua-platform user-agent
accept: application/json
sec-ch-ua sec-ch-ua-mobile sec-fetch-site sec-fetch-mode
sec-fetch-dest: empty
referer: https://www.example.com/
accept-encoding accept-language cookie
priority: u=1, i

:method :authority :scheme
:path: /favicon.ico
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
sec-fetch-site
sec-fetch-mode: no-cors
sec-fetch-dest: image
referer accept-encoding accept-language cookie priority

:method: POST
:authority :scheme
:path: /api/visits
content-length: 12
sec-ch-ua-platform user-agent sec-ch-ua
content-type: application/json
sec-ch-ua-mobile
accept: */*
origin sec-fetch-site
sec-fetch-mode: cors
sec-fetch-dest: empty
referer accept-encoding accept-language cookie priority

:method: GET
:authority :scheme
:path: /articles/2026/an-article-with-a-title.html
sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform upgrade-insecure-requests user-agent
accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7
sec-fetch-site
sec-fetch-mode: navigate
sec-fetch-dest: document
referer accept-encoding accept-language cookie
priority: u=0, i

:method :authority :scheme
:path: /static/css/main.4f2a91.css?v=17
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: text/css,*/*;q=0.1
sec-fetch-site
sec-fetch-mode: no-cors
sec-fetch-dest: style
referer: https://www.example.com/articles/2026/an-article-with-a-title.html
accept-encoding accept-language
cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; seen=2
priority: u=0

:method :authority :scheme
:path: /static/js/vendor.c81e72.js
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: */*
sec-fetch-site sec-fetch-mode
sec-fetch-dest: script
referer accept-encoding accept-language cookie
priority: u=1

:method :authority :scheme
:path: /static/js/app.9b74c9.js
origin sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile accept sec-fetch-site
sec-fetch-mode: cors
sec-fetch-dest referer accept-encoding accept-language cookie priority

:method :authority :scheme
:path: /static/img/portrait-96.png
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile
accept: image/jxl,image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
sec-fetch-site
sec-fetch-mode: no-cors
sec-fetch-dest: image
referer accept-encoding accept-language cookie
priority: u=2, i

:method :authority :scheme
:path: /static/img/chart-1280.png
sec-ch-ua-platform user-agent sec-ch-ua sec-ch-ua-mobile accept sec-fetch-site sec-fetch-mode sec-fetch-dest referer
accept-encoding accept-language cookie priority
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_sizes_are_those_the_server_saw() {
        let sections = requests();
        let fields: Vec<usize> = sections.iter().map(Fields::len).collect();
        assert_eq!(fields, [17, 16, 16, 17, 16, 16, 19, 19, 20, 19, 20, 19, 19, 22, 20, 19, 19, 20, 19, 19]);
        let sizes: Vec<u32> = sections.iter().map(Fields::size).collect();
        assert_eq!(
            sizes,
            [
                1143, 1004, 985, 1040, 1051, 1058, 1231, 1226, 1234, 1248, 1247, 1174, 1213, 1308, 1377, 1216, 1197,
                1252, 1270, 1269
            ]
        );
    }
}
