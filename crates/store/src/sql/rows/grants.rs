//! Publications, standings, applications and notices.

use std::collections::BTreeMap;

use tidegate_domain::notice::Closed;
use tidegate_domain::publication::Status;
use tidegate_domain::standing::Cut;
use tidegate_domain::{Application, Grant, Key, Notice, Publication, Standing, Timestamp, Verdict};

use super::super::access::{Stored, rows_in};
use super::super::cells::{Cells, Name, id, maybe_id};
use super::super::pool::SqlTransaction;
use super::super::tables::{applications, notices, publications, standings};
use super::stored_alone;
use crate::due::{publication_due_at, standing_due_at};
use crate::{Result, Revision};

stored_alone!(Application = applications, Notice = notices);

/// The name a status is kept by, and its moment.
pub const fn status_name(status: Status) -> (&'static str, Option<Timestamp>) {
    match status {
        Status::Created => ("created", None),
        Status::PublishPending => ("publish_pending", None),
        Status::PublishRejected => ("publish_rejected", None),
        Status::Published => ("published", None),
        Status::Stopping { at } => ("stopping", Some(at)),
        Status::Stopped => ("stopped", None),
        Status::RecoverPending => ("recover_pending", None),
        Status::Unpublishing { at } => ("unpublishing", Some(at)),
        Status::Offline => ("offline", None),
    }
}

fn status(cells: &Cells, name: &str, at: Option<i64>) -> Result<Status> {
    let at = at.map(Timestamp::from_ms);
    let status = match (name, at) {
        ("created", None) => Status::Created,
        ("publish_pending", None) => Status::PublishPending,
        ("publish_rejected", None) => Status::PublishRejected,
        ("published", None) => Status::Published,
        ("stopping", Some(at)) => Status::Stopping { at },
        ("stopped", None) => Status::Stopped,
        ("recover_pending", None) => Status::RecoverPending,
        ("unpublishing", Some(at)) => Status::Unpublishing { at },
        ("offline", None) => Status::Offline,
        _ => return Err(cells.bad("status")),
    };
    Ok(status)
}

impl publications::Model {
    pub fn of(publication: &Publication, revision: Revision) -> Self {
        let (status, status_at) = status_name(publication.status);
        Self {
            api: id(&publication.api),
            instance: id(&publication.instance),
            status: status.to_owned(),
            status_at: status_at.map(Timestamp::as_ms),
            published_at: publication.published_at.map(Timestamp::as_ms),
            application_id: maybe_id(publication.application.as_ref().map(|a| &a.id)),
            due_at: publication_due_at(publication).map(Timestamp::as_ms),
            revision: revision.column(),
        }
    }

    fn read(self, applications: &BTreeMap<String, Application>) -> Result<Publication> {
        let cells = Cells::of(publications::Entity, &[&self.api, &self.instance]);
        Ok(Publication {
            api: cells.text("api", &self.api)?,
            instance: cells.text("instance", &self.instance)?,
            status: status(&cells, &self.status, self.status_at)?,
            published_at: self.published_at.map(Timestamp::from_ms),
            application: part(&cells, "application_id", self.application_id, applications)?,
        })
    }
}

impl Stored for Publication {
    type Entity = publications::Entity;

    async fn load(tx: &SqlTransaction, rows: Vec<publications::Model>) -> Result<Vec<Self>> {
        let ids = rows.iter().filter_map(|row| row.application_id.clone()).collect();
        let applications = applications_by_id(tx, ids).await?;
        rows.into_iter().map(|row| row.read(&applications)).collect()
    }
}

impl standings::Model {
    pub fn of(standing: &Standing, revision: Revision) -> Self {
        let grant = standing.grant.as_ref();
        let cut = grant.and_then(|grant| grant.cut);
        let application = standing.application.as_ref();
        Self {
            api: id(&standing.key.api),
            instance: id(&standing.key.instance),
            app: id(&standing.key.app),
            since: grant.map(|grant| grant.since.as_ms()),
            until: grant.map(|grant| grant.until.as_ms()),
            granted_by: grant.map(|grant| id(&grant.by)),
            cut_at: cut.map(|cut| cut.at.as_ms()),
            cut_cause: cut.map(|cut| cut.cause.name().to_owned()),
            application_id: maybe_id(application.map(|a| &a.id)),
            application_until: application.and_then(|a| a.until).map(Timestamp::as_ms),
            cancellation_id: maybe_id(standing.cancellation.as_ref().map(|n| &n.id)),
            shutdown_id: maybe_id(standing.shutdown.as_ref().map(|n| &n.id)),
            paused_from: standing.paused_from.map(Timestamp::as_ms),
            due_at: standing_due_at(standing).map(Timestamp::as_ms),
            revision: revision.column(),
        }
    }

    fn read(
        self,
        applications: &BTreeMap<String, Application>,
        notices: &BTreeMap<String, Notice>,
    ) -> Result<Standing> {
        let cells = Cells::of(standings::Entity, &[&self.api, &self.instance, &self.app]);
        let cut = match (self.cut_at, self.cut_cause.as_deref()) {
            (Some(at), Some(cause)) => {
                Some(Cut { at: Timestamp::from_ms(at), cause: cells.text("cut_cause", cause)? })
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(cells.bad("cut_at")),
        };
        let grant = match (self.since, self.until, self.granted_by.as_deref(), cut) {
            (Some(since), Some(until), Some(by), cut) => Some(Grant {
                since: Timestamp::from_ms(since),
                until: Timestamp::from_ms(until),
                by: cells.text("granted_by", by)?,
                cut,
            }),
            (None, None, None, None) => None,
            _ => return Err(cells.bad("since")),
        };
        Ok(Standing {
            key: Key {
                api: cells.text("api", &self.api)?,
                instance: cells.text("instance", &self.instance)?,
                app: cells.text("app", &self.app)?,
            },
            grant,
            application: part(&cells, "application_id", self.application_id, applications)?,
            cancellation: part(&cells, "cancellation_id", self.cancellation_id, notices)?,
            shutdown: part(&cells, "shutdown_id", self.shutdown_id, notices)?,
            paused_from: self.paused_from.map(Timestamp::from_ms),
        })
    }
}

impl Stored for Standing {
    type Entity = standings::Entity;

    async fn load(tx: &SqlTransaction, rows: Vec<standings::Model>) -> Result<Vec<Self>> {
        let ids = rows.iter().filter_map(|row| row.application_id.clone()).collect();
        let applications = applications_by_id(tx, ids).await?;
        let ids = rows.iter().flat_map(|row| [&row.cancellation_id, &row.shutdown_id]);
        let ids = ids.flatten().cloned().collect();
        let notices = notices_by_id(tx, ids).await?;
        rows.into_iter().map(|row| row.read(&applications, &notices)).collect()
    }
}

async fn applications_by_id(
    tx: &SqlTransaction,
    ids: Vec<String>,
) -> Result<BTreeMap<String, Application>> {
    let rows = rows_in::<applications::Entity>(tx, applications::Column::Id, ids).await?;
    rows.into_iter().map(|row| Ok((row.id.clone(), row.read()?))).collect()
}

async fn notices_by_id(tx: &SqlTransaction, ids: Vec<String>) -> Result<BTreeMap<String, Notice>> {
    let rows = rows_in::<notices::Entity>(tx, notices::Column::Id, ids).await?;
    rows.into_iter().map(|row| Ok((row.id.clone(), row.read()?))).collect()
}

/// What a row refers to.
fn part<T: Clone>(
    cells: &Cells,
    column: &'static str,
    id: Option<String>,
    parts: &BTreeMap<String, T>,
) -> Result<Option<T>> {
    id.map(|id| parts.get(&id).cloned().ok_or_else(|| cells.bad(column))).transpose()
}

impl applications::Model {
    pub fn of(application: &Application) -> Self {
        let verdict = application.verdict.as_ref();
        Self {
            id: id(&application.id),
            kind: application.kind.name().to_owned(),
            api: id(&application.api),
            instance: id(&application.instance),
            app: maybe_id(application.app.as_ref()),
            applicant: id(&application.applicant),
            until: application.until.map(Timestamp::as_ms),
            opened_at: application.opened_at.as_ms(),
            outcome: verdict.map(|verdict| verdict.outcome.name().to_owned()),
            verdict_at: verdict.map(|verdict| verdict.at.as_ms()),
            verdict_by: maybe_id(verdict.and_then(|verdict| verdict.by.as_ref())),
            verdict_comment: verdict.and_then(|verdict| verdict.comment.clone()),
        }
    }

    fn read(self) -> Result<Application> {
        let cells = Cells::of(applications::Entity, &[&self.id]);
        let verdict = match (self.outcome.as_deref(), self.verdict_at) {
            (Some(outcome), Some(at)) => Some(Verdict {
                outcome: cells.text("outcome", outcome)?,
                at: Timestamp::from_ms(at),
                by: cells.maybe("verdict_by", self.verdict_by.as_deref())?,
                comment: self.verdict_comment,
            }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(cells.bad("verdict_at")),
        };
        Ok(Application {
            id: cells.text("id", &self.id)?,
            kind: cells.text("kind", &self.kind)?,
            api: cells.text("api", &self.api)?,
            instance: cells.text("instance", &self.instance)?,
            app: cells.maybe("app", self.app.as_deref())?,
            applicant: cells.text("applicant", &self.applicant)?,
            until: self.until.map(Timestamp::from_ms),
            opened_at: Timestamp::from_ms(self.opened_at),
            verdict,
        })
    }
}

impl notices::Model {
    pub fn of(notice: &Notice) -> Self {
        let closed = notice.closed.as_ref();
        Self {
            id: id(&notice.id),
            kind: notice.kind.name().to_owned(),
            api: id(&notice.key.api),
            instance: id(&notice.key.instance),
            app: id(&notice.key.app),
            sent_by: id(&notice.sent_by),
            sent_at: notice.sent_at.as_ms(),
            deadline: notice.deadline.as_ms(),
            scheduled: notice.scheduled.map(Timestamp::as_ms),
            outcome: closed.map(|closed| closed.outcome.name().to_owned()),
            closed_at: closed.map(|closed| closed.at.as_ms()),
            closed_by: maybe_id(closed.and_then(|closed| closed.by.as_ref())),
        }
    }

    fn read(self) -> Result<Notice> {
        let cells = Cells::of(notices::Entity, &[&self.id]);
        let closed = match (self.outcome.as_deref(), self.closed_at) {
            (Some(outcome), Some(at)) => Some(Closed {
                outcome: cells.text("outcome", outcome)?,
                at: Timestamp::from_ms(at),
                by: cells.maybe("closed_by", self.closed_by.as_deref())?,
            }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(cells.bad("closed_at")),
        };
        Ok(Notice {
            id: cells.text("id", &self.id)?,
            kind: cells.text("kind", &self.kind)?,
            key: Key {
                api: cells.text("api", &self.api)?,
                instance: cells.text("instance", &self.instance)?,
                app: cells.text("app", &self.app)?,
            },
            sent_by: cells.text("sent_by", &self.sent_by)?,
            sent_at: Timestamp::from_ms(self.sent_at),
            deadline: Timestamp::from_ms(self.deadline),
            scheduled: self.scheduled.map(Timestamp::from_ms),
            closed,
        })
    }
}
