//! Makes Rust of the service's description, with no program but this one: protox reads it, tonic writes client and server.
#![forbid(unsafe_code)]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let described = protox::compile(["proto/weather.proto"], ["proto"])?;
    // Without tonic's own transport: the point is that it is not needed.
    tonic_prost_build::configure().build_transport(false).compile_fds(described)?;
    Ok(())
}
