//! How far a long run is, for whoever watches the terminal.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A run shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);

/// Counts what is done; may be shared among threads. The bar is gone when this is dropped.
pub struct Progress {
    bar: ProgressBar,
    done: Arc<AtomicBool>,
    herald: Option<JoinHandle<()>>,
}

impl Progress {
    /// `watched`: somebody may see it.
    pub fn new(watched: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}/{len} ({elapsed})") {
            bar.set_style(style);
        }
        let done = Arc::new(AtomicBool::new(false));
        let herald = watched.then(|| herald(bar.clone(), Arc::clone(&done)));
        Self { bar, done, herald }
    }

    /// Shows nothing, ever.
    pub fn hidden() -> Self {
        Self::new(false)
    }

    /// A new round: `total` things will be done.
    pub fn begin(&self, what: &'static str, total: usize) {
        self.bar.set_message(what);
        self.bar.set_position(0);
        self.bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
    }

    /// One more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }
}

/// Shows the bar once the reader may begin to wonder.
fn herald(bar: ProgressBar, done: Arc<AtomicBool>) -> JoinHandle<()> {
    let since = Instant::now();
    thread::spawn(move || {
        while let Some(left) = PATIENCE.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
        {
            if done.load(Ordering::Acquire) {
                return;
            }
            thread::park_timeout(left);
        }
        if !done.load(Ordering::Acquire) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    })
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Release);
        if let Some(herald) = self.herald.take() {
            herald.thread().unpark();
            // It only waits and draws; there is nothing to learn from how it ended.
            let _ = herald.join();
        }
        self.bar.finish_and_clear();
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("done", &self.bar.position()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn it_counts_from_many_threads_and_ends_before_it_was_ever_shown() {
        let progress = Progress::new(true);
        progress.begin("repositories", 8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| progress.advance());
            }
        });
        assert_eq!(progress.bar.position(), 8);
        progress.begin("definitions", 2);
        assert_eq!((progress.bar.position(), progress.bar.length()), (0, Some(2)));
    }
}
