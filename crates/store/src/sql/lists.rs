//! Filters as conditions.

use sea_orm::sea_query::{
    Expr, ExprTrait as _, IntoColumnRef, LikeExpr, SelectStatement, SimpleExpr,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use tidegate_domain::publication::Status;
use tidegate_domain::{
    AppKind, ApplicationKind, InstanceId, NoticeOutcome, Outcome, ProjectId, SHARED_INSTANCE,
    Timestamp,
};

use super::cells::Name;
use super::rows::status_name;
use super::tables::{
    api_tags, apis, applications, apps, notices, projects, publications, standings, users,
    workspaces,
};
use crate::{ApiFilter, AppFilter, ApplicationFilter, ListedBy, NoticeFilter};

/// Stands before a character of a pattern that means itself. Not a backslash, which some engines
/// take for an escape in every text.
const ESCAPE: char = '!';

/// Does a lower-cased column contain this part, whatever its case?
fn contains(column: impl ColumnTrait, part: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for c in part.to_lowercase().chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(c);
    }
    pattern.push('%');
    column.like(LikeExpr::new(pattern).escape(ESCAPE))
}

/// One column of the rows that meet a condition.
pub fn select<E: EntityTrait>(_: E, column: E::Column, condition: Condition) -> SelectStatement {
    E::find().select_only().column(column).filter(condition).into_query()
}

/// Is the app that a row names in this column still there?
pub fn app_is_there(named: impl IntoColumnRef) -> SimpleExpr {
    is_there::<apps::Entity>(apps::Column::Id, apps::Column::Deleted, named)
}

/// Is the API that a row names in this column still there?
pub fn api_is_there(named: impl IntoColumnRef) -> SimpleExpr {
    is_there::<apis::Entity>(apis::Column::Id, apis::Column::Deleted, named)
}

/// It is looked up by its id: what is asked of may be one row, and there may be a million things.
fn is_there<E: EntityTrait>(
    id: E::Column,
    deleted: E::Column,
    named: impl IntoColumnRef,
) -> SimpleExpr {
    let same = Expr::col((E::default(), id)).equals(named);
    let gone = Condition::all().add(same).add(deleted.eq(true));
    Expr::exists(select(E::default(), id, gone)).not()
}

/// The ids of projects of an account.
pub fn projects_of(domain_name: &str) -> SelectStatement {
    let named = Condition::all().add(projects::Column::DomainName.eq(domain_name));
    select(projects::Entity, projects::Column::Id, named)
}

pub fn apps(filter: &AppFilter) -> Condition {
    use apps::Column;
    Condition::all()
        .add(Column::Deleted.eq(false))
        .add_option(filter.project.as_ref().map(|id| Column::Project.eq(id.as_str())))
        .add_option(filter.workspace.as_ref().map(|id| {
            let this = Condition::all().add(workspaces::Column::Id.eq(id.as_str()));
            let project = select(workspaces::Entity, workspaces::Column::Project, this);
            let serves = Condition::all()
                .add(Column::Kind.eq(AppKind::Iam.name()))
                .add(Column::Project.in_subquery(project));
            Condition::any().add(Column::Workspace.eq(id.as_str())).add(serves)
        }))
        .add_option(filter.name.as_ref().map(|part| contains(Column::NameLower, part)))
        .add_option(filter.kind.map(|kind| Column::Kind.eq(kind.name())))
}

pub fn apis(filter: &ApiFilter) -> Condition {
    use apis::Column;
    let mut all = Condition::all()
        .add(Column::Deleted.eq(false))
        .add_option(filter.project.as_ref().map(|id| Column::Project.eq(id.as_str())))
        .add_option(filter.workspace.as_ref().map(|id| Column::Workspace.eq(id.as_str())))
        .add_option(filter.throttle.as_ref().map(|name| Column::Throttle.eq(name.as_str())))
        .add_option(filter.name.as_ref().map(|part| contains(Column::NameLower, part)))
        .add_option(
            filter.description.as_ref().map(|part| contains(Column::DescriptionLower, part)),
        )
        .add_option(filter.created_from.map(|from| Column::CreatedAt.gte(from.as_ms())))
        .add_option(filter.created_to.map(|to| Column::CreatedAt.lte(to.as_ms())))
        .add_option(filter.creator.as_ref().map(|part| {
            let named = Condition::all().add(contains(users::Column::NameLower, part));
            Column::CreatedBy.in_subquery(select(users::Entity, users::Column::Id, named))
        }))
        .add_option(filter.published.map(|wish| {
            let answering = Condition::all().add(publications::Column::Status.is_in(answering()));
            let apis = select(publications::Entity, publications::Column::Api, answering);
            if wish { Column::Id.in_subquery(apis) } else { Column::Id.not_in_subquery(apis) }
        }));
    if let Some(wish) = filter.shared {
        let on = |which: Condition| select(publications::Entity, publications::Column::Api, which);
        let shared = publications::Column::Instance;
        let this = if wish { shared.eq(SHARED_INSTANCE) } else { shared.ne(SHARED_INSTANCE) };
        let nowhere = Column::Id.not_in_subquery(on(Condition::all()));
        let here = Column::Id.in_subquery(on(Condition::all().add(this)));
        all = all.add(Condition::any().add(here).add(nowhere));
    }
    for tag in &filter.tags {
        let tagged = Condition::all().add(api_tags::Column::Tag.eq(tag.as_str()));
        all = all.add(Column::Id.in_subquery(select(
            api_tags::Entity,
            api_tags::Column::Api,
            tagged,
        )));
    }
    all
}

/// The publications of a project on an instance that hold a route at `now`.
pub fn holding_route(project: &ProjectId, on: &InstanceId, now: Timestamp) -> Condition {
    use publications::Column;
    let theirs = Condition::all().add(apis::Column::Project.eq(project.as_str()));
    let (unpublishing, _) = status_name(Status::Unpublishing { at: now });
    let gone = Condition::all()
        .add(Column::Status.eq(unpublishing))
        .add(Column::StatusAt.is_not_null())
        .add(Column::StatusAt.lte(now.as_ms()));
    Condition::all()
        .add(Column::Instance.eq(on.as_str()))
        .add(Column::Status.is_in(names_of(Status::holds_route)))
        .add(gone.not())
        .add(Column::Api.in_subquery(living_apis(theirs)))
}

/// The names of the states in which an API answers.
fn answering() -> Vec<&'static str> {
    names_of(Status::answers)
}

/// The names of the states of which something is true.
fn names_of(is_true: impl Fn(Status) -> bool) -> Vec<&'static str> {
    Status::each(Timestamp::MAX)
        .into_iter()
        .filter(|status| is_true(*status))
        .map(|status| status_name(status).0)
        .collect()
}

/// The standings with a grant that is live at `now`.
fn live(now: Timestamp) -> Condition {
    use standings::Column;
    let now = now.as_ms();
    Condition::all()
        .add(Column::Since.lte(now))
        .add(Column::Until.gt(now))
        .add(Condition::any().add(Column::CutAt.is_null()).add(Column::CutAt.gt(now)))
}

/// Those of them whose app did not agree to do without the API.
pub fn counting(now: Timestamp) -> Condition {
    use standings::Column;
    let goes_on =
        Condition::any().add(Column::PausedFrom.is_null()).add(Column::PausedFrom.gt(now.as_ms()));
    live(now).add(goes_on)
}

pub fn listed(by: &ListedBy, now: Timestamp) -> Condition {
    use standings::Column;
    let granted = live(now);
    let now = now.as_ms();
    let ahead = Condition::any()
        .add(Column::ApplicationUntil.is_null())
        .add(Column::ApplicationUntil.gt(now));
    // A renewal goes with its grant, so only an application for a new one counts by itself.
    let for_new = Condition::all()
        .add(applications::Column::Kind.eq(ApplicationKind::Apply.name()))
        .add(applications::Column::Outcome.is_null())
        .add(match by {
            ListedBy::Api(api) => applications::Column::Api.eq(api.as_str()),
            ListedBy::App(app) => applications::Column::App.eq(app.as_str()),
        });
    let for_new = select(applications::Entity, applications::Column::Id, for_new);
    let applied = Condition::all().add(Column::ApplicationId.in_subquery(for_new)).add(ahead);
    let belongs = match by {
        ListedBy::Api(api) => Column::Api.eq(api.as_str()),
        ListedBy::App(app) => Column::App.eq(app.as_str()),
    };
    Condition::all()
        .add(belongs)
        .add(Condition::any().add(granted).add(applied))
        .add(Condition::all().not().add(Expr::exists(unpublished(now))))
}

/// Has the moment of an announced unpublish come for the standing's API on its instance? Whether
/// or not anybody has recorded it.
fn unpublished(now: i64) -> SelectStatement {
    use publications::Column;
    let same = |column: Column, of: standings::Column| {
        Expr::col((publications::Entity, column)).equals((standings::Entity, of))
    };
    let (status, _) = status_name(Status::Unpublishing { at: Timestamp::from_ms(now) });
    publications::Entity::find()
        .select_only()
        .column(Column::Api)
        .filter(same(Column::Api, standings::Column::Api))
        .filter(same(Column::Instance, standings::Column::Instance))
        .filter(Column::Status.eq(status))
        .filter(Column::StatusAt.lte(now))
        .into_query()
}

pub fn applications(filter: &ApplicationFilter) -> Condition {
    use applications::Column;
    let mut all = Condition::all()
        .add_option(filter.applicant.as_ref().map(|id| Column::Applicant.eq(id.as_str())))
        .add_option(filter.pending.map(|pending| {
            if pending { Column::Outcome.is_null() } else { Column::Outcome.is_not_null() }
        }));
    if !filter.kinds.is_empty() {
        all = all.add(Column::Kind.is_in(filter.kinds.iter().map(|kind| kind.name())));
    }
    if !filter.withdrawn {
        let otherwise = Condition::any()
            .add(Column::Outcome.is_null())
            .add(Column::Outcome.ne(Outcome::Withdrawn.name()));
        all = all.add(otherwise);
    }
    let about = Condition::all()
        .add_option(filter.project.as_ref().map(|id| apis::Column::Project.eq(id.as_str())))
        .add_option(filter.workspace.as_ref().map(|id| apis::Column::Workspace.eq(id.as_str())))
        .add_option(filter.reviewer.as_ref().map(|id| apis::Column::Manager.eq(id.as_str())))
        .add_option(filter.api_name.as_ref().map(|part| contains(apis::Column::NameLower, part)));
    if about.is_empty() { all } else { all.add(Column::Api.in_subquery(living_apis(about))) }
}

pub fn notices(filter: &NoticeFilter) -> Condition {
    use notices::Column;
    let mut all = Condition::all().add_option(filter.running.map(|running| {
        if running { Column::Outcome.is_null() } else { Column::Outcome.is_not_null() }
    }));
    if !filter.withdrawn {
        let otherwise = Condition::any()
            .add(Column::Outcome.is_null())
            .add(Column::Outcome.ne(NoticeOutcome::Withdrawn.name()));
        all = all.add(otherwise);
    }
    let about = Condition::all()
        .add_option(filter.project.as_ref().map(|id| apis::Column::Project.eq(id.as_str())))
        .add_option(filter.api_name.as_ref().map(|part| contains(apis::Column::NameLower, part)));
    if !about.is_empty() {
        all = all.add(Column::Api.in_subquery(living_apis(about)));
    }
    let app_side = Condition::any()
        .add_option(filter.owner.as_ref().map(|party| {
            Condition::all()
                .add(apps::Column::Workspace.eq(party.workspace.as_str()))
                .add(apps::Column::Owner.eq(party.user.as_str()))
        }))
        .add_option(
            filter.app_workspace.as_ref().map(|id| apps::Column::Workspace.eq(id.as_str())),
        );
    let mut parties = Condition::any();
    if !app_side.is_empty() {
        let living = Condition::all().add(apps::Column::Deleted.eq(false)).add(app_side);
        let apps = select(apps::Entity, apps::Column::Id, living);
        parties = parties.add(Column::App.in_subquery(apps));
    }
    if let Some(reviewer) = &filter.reviewer {
        let reviews = Condition::all()
            .add(apis::Column::Workspace.eq(reviewer.workspace.as_str()))
            .add(apis::Column::Manager.eq(reviewer.user.as_str()));
        parties = parties.add(Column::Api.in_subquery(living_apis(reviews)));
    }
    if parties.is_empty() { all } else { all.add(parties) }
}

fn living_apis(condition: Condition) -> SelectStatement {
    let living = Condition::all().add(apis::Column::Deleted.eq(false)).add(condition);
    select(apis::Entity, apis::Column::Id, living)
}
