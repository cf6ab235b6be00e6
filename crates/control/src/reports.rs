//! What gateways report, and who is awaited.

use tidegate_domain::Timestamp;

use crate::control::Control;
use crate::error::Result;
use crate::gateways::{Enforcement, GatewayFigures, GatewayHeard, HearError, check};
use crate::history::Place;
use crate::limits::GATEWAY_FORGOTTEN_MS;

/// Why a gateway is not forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// There is none of this id.
    #[error("there is no gateway of this id")]
    Unknown,
    /// Its lease may still run, so it may still let calls in.
    #[error("its lease may still run")]
    HoldsLease {
        /// Until when, at the latest.
        until: Timestamp,
    },
    /// Something broke.
    #[error(transparent)]
    Broken(#[from] crate::Error),
}

impl Control {
    /// A gateway asks, or tells that it has come further. Must have returned before it is answered:
    /// from then on its lease is known, also to other processes on this store. A lease of 0 says that it
    /// stops, and decides nothing from now on.
    pub async fn gateway_heard(
        &self,
        heard: GatewayHeard,
        now: Timestamp,
    ) -> Result<(), HearError> {
        check(&heard)?;
        let (id, name) = (heard.id.clone(), heard.name.clone());
        let (point, asked) = (heard.point(), heard.asked_point());
        if !self.gateways.knows(&id) {
            // It may be another one's id, which this node has not learnt of yet.
            self.look_at_gateways().await?;
        }
        let must_write = self.gateways.hear(heard, now)?;
        if let Some(point) = point
            && self.recognise(&point, &name).await? == Place::Part
        {
            self.gateways.prove(&[point]);
        }
        if let Some(asked) = asked {
            // That it is no part of the history is recorded there; it does not change the answer.
            self.recognise(&asked, &name).await?;
        }
        match must_write {
            None => Ok(()),
            Some(count) => Ok(self.write_gateways(Some((&id, count))).await?),
        }
    }

    /// Writes down what was heard of gateways, learns what was heard elsewhere, and forgets those
    /// that have been gone for long. To be called again and again.
    pub async fn tend_gateways(&self, now: Timestamp) -> Result<()> {
        self.write_gateways(None).await?;
        self.look_at_gateways().await?;
        for (id, beat, heard_at) in self.gateways.lapsed() {
            let is_long_gone = heard_at.plus_ms(GATEWAY_FORGOTTEN_MS) <= now;
            if is_long_gone && self.store.forget_gateway(&id, beat).await? {
                tracing::info!(gateway = id, "a gateway that has been gone for long is forgotten");
                self.gateways.drop(&id);
            }
        }
        Ok(())
    }

    /// All gateways, and how they are as to the last revision.
    pub async fn gateways(&self, now: Timestamp) -> Result<Enforcement> {
        self.look_at_gateways().await?;
        Ok(self.gateways.enforcement(None, now))
    }

    /// Forgets a gateway that has left. One whose lease may still run is not forgotten.
    pub async fn forget_gateway(&self, id: &str, now: Timestamp) -> Result<(), ForgetError> {
        let known = self.gateways(now).await?;
        let shown = known.gateways.iter().find(|shown| shown.gateway.id == id);
        let shown = shown.ok_or(ForgetError::Unknown)?;
        let beat = shown.gateway.beat;
        let until = shown.ends_at;
        if !shown.is_lapsed {
            return Err(ForgetError::HoldsLease { until });
        }
        let forgotten = self.store.forget_gateway(id, beat).await.map_err(crate::Error::from)?;
        if !forgotten {
            return Err(ForgetError::HoldsLease { until });
        }
        self.gateways.drop(id);
        Ok(())
    }

    /// What is told of the gateways to those who watch.
    pub fn gateway_figures(&self) -> GatewayFigures {
        self.gateways.figures()
    }

    /// Writes down what is not written yet; all at once, so that who queues here finds it done.
    async fn write_gateways(&self, wanted: Option<(&str, u64)>) -> Result<()> {
        let _writing = self.gateways.writing().await;
        if wanted.is_some_and(|(id, count)| self.gateways.has_written(id, count)) {
            return Ok(());
        }
        let unwritten = self.gateways.unwritten(wanted.is_some());
        if !unwritten.is_empty() {
            self.store.keep_gateways(unwritten.gateways()).await?;
            self.gateways.wrote(&unwritten);
        }
        Ok(())
    }

    pub(crate) async fn look_at_gateways(&self) -> Result<()> {
        let stored = self.store.gateways().await?;
        let (mut view, generation) = self.view_and_generation().await?;
        let head = view.head().await?;
        self.gateways.merge(stored, head);
        let mut proven = Vec::new();
        for (point, name) in self.gateways.unproven() {
            let place = self.recognise_in(&mut *view, generation, &point, &name).await?;
            if place == Place::Part {
                proven.push(point);
            }
        }
        self.gateways.prove(&proven);
        Ok(())
    }
}
