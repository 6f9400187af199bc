//! `cargo +nightly fuzz run server_connection`: libFuzzer's way into the target of that name. Not for: what it does; see `lib/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    pellucid_fuzz::server_connection(input);
});
