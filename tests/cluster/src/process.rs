//! Child processes that end with this one, however it ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A command that starts a program whose life ends with this process's, also when that is killed.
///
/// Arguments and environment are added as to any other command.
#[must_use]
pub fn program(path: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(path);
    command
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What is resident.
    pub resident: u64,
    /// The most that ever was.
    pub most: u64,
}

/// A running child process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts what [`program`] made, in a process group of its own, with its output appended to a log
    /// file named after it.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start(name: &str, mut command: Command, logs: &Path) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let file = append(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let child = spawn(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
        })
    }

    /// The name that it was started under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file that holds what it wrote.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How much memory it has.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let bytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let kib = line.and_then(|line| line.split_whitespace().next());
            let kib = kib.with_context(|| format!("`{key}` is missing"))?;
            Ok::<_, anyhow::Error>(kib.parse::<u64>()? << 10)
        };
        Ok(Memory {
            resident: bytes("VmRSS:")?,
            most: bytes("VmHWM:")?,
        })
    }

    /// Fails, with the end of its log, where it has ended by itself.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended by itself ({status}):\n{}",
                self.name,
                end_of(&self.log)
            ),
        }
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// Where it had to be killed because it did not end in time.
    pub fn stop(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let since = Instant::now();
        while since.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill()?;
        bail!("{} did not end within {patience:?} of SIGTERM", self.name)
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// Where the kernel refuses; not where it has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            let id = Pid::from_child(&self.child);
            kill_process(id, signal).with_context(|| format!("cannot signal {}", self.name))?;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure.
        let _ = self.kill();
    }
}

/// The last lines of a log file.
#[must_use]
pub fn end_of(log: &Path) -> String {
    const LINES: usize = 20;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(LINES);
    lines.get(first..).unwrap_or_default().join("\n")
}

fn append(log: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.with_context(|| format!("cannot write {}", log.display()))
}

type Order = (Command, Sender<io::Result<Child>>);

/// The one thread that starts children: the kernel kills them when the *thread* that started them ends,
/// and this one ends only with the process.
static STARTER: LazyLock<Sender<Order>> = LazyLock::new(|| {
    let (orders, todo): (Sender<Order>, Receiver<Order>) = channel();
    std::thread::spawn(move || {
        for (mut command, answer) in todo {
            // Whoever asked waits for the answer.
            let _ = answer.send(command.spawn());
        }
    });
    orders
});

fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = channel();
    let gone = || io::Error::other("the thread that starts children is gone");
    STARTER.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}
