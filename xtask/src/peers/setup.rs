//! What every peer task stands on: the project's root, the programs it finds, the scratch directory, the certificate, and the
//! files that are sent to and fro.

use std::cell::OnceCell;
use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{Scratch, finish};

/// The surroundings of one run.
pub(super) struct Setup {
    pub(super) root: PathBuf,
    pub(super) scratch: Scratch,
    /// Ours, once somebody has asked for it.
    pellucid: OnceCell<PathBuf>,
}

impl Setup {
    /// With the given `pellucid` program, or else the release build.
    pub(super) fn new(pellucid: Option<&str>) -> Result<Self, String> {
        let setup = Self { root: root()?, scratch: Scratch::new()?, pellucid: OnceCell::new() };
        if let Some(path) = pellucid {
            let path = fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))?;
            setup.pellucid.get_or_init(|| path);
        }
        Ok(setup)
    }

    /// Our program; the release build is brought up to date by the first who asks.
    pub(super) fn pellucid(&self) -> Result<PathBuf, String> {
        if let Some(path) = self.pellucid.get() {
            return Ok(path.clone());
        }
        let built = built_pellucid(&self.root)?;
        Ok(self.pellucid.get_or_init(|| built).clone())
    }

    /// Where a program is, or an error that says how to get it.
    pub(super) fn program(&self, name: &str) -> Result<PathBuf, String> {
        find(&self.root, name).ok_or_else(|| format!("{name} is not installed: run `cargo xtask peers install`"))
    }

    /// A certificate authority and a certificate of it for localhost and 127.0.0.1, made once a run.
    pub(super) fn certificate(&self) -> Result<Certificate, String> {
        let at = |name: &str| self.scratch.path().join(name);
        let files =
            Certificate { authority: at("authority.pem"), chain: at("localhost.pem"), key: at("localhost.key") };
        if !files.chain.exists() {
            self.make_certificate(&files)?;
        }
        Ok(files)
    }

    fn make_certificate(&self, files: &Certificate) -> Result<(), String> {
        let authority_key = self.scratch.path().join("authority.key");
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let mut authority = Command::new(self.program("openssl")?);
        authority
            .args(["req", "-x509", "-days", "2", "-subj", "/CN=Pellucid peer tests"])
            .args(new_key)
            .arg("-keyout")
            .arg(&authority_key)
            .arg("-out")
            .arg(&files.authority);
        finish(&mut authority, &self.scratch, SHORT)?.success()?;
        let mut leaf = Command::new(self.program("openssl")?);
        leaf.args(["req", "-x509", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(new_key)
            .arg("-CA")
            .arg(&files.authority)
            .arg("-CAkey")
            .arg(&authority_key)
            .arg("-keyout")
            .arg(&files.key)
            .arg("-out")
            .arg(&files.chain);
        finish(&mut leaf, &self.scratch, SHORT)?.success()?;
        Ok(())
    }

    /// The directory that servers serve: `1k` and `index.html` (1 KiB), `big` (100 MiB), `n/0` to `n/999` (their own number).
    pub(super) fn site(&self) -> Result<PathBuf, String> {
        let site = self.scratch.path().join("site");
        if !site.exists() {
            make_site(&site).map_err(|error| format!("{}: {error}", site.display()))?;
        }
        Ok(site)
    }

    /// The 100 MiB file.
    pub(super) fn big(&self) -> Result<PathBuf, String> {
        Ok(self.site()?.join("big"))
    }
}

/// The files of [`Setup::certificate`].
pub(super) struct Certificate {
    pub(super) authority: PathBuf,
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

/// The project's root: the nearest directory upwards that has an `xtask`.
pub(super) fn root() -> Result<PathBuf, String> {
    let here = env::current_dir().map_err(|error| error.to_string())?;
    here.ancestors()
        .find(|directory| directory.join("xtask/Cargo.toml").exists())
        .map(Path::to_path_buf)
        .ok_or_else(|| "run this inside the project".into())
}

/// Looks for a program in the project's own tools, then in PATH, then where Debian puts servers.
pub(super) fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    [root.join(".tools/bin")]
        .into_iter()
        .chain(env::split_paths(&path))
        .chain(["/usr/sbin", "/usr/local/go/bin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// The cargo that runs us.
pub(super) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// True for the superuser, as the owner of our own entry in /proc tells.
pub(super) fn is_superuser() -> bool {
    fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// `Err` at the first difference between two files.
pub(super) fn same_contents(sent: &Path, received: &Path) -> Result<(), String> {
    let open = |path: &Path| File::open(path).map_err(|error| format!("{}: {error}", path.display()));
    let (mut a, mut b) = (open(sent)?, open(received)?);
    let lengths = [&a, &b].map(|file| file.metadata().map_or(0, |data| data.len()));
    if lengths[0] != lengths[1] {
        return Err(format!("{} octets instead of {}", lengths[1], lengths[0]));
    }
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    for chunk in 0.. {
        let count = a.read(&mut left).map_err(|error| error.to_string())?;
        if count == 0 {
            break;
        }
        let (Some(left), Some(right)) = (left.get(..count), right.get_mut(..count)) else {
            return Err("a read of more than was asked for".into());
        };
        b.read_exact(right).map_err(|error| error.to_string())?;
        if left != right {
            return Err(format!("octets differ in chunk {chunk} of {CHUNK}"));
        }
    }
    Ok(())
}

fn built_pellucid(root: &Path) -> Result<PathBuf, String> {
    let built = cargo()
        .args(["build", "--quiet", "--release", "--bin", "pellucid"])
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err("pellucid does not build".into());
    }
    Ok(crate::target(root).join("release/pellucid"))
}

fn make_site(site: &Path) -> std::io::Result<()> {
    fs::create_dir_all(site.join("n"))?;
    for number in 0..SMALL_FILES {
        fs::write(site.join(format!("n/{number}")), format!("{number}\n"))?;
    }
    for name in ["1k", "index.html"] {
        fs::write(site.join(name), [b'x'; 1024])?;
    }
    let mut big = BufWriter::new(File::create(site.join("big"))?);
    // Noise, so that octets lost, doubled or out of order cannot pass for the right ones (Marsaglia's xorshift).
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..BIG_OCTETS / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        big.write_all(&state.to_le_bytes())?;
    }
    big.flush()
}

/// Octets of the big file.
pub(super) const BIG_OCTETS: u64 = 100 << 20;
/// Files of the site that are fetched by the thousand.
pub(super) const SMALL_FILES: usize = 1000;
/// Patience with a command that has next to nothing to do.
pub(super) const SHORT: Duration = Duration::from_secs(20);
/// Patience with a command that moves 100 MiB.
pub(super) const LONG: Duration = Duration::from_secs(120);
/// Octets compared at once.
const CHUNK: usize = 1 << 16;
