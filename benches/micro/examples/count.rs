//! What `cargo xtask icount` runs under callgrind: one path, so many times. Without arguments it lists the paths, each with the
//! rounds after which it has reached its stride, and what it does. The same arguments do the same work.

use std::process::ExitCode;

use pellucid_micro::PATHS;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else {
        PATHS.iter().for_each(|path| println!("{} {} {}", path.name, path.rounds, path.what));
        return ExitCode::SUCCESS;
    };
    let path = PATHS.iter().find(|path| path.name == name);
    let (Some(path), Ok(count)) = (path, count.parse::<u32>()) else {
        eprintln!("usage: count [PATH COUNT]; without arguments it lists the paths");
        return ExitCode::FAILURE;
    };
    let mut operation = (path.set_up)();
    (0..count).for_each(|_| operation());
    ExitCode::SUCCESS
}
