//! A database transaction with what the store knows of it.

use std::fs::File;
use std::future::Future;
use std::sync::Arc;

use super::pool::SqlTransaction;
use super::write_path::WritePath;
use crate::{Head, Result};

/// What a session is beside its database transaction: nothing if it reads, or what a writer needs.
pub trait Mode: Send {
    /// Sends what is still waiting, so that it is there to be read.
    fn flush(&mut self, tx: &SqlTransaction) -> impl Future<Output = Result<()>> + Send;
}

impl Mode for () {
    async fn flush(&mut self, _: &SqlTransaction) -> Result<()> {
        Ok(())
    }
}

/// A database transaction: one that reads, when `M` is empty, or one that writes.
pub struct Session<M> {
    pub tx: SqlTransaction,
    pub head: Head,
    pub mode: M,
    pub path: Arc<WritePath>,
    /// A file stays locked as long as anything may write to it.
    pub _lock: Option<Arc<File>>,
}
