//! `peers conformance`: h2spec over h2c and TLS, and httpwg, against `pellucid serve --bytes 1024`.

use super::allow::Allowed;
use super::servers::{Transport, pellucid};
use super::setup::Setup;
use super::suites::{h2spec, httpwg};

/// Runs both suites and prints one line for each; `Err` if one of them disagrees with its allow file.
pub(super) fn run(setup: &Setup) -> Result<(), String> {
    let mut faulty = 0;
    for (transport, name) in [(Transport::Cleartext, "h2spec h2c"), (Transport::Tls, "h2spec TLS")] {
        faulty += report(with_h2spec(setup, transport, name), name);
    }
    faulty += report(with_httpwg(setup), "httpwg");
    match faulty {
        0 => Ok(()),
        _ => Err(format!("{faulty} conformance runs failed")),
    }
}

fn with_h2spec(setup: &Setup, transport: Transport, name: &str) -> Result<String, String> {
    let allowed = Allowed::read(&setup.root.join("xtask/allow/h2spec.txt"))?;
    let server = pellucid(setup, &["--bytes", "1024"], transport, None)?;
    let outcome = h2spec(setup, server.address, transport)?;
    server.still_serves(setup)?;
    allowed.judge(name, H2SPEC_CASES, &outcome)
}

fn with_httpwg(setup: &Setup) -> Result<String, String> {
    let allowed = Allowed::read(&setup.root.join("xtask/allow/httpwg.txt"))?;
    let server = pellucid(setup, &["--bytes", "1024"], Transport::Cleartext, None)?;
    let outcome = httpwg(setup, server.address)?;
    server.still_serves(setup)?;
    let summary = allowed.judge("httpwg", HTTPWG_CASES, &outcome)?;
    let passed = outcome.cases - outcome.failed.len();
    if passed < HTTPWG_MUST_PASS {
        return Err(format!("{summary}: at least {HTTPWG_MUST_PASS} must pass"));
    }
    Ok(summary)
}

fn report(result: Result<String, String>, name: &str) -> usize {
    match result {
        Ok(summary) => {
            println!("{summary}");
            0
        }
        Err(error) => {
            println!("{name} FAILED: {error}");
            1
        }
    }
}

/// Cases of h2spec 2.2.1 in its default (not strict) mode.
const H2SPEC_CASES: usize = 145;
/// Cases of httpwg-cli 0.2.5.
const HTTPWG_CASES: usize = 107;
/// What nghttpd reaches: no allow file may bring us below it.
const HTTPWG_MUST_PASS: usize = 104;
