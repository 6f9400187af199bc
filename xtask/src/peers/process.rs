//! Child processes of the peer checks. Every child is held by a guard that kills and reaps it, so that a failing check leaves
//! nothing behind; where we are killed ourselves, the kernel kills the children and the next run removes the files. Output goes to
//! files and not to pipes: no child ever waits for us to read, and no thread is needed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A directory of our own under the system's temporary one, removed with everything in it at the end.
pub(super) struct Scratch {
    path: PathBuf,
    files: AtomicUsize,
}

impl Scratch {
    pub(super) fn new() -> Result<Self, String> {
        let temporary = std::env::temp_dir();
        sweep(&temporary);
        let path = temporary.join(format!("{SCRATCH}{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path, files: AtomicUsize::new(0) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path that nobody has used yet.
    pub(super) fn fresh(&self, name: &str) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{number}-{name}"))
    }

    /// A new, empty directory.
    pub(super) fn directory(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.fresh(name);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the scratch directories of processes that are no more: those that were interrupted could not do it themselves.
fn sweep(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(SCRATCH)?.parse().ok());
        if pid.is_some_and(is_gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// True if what bears this id was made by a process that is no more. What bears ours was, too: we have made nothing yet.
fn is_gone(pid: u32) -> bool {
    let is_there = |pid: u32| Path::new("/proc").join(pid.to_string()).exists();
    let ours = std::process::id();
    // Where /proc does not even have us, it says nothing of others.
    pid == ours || is_there(ours) && !is_there(pid)
}

/// A child that runs until the guard is dropped.
pub(super) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `command`; what it prints is kept in `log`.
    pub(super) fn start(command: &mut Command, log: PathBuf) -> Result<Self, String> {
        let (out, err) = log_file(&log)?;
        let child = bound(command)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|error| format!("{}: {error}", name_of(command)))?;
        Ok(Self { child, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the child has printed so far, on both streams.
    pub(super) fn printed(&self) -> String {
        lossy(&self.log)
    }

    /// Octets of the child's memory, by an entry of its status: `VmRSS` is all of it, `RssAnon` what is no file's.
    pub(super) fn memory(&self, entry: &str) -> Result<u64, String> {
        let path = format!("/proc/{}/status", self.pid());
        let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix(entry)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .and_then(|number| number.trim().parse::<u64>().ok())
            .map(|kibi| kibi << 10)
            .ok_or_else(|| format!("{path} has no {entry}"))
    }

    /// `Err` with the child's last words if it has ended.
    pub(super) fn check_alive(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("ended by itself, {status}: {}", tail(&self.printed()))),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits until the child ends; one that has not within `limit` is in error.
    pub(super) fn wait(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() > deadline => {
                    let (seconds, said) = (limit.as_secs(), tail(&self.printed()));
                    return Err(format!("was not done after {seconds} s: {said}"));
                }
                Ok(None) => thread::sleep(POLL),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Waits until `ready` gives something, the child ends, or the patience is over.
    pub(super) fn wait_until<T>(&mut self, mut ready: impl FnMut(&Self) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            if let Some(value) = ready(self) {
                return Ok(value);
            }
            self.check_alive()?;
            if Instant::now() > deadline {
                return Err(format!("did not start in time: {}", tail(&self.printed())));
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a child that was waited for ended.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl Finished {
    /// `Err` with the last lines of standard error unless the exit code was 0.
    pub(super) fn success(self) -> Result<Self, String> {
        if self.status.success() {
            return Ok(self);
        }
        Err(format!("{}: {}", self.status, tail(&self.stderr)))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Runs `command` to its end, within `limit`.
pub(super) fn finish(command: &mut Command, scratch: &Scratch, limit: Duration) -> Result<Finished, String> {
    let (out, log) = (scratch.fresh("stdout"), scratch.fresh("stderr"));
    let child = bound(command)
        .stdin(Stdio::null())
        .stdout(create(&out)?)
        .stderr(create(&log)?)
        .spawn()
        .map_err(|error| format!("{}: {error}", name_of(command)))?;
    let mut running = Running { child, log };
    let status = running.wait(limit).map_err(|error| format!("{} {error}", name_of(command)))?;
    let stdout = fs::read(&out).map_err(|error| error.to_string())?;
    let stderr = running.printed();
    let _ = fs::remove_file(&out);
    Ok(Finished { status, stdout, stderr })
}

/// Runs `command` with its output read by `head`, which takes `octets` and then closes the pipe.
pub(super) fn finish_into_head(
    command: &mut Command,
    scratch: &Scratch,
    octets: usize,
    limit: Duration,
) -> Result<Finished, String> {
    let log = scratch.fresh("stderr");
    let mut child = bound(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(create(&log)?)
        .spawn()
        .map_err(|error| format!("{}: {error}", name_of(command)))?;
    let pipe = child.stdout.take();
    let mut running = Running { child, log };
    let head_log = scratch.fresh("head");
    let mut head = Running {
        child: Command::new("head")
            .args(["-c", &octets.to_string()])
            .stdin(pipe.map_or_else(Stdio::null, Stdio::from))
            .stdout(create(&head_log)?)
            .spawn()
            .map_err(|error| format!("head: {error}"))?,
        log: head_log.clone(),
    };
    head.wait(limit).map_err(|error| format!("the reader of {} {error}", name_of(command)))?;
    let status = running.wait(limit).map_err(|error| format!("{}, its pipe closed, {error}", name_of(command)))?;
    Ok(Finished { status, stdout: fs::read(&head_log).map_err(|error| error.to_string())?, stderr: running.printed() })
}

/// The same command, which the kernel kills when we end without having done so. What ends is, to the kernel, the thread that started
/// the child: ours is the main one. setpriv replaces itself, so the child's id is the program's.
fn bound(command: &Command) -> Command {
    if !*HAS_SETPRIV {
        return again(command, Command::new(command.get_program()));
    }
    let mut setpriv = Command::new("setpriv");
    setpriv.args(BOUND).arg(command.get_program());
    again(command, setpriv)
}

/// Gives `to` the arguments, environment and directory of `command`.
fn again(command: &Command, mut to: Command) -> Command {
    to.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => to.env(name, value),
            None => to.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        to.current_dir(directory);
    }
    to
}

/// The end of a child's output, on one line: enough to see why it failed.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let skipped = lines.len().saturating_sub(TAIL_LINES);
    lines.iter().skip(skipped).copied().collect::<Vec<_>>().join(" / ")
}

fn log_file(log: &Path) -> Result<(File, File), String> {
    let out = create(log)?;
    let err = out.try_clone().map_err(|error| error.to_string())?;
    Ok((out, err))
}

fn create(path: &Path) -> Result<File, String> {
    // Both streams of a server share the file: appending keeps one from overwriting the other.
    File::options().create(true).append(true).open(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn lossy(path: &Path) -> String {
    fs::read(path).map_or_else(|error| error.to_string(), |octets| String::from_utf8_lossy(&octets).into_owned())
}

fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// What the name of a scratch directory begins with; the id of its process follows.
const SCRATCH: &str = "pellucid-peers-";
/// setpriv's options ahead of the program.
const BOUND: [&str; 3] = ["--pdeathsig", "KILL", "--"];
/// Not everybody has util-linux, and not everybody's setpriv knows this option.
static HAS_SETPRIV: LazyLock<bool> = LazyLock::new(|| {
    let tried = Command::new("setpriv").args(BOUND).arg("true").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
});
/// How long a server may take until it listens.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How often a child is looked at.
const POLL: Duration = Duration::from_millis(5);
/// Lines of a failing child's output that are worth showing.
const TAIL_LINES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::parent_id;

    #[test]
    fn scratch_directories_of_processes_that_are_no_more_are_removed() {
        let mut ended = Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let temporary = std::env::temp_dir().join(format!("pellucid-sweep-{}", std::process::id()));
        let name = |owner: &str| temporary.join(format!("{SCRATCH}{owner}"));
        let owners = [ended.id(), std::process::id(), parent_id()].map(|pid| pid.to_string());
        for owner in owners.iter().map(String::as_str).chain(["nobody"]) {
            fs::create_dir_all(name(owner)).unwrap();
            fs::write(name(owner).join("log"), "listening").unwrap();
        }
        sweep(&temporary);
        let kept = owners.iter().map(String::as_str).chain(["nobody"]).map(|owner| name(owner).exists());
        let kept: Vec<bool> = kept.collect();
        fs::remove_dir_all(&temporary).unwrap();
        assert_eq!(kept, [false, false, true, true]);
    }

    #[test]
    fn a_bound_command_is_the_same_command() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo $0 $ONE $TWO; pwd", "zero"]).env("ONE", "1").env_remove("TWO").current_dir("/");
        let said = bound(&command).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "zero 1\n/\n");
    }
}
