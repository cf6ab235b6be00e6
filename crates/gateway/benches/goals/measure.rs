//! Taking times in turns, and telling them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Rows of metric, value, ratio and goal.
pub struct Report(Vec<[String; 4]>);

impl Report {
    pub fn new() -> Self {
        Self(vec![["metric", "value", "ratio", "goal"].map(str::to_owned)])
    }

    pub fn row(&mut self, metric: &str, value: String, ratio: Option<f64>, goal: &str) {
        let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        self.0.push([metric.to_owned(), value, ratio, goal.to_owned()]);
        eprintln!("  {}", self.0.last().unwrap().join("  "));
    }

    pub fn print(&self) {
        let width = |n: usize| self.0.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
        let widths: [usize; 4] = std::array::from_fn(width);
        println!();
        for (n, row) in self.0.iter().enumerate() {
            let cell = |(text, width): (&String, &usize)| format!(" {text:<width$} ");
            let cells: Vec<String> = row.iter().zip(&widths).map(cell).collect();
            println!("|{}|", cells.join("|"));
            if n == 0 {
                println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
            }
        }
    }
}

/// Runs the subjects in turns, each for `turns` blocks of calls, and gives for each the nanoseconds
/// of a call in its median block. A block calls its subject with ever new numbers.
pub fn in_turns<const N: usize>(
    turns: usize,
    calls: usize,
    mut subjects: [&mut dyn FnMut(usize); N],
) -> [f64; N] {
    let mut blocks: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(turns));
    for turn in 0..turns + 3 {
        for (subject, blocks) in subjects.iter_mut().zip(&mut blocks) {
            let began = on_cpu();
            for n in 0..calls {
                subject(turn * calls + n);
            }
            let block = (on_cpu() - began) / calls as f64;
            // The first ones warm up.
            if turn >= 3 {
                blocks.push(block);
            }
        }
    }
    blocks.map(median)
}

/// The nanoseconds this thread has been on a CPU: what others do on the machine does not count.
pub fn on_cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The same of all threads of this process.
pub fn on_cpus() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The memory of this process, in bytes.
pub fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}

pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
    let count = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{} × {count}, load {load}", model.trim_start_matches([' ', '\t', ':']))
}

/// A thread that does something a thousand times a second until it is dropped.
pub struct Writer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<(usize, Duration, Duration)>>,
}

impl Writer {
    pub fn start(mut change: impl FnMut(usize) + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            let mut busy = Duration::ZERO;
            let mut n = 0;
            while !stopped.load(Ordering::Relaxed) {
                let at = Instant::now();
                change(n);
                busy += at.elapsed();
                n += 1;
                let next = began + Duration::from_millis(1) * u32::try_from(n).unwrap();
                std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
            }
            (n, busy, began.elapsed())
        });
        Self { stop, thread: Some(thread) }
    }

    /// Changes a second, and microseconds of a change.
    pub fn stop(mut self) -> (f64, f64) {
        self.stop.store(true, Ordering::Relaxed);
        let (n, busy, all) = self.thread.take().unwrap().join().unwrap();
        (n as f64 / all.as_secs_f64(), busy.as_secs_f64() * 1e6 / n as f64)
    }
}
