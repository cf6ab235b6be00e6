//! Whose calls a host's are: which project serves without hosts, and who holds a route where.

use tidegate_control::{
    ApiAction, Caller, Change, Command, InstanceSpec, MemberSpec, Outcome, ProjectSpec, UserSpec,
    WorkspaceSpec, WorldError,
};
use tidegate_domain::publication::Status;
use tidegate_domain::{
    ApiId, DomainId, HostName, InstanceId, ProjectId, Refusal, Role, WorkspaceId,
};
use tidegate_sign::Secret;
use tidegate_store::Revision;
use tidegate_testkit::{World, draft, hour, instance, project, spec};

const SPARE: &str = "spare";

/// Another account with a project that has an instance of the same id, and somebody who may do anything.
fn second(hosts: Option<&[&str]>) -> ProjectSpec {
    ProjectSpec {
        id: ProjectId::parse("project-2").unwrap(),
        name: "local-2".to_owned(),
        domain: DomainId::parse("domain-2").unwrap(),
        domain_name: "evil".to_owned(),
        users: vec![UserSpec {
            name: "eve".to_owned(),
            password: None,
            access_key: Some("ak-eve".to_owned()),
            secret_key: Some(Secret::new("sk-eve")),
        }],
        instances: vec![hosting(instance().as_str(), hosts)],
        workspaces: vec![WorkspaceSpec {
            id: WorkspaceId::parse("ws-evil").unwrap(),
            name: "ws-evil".to_owned(),
            members: vec![MemberSpec { user: "eve".to_owned(), role: Role::Admin, reviewer: true }],
        }],
    }
}

fn hosting(id: &str, hosts: Option<&[&str]>) -> InstanceSpec {
    let parse = |host: &&str| HostName::parse(host).unwrap();
    InstanceSpec {
        id: InstanceId::parse(id).unwrap(),
        name: id.to_owned(),
        hosts: hosts.map(|hosts| hosts.iter().map(parse).collect()),
    }
}

/// What the first project's instances name.
fn first(instances: Vec<InstanceSpec>) -> ProjectSpec {
    let mut spec = spec().projects.remove(0);
    spec.instances = instances;
    spec
}

async fn apply(world: &World, projects: Vec<ProjectSpec>) -> Result<Vec<Change>, WorldError> {
    world.control.apply(&tidegate_control::World { projects }, false, world.now()).await
}

async fn refused(world: &World, projects: Vec<ProjectSpec>) -> String {
    apply(world, projects).await.err().unwrap().to_string()
}

async fn eve(world: &World) -> Caller {
    let known = world.control.access_key("ak-eve").await.unwrap().unwrap();
    let (project, workspace) =
        (ProjectId::parse("project-2").unwrap(), WorkspaceId::parse("ws-evil"));
    Caller { user: known.0.user, project, workspace: workspace.ok(), edition: None }
}

async fn does(world: &World, caller: &Caller, command: Command) -> Result<Outcome, Refusal> {
    match world.control.execute(caller, command, world.now()).await {
        Ok(receipt) => Ok(receipt.outcome),
        Err(tidegate_control::Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("something broke: {error}"),
    }
}

async fn eves_api(world: &World, path: &str) -> ApiId {
    let mut draft = draft(&path.replace('/', "-"), path);
    draft.manager = "eve".to_owned();
    match does(world, &eve(world).await, Command::CreateApi(draft)).await {
        Ok(Outcome::Api(id)) => id,
        Ok(_) | Err(_) => panic!("an API was made"),
    }
}

async fn eve_publishes(world: &World, api: &ApiId) -> Result<(), Refusal> {
    let publish = Command::Publish { api: api.clone(), instance: instance() };
    does(world, &eve(world).await, publish).await.map(drop)
}

/// What gateways are told.
async fn told_default(world: &World) -> Option<String> {
    let told = world.control.changes(Revision(0)).await.unwrap().changes;
    told.default_project.map(|project| project.to_string())
}

#[tokio::test]
async fn one_project_serves_without_hosts_until_nothing_of_it_is_left_there() {
    let mut world = World::new().await;
    apply(&world, vec![second(None)]).await.unwrap();
    assert_eq!(told_default(&world).await.as_deref(), Some(project().as_str()));
    // Not even a path of its own.
    let api = eves_api(&world, "/mine").await;
    let needed = Refusal::HostsNeeded { instance: instance() };
    assert_eq!(eve_publishes(&world, &api).await, Err(needed.clone()));

    // What stopped holds its route, and so the hosts.
    world.does("reviewer", world.on_api(ApiAction::Stop(None))).await;
    assert_eq!(eve_publishes(&world, &api).await, Err(needed.clone()));

    world.does("reviewer", world.on_api(ApiAction::Unpublish(None))).await;
    eve_publishes(&world, &api).await.unwrap();
    assert_eq!(told_default(&world).await.as_deref(), Some("project-2"));
    let publish = Command::Publish { api: world.api.clone(), instance: instance() };
    assert_eq!(world.try_to("reviewer", publish.clone()).await.err(), Some(needed.clone()));
    // An application is refused like a publication, and so is its approval.
    assert_eq!(world.try_to("developer", publish).await.err(), Some(needed));
    world.go_to(hour(1));
}

#[tokio::test]
async fn an_announced_end_that_has_come_frees_the_hosts_before_anybody_records_it() {
    let mut world = World::new().await;
    apply(&world, vec![second(None)]).await.unwrap();
    let until = Some(hour(1_000));
    world.does("reviewer", world.on_grant(tidegate_control::GrantAction::Authorize(until))).await;
    world.does("reviewer", world.on_api(ApiAction::Unpublish(Some(hour(100))))).await;
    let api = eves_api(&world, "/mine").await;
    world.go_to(hour(99));
    let needed = Refusal::HostsNeeded { instance: instance() };
    assert_eq!(eve_publishes(&world, &api).await, Err(needed));
    world.go_to(hour(100));
    eve_publishes(&world, &api).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_names_hosts_is_apart() {
    let world = World::new().await;
    apply(&world, vec![second(Some(&["API.evil.example"]))]).await.unwrap();
    let api = eves_api(&world, "/orders/{nr}").await;
    eve_publishes(&world, &api).await.unwrap();
    assert_eq!(told_default(&world).await.as_deref(), Some(project().as_str()));
    let told = world.control.changes(Revision(0)).await.unwrap().changes.instances;
    let named: Vec<_> = told.iter().filter(|instance| !instance.hosts.is_empty()).collect();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].hosts, [HostName::parse("api.evil.example").unwrap()]);
    // Hosts that are not mentioned stay, and what holds routes keeps some.
    assert_eq!(apply(&world, vec![second(None)]).await.unwrap(), []);
    let said = refused(&world, vec![second(Some(&[]))]).await;
    assert!(said.contains("cannot go without hosts while the API"), "{said}");
    let moved = apply(&world, vec![second(Some(&["b.example"]))]).await.unwrap();
    assert_eq!(moved.len(), 1);
}

#[tokio::test]
async fn a_host_leads_to_one_instance_of_the_installation() {
    let world = World::new().await;
    let main = instance();
    for (mine, theirs, part) in [
        (&["a.example"][..], &["A.example"][..], "the host a.example is named by the instance"),
        (&["a.example", "a.example"], &[], "names a host twice"),
    ] {
        let first = first(vec![hosting(main.as_str(), Some(mine))]);
        let said = refused(&world, vec![first, second(Some(theirs))]).await;
        assert!(said.contains(part), "{said}");
    }
    let many: Vec<String> = (0..33).map(|n| format!("h{n}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = refused(&world, vec![second(Some(&many))]).await;
    assert!(said.contains("more than 32 hosts"), "{said}");

    // In one file a host may go from one to the other, whatever their order.
    apply(&world, vec![second(Some(&["a.example"]))]).await.unwrap();
    let said = refused(&world, vec![first(vec![hosting(SPARE, Some(&["a.example"]))])]).await;
    assert!(said.contains("project-2"), "{said}");
    let takes = first(vec![hosting(SPARE, Some(&["a.example"]))]);
    apply(&world, vec![takes, second(Some(&["b.example"]))]).await.unwrap();
}

#[tokio::test]
async fn the_shared_instance_of_a_project_may_name_hosts_too() {
    let world = World::new().await;
    apply(&world, vec![second(None)]).await.unwrap();
    let mut spec = second(None);
    spec.instances = vec![InstanceSpec {
        name: "APIG".to_owned(),
        ..hosting("APIG", Some(&["shared.evil.example"]))
    }];
    apply(&world, vec![spec]).await.unwrap();
    let api = eves_api(&world, "/mine").await;
    let publish = Command::Publish { api: api.clone(), instance: InstanceId::shared() };
    does(&world, &eve(&world).await, publish).await.unwrap();
    // It goes on naming them when it is not mentioned.
    assert_eq!(apply(&world, vec![second(None)]).await.unwrap(), []);
}

#[tokio::test]
async fn a_route_is_taken_in_the_whole_host_space() {
    let mut world = World::new().await;
    let spare = InstanceId::parse(SPARE).unwrap();
    apply(&world, vec![first(vec![hosting(SPARE, None)])]).await.unwrap();
    let rival = world.new_api(draft("rival", "/orders/{number}")).await;
    let on = |instance: &InstanceId| {
        let (api, instance) = (rival.clone(), instance.clone());
        Command::Publish { api, instance }
    };
    let taken = Refusal::RouteTaken {
        by: "the API orders".to_owned(),
        path: "/orders/{id}".to_owned(),
        instance: instance(),
    };
    for place in [instance(), spare.clone(), InstanceId::shared()] {
        assert_eq!(world.try_to("reviewer", on(&place)).await.err(), Some(taken.clone()));
        assert_eq!(world.try_to("developer", on(&place)).await.err(), Some(taken.clone()));
    }
    // The same API may be there on several, and another method is another route.
    let again = Command::Publish { api: world.api.clone(), instance: spare.clone() };
    world.does("reviewer", again).await;
    // With hosts of its own, an instance has routes of its own.
    let named = first(vec![hosting("named", Some(&["n.example"]))]);
    apply(&world, vec![named]).await.unwrap();
    world.does("reviewer", on(&InstanceId::parse("named").unwrap())).await;

    // What time has freed is free, and gateways hear of both at once.
    let until = Some(hour(1_000));
    world.does("reviewer", world.on_grant(tidegate_control::GrantAction::Authorize(until))).await;
    let here = Command::ActOnApi {
        api: world.api.clone(),
        instance: spare,
        action: ApiAction::Unpublish(None),
    };
    world.does("reviewer", here).await;
    world.does("reviewer", world.on_api(ApiAction::Unpublish(Some(hour(100))))).await;
    world.go_to(hour(100));
    let before = world.control.changes(Revision(0)).await.unwrap().changes.head;
    world.does("reviewer", on(&instance())).await;
    let told = world.control.changes(before).await.unwrap().changes.publications;
    let mut told: Vec<_> = told.iter().map(|p| (p.api == rival, p.status)).collect();
    told.sort_by_key(|(is_rival, _)| *is_rival);
    assert_eq!(told, [(false, Status::Offline), (true, Status::Published)]);
}
