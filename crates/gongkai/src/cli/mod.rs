//! The command line. Errors go to standard error as `error: what, where, how to mend it`; with `--json` standard output
//! holds one JSON document and nothing else.

mod args;
mod run;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use kernel::Refusal;

pub use args::Cli;

/// Exit code where everything asked for was done but some lines were refused.
const PARTLY: u8 = 2;

/// Parses, runs, reports.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("GONGKAI_LOG").unwrap_or_else(|_| "warn,gongkai=info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(r) => r,
        Err(e) => return fail(&Refusal::internal("system.threads", e)),
    };
    let outcome = runtime.block_on(run::run(cli));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match outcome {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Wrong) => ExitCode::FAILURE,
        Ok(Ended::Partly) => ExitCode::from(PARTLY),
        Err(r) => fail(&r),
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It did what was asked.
    Done,
    /// It looked and found something wrong.
    Wrong,
    /// Some of it.
    Partly,
}

fn fail(r: &Refusal) -> ExitCode {
    eprintln!("error: {r}");
    ExitCode::FAILURE
}

/// Progress on standard error, where that is a terminal: one line, written over.
pub struct Progress {
    label: &'static str,
    last: Mutex<u64>,
    terminal: bool,
}

impl Progress {
    /// Progress of something.
    pub fn new(label: &'static str) -> Progress {
        Progress { label, last: Mutex::new(u64::MAX), terminal: std::io::stderr().is_terminal() }
    }

    /// Says how far it is.
    pub fn show(&self, done: u64, total: u64) {
        if !self.terminal || total == 0 {
            return;
        }
        let percent = done.saturating_mul(100) / total;
        let mut last = self.last.lock().unwrap_or_else(|p| p.into_inner());
        if *last == percent {
            return;
        }
        *last = percent;
        let mut err = std::io::stderr();
        let _ = write!(err, "\r{} {percent:>3}%  {done}/{total}", self.label);
        if done >= total {
            let _ = writeln!(err);
        }
        let _ = err.flush();
    }
}
