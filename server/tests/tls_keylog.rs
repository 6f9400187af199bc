//! SSLKEYLOGFILE on both sides. The variable is a process's, so the test is run again as a process of its own.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::collections::HashMap;
use std::process::Command;
use std::{env, fs};

use common::{Running, builder, get, hello, in_time, speak};
use pellucid_client::{Tls, Trust};
use pellucid_server::tls::Identity;
use tokio::net::TcpStream;

const VARIABLE: &str = "SSLKEYLOGFILE";

/// Set in the second process.
const AGAIN: &str = "PELLUCID_TEST_KEY_LOG";

#[test]
fn sslkeylogfile_gets_the_secrets_of_both_sides_and_nothing_is_written_without_it() {
    if env::var_os(AGAIN).is_some() {
        return tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(one_request());
    }
    let file = env::temp_dir().join(format!("pellucid-{}-keys", std::process::id()));
    let run = |is_logged: bool| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(AGAIN, "1").env_remove(VARIABLE);
        if is_logged {
            command.env(VARIABLE, &file);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let _ = fs::remove_file(&file);
    run(false);
    assert!(!file.exists());
    run(true);
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for line in text.lines() {
        *lines.entry(line).or_default() += 1;
    }
    for label in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        // The same secret, once from each side.
        let told: Vec<_> = lines.iter().filter(|(line, _)| line.starts_with(label)).collect();
        assert!(matches!(told[..], [(_, 2)]), "{label}: {told:?}");
    }
}

async fn one_request() {
    let identity = Identity::self_signed(&[]).unwrap();
    let tls = Tls::new(&Trust::Pem(identity.certificate_pem().into_bytes())).unwrap();
    let server = Running::start(builder().tls(identity), hello);
    let stream = tls.connect(TcpStream::connect(server.address).await.unwrap(), "localhost").await.unwrap();
    let (client, _task) = speak(stream);
    assert_eq!(in_time(client.send(get("/"))).await.unwrap().status(), 200);
    drop(client);
    in_time(server.drain()).await;
}
