//! The paths that are measured: each a function that does one operation, with everything it needs set up before.
//!
//! `cargo bench` takes their times (`benches/micro.rs`), `cargo xtask icount` counts their instructions
//! (`examples/count.rs`). Nothing here depends on chance, on the clock or on files: the same build does the same every time.
//!
//! Not for: whole servers; those are `cargo xtask peers speed`.
//!
//! ```
//! let path = pellucid_micro::PATHS.iter().find(|path| path.name == "huffman/encode").expect("it is there");
//! let mut operation = (path.set_up)();
//! operation();
//! ```
#![forbid(unsafe_code)]

mod browser;
mod connections;
mod frames;
mod hpack;

/// One operation, again and again.
pub type Operation = Box<dyn FnMut()>;

/// A path that is measured.
pub struct Path {
    /// Its group and its own name.
    pub name: &'static str,
    /// What one operation is, in a few words; the list of `examples/count.rs` has it.
    pub what: &'static str,
    /// Octets that one operation handles, for a rate; 0 where that says nothing.
    pub octets: u64,
    /// Operations after which buffers and tables have reached their size: enough to count instructions of as many more.
    pub rounds: u32,
    /// Makes everything that the operation needs.
    pub set_up: fn() -> Operation,
}

/// All of them.
pub const PATHS: [Path; 16] = [
    path("frame_decode/data", "a DATA frame of 1,024 octets", 1033, 2000, frames::decode_data),
    path("frame_decode/headers", "a HEADERS frame of 40 octets", 49, 2000, frames::decode_headers),
    path("frame_decode/settings", "a SETTINGS frame of six settings", 45, 2000, frames::decode_settings),
    path("frame_decode/window_update", "a WINDOW_UPDATE frame", 13, 2000, frames::decode_window_update),
    path("frame_encode/data", "the head of a DATA frame", 9, 2000, frames::encode_data),
    path("frame_encode/headers", "a HEADERS frame of 40 octets", 49, 2000, frames::encode_headers),
    path("frame_encode/settings", "a SETTINGS frame of six settings", 45, 2000, frames::encode_settings),
    path("hpack_decode/browser", "20 requests of a browser on one connection", 0, 50, hpack::decode_browser),
    path("hpack_decode/grpc", "20 gRPC calls on one connection", 0, 50, hpack::decode_grpc),
    path("hpack_encode/browser", "20 requests of a browser on one connection", 0, 50, hpack::encode_browser),
    path("hpack_encode/grpc", "20 gRPC calls on one connection", 0, 50, hpack::encode_grpc),
    path("huffman/decode", "a text of 1,000 octets", hpack::TEXT_OCTETS, 500, hpack::huffman_decode),
    path("huffman/encode", "a text of 1,000 octets", hpack::TEXT_OCTETS, 500, hpack::huffman_encode),
    path("connections/get_1", "a GET, answered with 1 KiB", 0, 500, connections::get_1),
    path("connections/get_100", "a hundred GETs at once, each answered with 1 KiB", 0, 10, connections::get_100),
    path("connections/post_1_mib", "a POST of 1 MiB", 1 << 20, 5, connections::post_1_mib),
];

const fn path(name: &'static str, what: &'static str, octets: u64, rounds: u32, set_up: fn() -> Operation) -> Path {
    Path { name, what, octets, rounds, set_up }
}

#[cfg(test)]
mod tests {
    use super::PATHS;

    #[test]
    fn every_path_works_and_has_a_name_of_its_own() {
        for (place, path) in PATHS.iter().enumerate() {
            assert!(PATHS.iter().skip(place + 1).all(|other| other.name != path.name), "{}", path.name);
            let mut operation = (path.set_up)();
            (0..3).for_each(|_| operation());
        }
    }
}
