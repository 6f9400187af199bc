//! The tonic example: its server with grpcurl, its client with its server.

use std::process::Command;

use super::super::check::Check;
use super::super::process::{Finished, finish};
use super::super::servers::{Server, Transport, announced};
use super::super::setup::{SHORT, Setup};
use super::{in_order, programs, run_short, web};

/// All checks of it.
pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new("tonic server: grpcurl, unary", GRPCURL, unary),
        Check::new("tonic server: grpcurl, server streaming", GRPCURL, server_streaming),
        Check::new("tonic server: grpcurl, both streaming", GRPCURL, both_streaming),
        Check::new("tonic server behind proxy: grpcurl, both streaming", GRPCURL, proxied),
        Check::new("tonic server: grpcurl sees status codes", GRPCURL, statuses),
        Check::new("tonic client and server: three kinds of call", &[], client),
        Check::new("tonic client: no server, and the server's no", &[], client_errors),
    ]
}

fn start(setup: &Setup) -> Result<Server, String> {
    announced(setup, program(setup).arg("127.0.0.1:0"), "tonic", Transport::Cleartext)
}

fn program(setup: &Setup) -> Command {
    Command::new(programs(setup).join("pellucid-example-tonic"))
}

/// Calls a method of the service with these messages, in JSON; so is the answer.
fn call(setup: &Setup, server: &Server, method: &str, messages: &str) -> Result<Finished, String> {
    let mut command = Command::new(setup.program("grpcurl")?);
    command.args(["-plaintext", "-max-time", "15", "-emit-defaults", "-import-path"]);
    command.arg(setup.root.join("examples/tonic/proto")).args(["-proto", "weather.proto", "-d", messages]);
    command.arg(server.address.to_string()).arg(format!("pellucid.example.v1.Weather/{method}"));
    finish(&mut command, &setup.scratch, SHORT)
}

fn unary(setup: &Setup) -> Result<(), String> {
    let server = start(setup)?;
    let said = call(setup, &server, "Now", r#"{"name":"Ushuaia"}"#)?.success()?.text();
    let wanted = r#"{"place":"Ushuaia","hour":0,"celsius":-2}"#;
    compare(&said, wanted)
}

fn server_streaming(setup: &Setup) -> Result<(), String> {
    let server = start(setup)?;
    let said = call(setup, &server, "Forecast", r#"{"place":{"name":"Bergen"},"hours":500}"#)?.success()?.text();
    let wanted: String = (0..500).map(|hour| format!(r#"{{"place":"Bergen","hour":{hour},"celsius":11}}"#)).collect();
    compare(&said, &wanted)
}

fn both_streaming(setup: &Setup) -> Result<(), String> {
    tour(setup, &start(setup)?)
}

fn proxied(setup: &Setup) -> Result<(), String> {
    let server = start(setup)?;
    tour(setup, &web::proxy(setup, &server)?)
}

fn tour(setup: &Setup, server: &Server) -> Result<(), String> {
    let said = call(setup, server, "Tour", r#"{"name":"Bergen"}{"name":"Nairobi"}"#)?.success()?.text();
    compare(&said, r#"{"place":"Bergen","hour":0,"celsius":11}{"place":"Nairobi","hour":0,"celsius":24}"#)
}

/// grpcurl spreads its JSON over lines.
fn compare(said: &str, wanted: &str) -> Result<(), String> {
    let said: String = said.split_whitespace().collect();
    if said == wanted { Ok(()) } else { Err(format!("{} octets of JSON differ: {said:.200}", said.len())) }
}

fn statuses(setup: &Setup) -> Result<(), String> {
    let server = start(setup)?;
    let wanted = [
        ("Now", r#"{"name":"Atlantis"}"#, "NotFound", "no station at \"Atlantis\""),
        ("Forecast", "{}", "InvalidArgument", "which place?"),
        ("Tour", r#"{"name":"Bergen"}{"name":"Atlantis"}"#, "NotFound", "no station at \"Atlantis\""),
    ];
    for (method, messages, code, text) in wanted {
        let said = call(setup, &server, method, messages)?;
        if said.status.success() {
            return Err(format!("{method} succeeded"));
        }
        in_order(said.stderr.lines(), &[&format!("Code: {code}"), text])?;
    }
    Ok(())
}

fn client(setup: &Setup) -> Result<(), String> {
    let server = start(setup)?;
    let said = run_short(setup, program(setup).arg(server.url("")).args(["Bergen", "Nairobi"]))?.text();
    let wanted = "\
now: 11 °C in Bergen
in 0 h: 11 °C in Bergen
in 1 h: 11 °C in Bergen
in 2 h: 11 °C in Bergen
tour: 11 °C in Bergen
tour: 24 °C in Nairobi
";
    if said == wanted { Ok(()) } else { Err(said) }
}

fn client_errors(setup: &Setup) -> Result<(), String> {
    let server = start(setup)?;
    let said = finish(program(setup).arg(server.url("")).arg("Atlantis"), &setup.scratch, SHORT)?;
    in_order(said.stderr.lines(), &["NotFound"])?;
    let url = server.url("");
    drop(server);
    let said = finish(program(setup).arg(url).arg("Bergen"), &setup.scratch, SHORT)?;
    if said.status.success() { Err("it called nobody".into()) } else { Ok(()) }
}

/// What the checks need.
const GRPCURL: &[&str] = &["grpcurl"];
