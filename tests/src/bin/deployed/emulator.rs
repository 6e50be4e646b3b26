//! MiniStack: an emulator of AWS that runs the real bootstraps and, asked to, checks every call against the role's policy.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::eventually;

/// Everything from PyPI, at versions that were tried.
const PACKAGES: &[&str] = &["ministack==1.5.33", "boto3==1.43.106", "cargo-lambda==1.9.2"];

/// Programs in a virtual environment beside the built ones, made on first use.
pub struct Tools(PathBuf);

impl Tools {
    /// Those beside the target folder, or new ones.
    pub fn prepare(target: &Path) -> Self {
        let folder = target.join("emulator");
        let stamp = folder.join("packages");
        let wanted = PACKAGES.join("\n");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Self(folder);
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES));
        std::fs::write(stamp, wanted).unwrap();
        Self(folder)
    }

    /// A program of these.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// `PATH` with these first.
    pub fn path(&self) -> String {
        format!("{}:{}", self.0.join("bin").display(), local::environment::variable("PATH").unwrap_or_default())
    }
}

/// Runs a program to its end. Panics with what it said if it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{out}\n{err}");
    out.into_owned()
}

/// Ends when our end of its standard input closes, which the kernel does however this process ends, and takes the
/// functions along: they are of its group.
const GUARDIAN: &str = r#""$1" "$3" >"$2" 2>&1 &
cat >/dev/null
kill -TERM $! 2>/dev/null
sleep 1
kill -KILL 0"#;

/// A running emulator.
pub struct Emulator {
    /// Its address, for all services.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// What it wrote.
    pub log: PathBuf,
    guardian: std::process::Child,
}

impl Emulator {
    /// Starts one that knows nothing.
    pub async fn start(tools: &Tools, folder: &Path, region: &str) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let log = folder.join("emulator.log");
        let mut command = Command::new("sh");
        let launcher = folder.join("emulator.py");
        std::fs::write(&launcher, include_str!("emulator.py")).unwrap();
        command.args(["-c", GUARDIAN, "onsale-emulator-guardian"]).arg(tools.program("python")).arg(&log).arg(launcher);
        let settings = [
            ("BIND_HOST", "127.0.0.1"),
            ("GATEWAY_PORT", &port.to_string()),
            ("LAMBDA_EXECUTOR", "local"),
            ("MINISTACK_REGION", region),
            // Functions may do what their roles allow, and nothing else.
            ("AUTH", "true"),
        ];
        command.envs(settings).env_remove("AWS_ENDPOINT_URL").env_remove("AWS_PROFILE").current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let guardian = command.spawn().unwrap();
        let emulator = Self { url: format!("http://127.0.0.1:{port}"), port, log, guardian };
        eventually("the emulator answers", Duration::from_secs(60), async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        emulator
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}
