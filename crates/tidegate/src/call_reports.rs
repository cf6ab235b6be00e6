//! Where calls are reported: the access log, the traces, or lines in the ordinary log.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use tidegate_gateway::{AccessLog, CallLines, Share, Sink, Telling};

use crate::traces::Spans;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where the access log goes; nowhere if it is not set.
    pub access_log: Option<PathBuf>,
    /// The share of well answered calls that get a line.
    pub logged: Share,
    /// The collector of traces; none are made if it is not set.
    pub collector: Option<String>,
    /// The share of calls without a trace of their own that begin one that is kept.
    pub traced: Share,
}

impl Default for Wanted {
    /// Neither an access log nor traces.
    fn default() -> Self {
        Self { access_log: None, logged: Share::ALL, collector: None, traced: Share::ALL }
    }
}

/// What was set up, to be closed at the end.
#[derive(Debug, Default)]
pub struct Told {
    log: Option<Arc<AccessLog>>,
    spans: Option<Arc<Spans>>,
}

impl Wanted {
    /// Opens the log and reaches out for the collector.
    pub fn set_up(&self) -> anyhow::Result<(Telling, Told)> {
        let mut telling = Telling { sinks: Vec::new(), traces: None, pairs: 0 };
        let mut told = Told::default();
        if let Some(path) = &self.access_log {
            let log = AccessLog::open(path, self.logged)
                .with_context(|| format!("cannot open the access log {}", path.display()))?;
            let log = Arc::new(log);
            telling.sinks.push(Arc::clone(&log) as Arc<dyn Sink>);
            told.log = Some(log);
        } else {
            telling.sinks.push(Arc::new(CallLines::default()));
        }
        if let Some(collector) = &self.collector {
            let spans = Arc::new(Spans::to(collector)?);
            telling.sinks.push(Arc::clone(&spans) as Arc<dyn Sink>);
            telling.traces = Some(self.traced);
            told.spans = Some(spans);
        }
        Ok((telling, told))
    }
}

impl Told {
    /// Writes and sends what is left.
    pub async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || {
            if let Some(log) = &self.log {
                log.close();
            }
            if let Some(spans) = &self.spans {
                spans.close();
            }
        });
        // It fails only if it panics, which is told then.
        let _ = closed.await;
    }
}
