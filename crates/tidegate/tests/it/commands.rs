//! The commands, each used once at least.

use serde_json::Value;

use http::Method;

use crate::support::{Folder, Http, Keys, Ran, Server, WORLD, definition, keys, tidegate};

fn ids(folder: &Folder, words: &[&str]) -> Vec<String> {
    let shown = folder.done(&[words, &["--output", "json"]].concat());
    let answer: Value = serde_json::from_str(&shown).unwrap();
    let records = answer["records"].as_array().unwrap();
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn applications_are_rejected_withdrawn_and_approved() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    let apply = ["grants", "apply", "--api", "weather", "--app", "wallboard", "--for", "3d"];
    folder.done(&apply);
    let listed = folder.done(&["grants", "list", "--api", "weather"]);
    assert!(listed.contains("applied"), "{listed}");
    let waiting = ids(&folder, &["applications", "list"]);
    let reject = ["applications", "reject", &waiting[0], "--reason", "too long"];
    assert_eq!(folder.done(&reject), "rejected 1\n");
    let sent = folder.done(&["applications", "list", "--box", "sent"]);
    assert!(sent.contains("rejected") && sent.contains("too long"), "{sent}");
    let decided = folder.done(&["applications", "list", "--box", "decided"]);
    assert!(decided.contains("rejected"), "{decided}");

    folder.done(&apply);
    let waiting = ids(&folder, &["applications", "list"]);
    assert_eq!(folder.done(&["applications", "withdraw", &waiting[0]]), "withdrawn\n");
    assert!(ids(&folder, &["applications", "list"]).is_empty());
    let nothing = folder.run(&["applications", "approve", "--all"]);
    assert!(nothing.err.contains("nothing waits for you"), "{nothing:?}");

    folder.done(&apply);
    let waiting = ids(&folder, &["applications", "list"]);
    assert_eq!(folder.done(&["applications", "approve", &waiting[0]]), "approved 1\n");
    folder.done(&["grants", "renew", "--api", "weather", "--app", "wallboard", "--for", "9d"]);
    assert!(folder.done(&["grants", "list", "--app", "wallboard"]).contains("renewing"));
    folder.done(&["applications", "approve", "--all"]);
    assert!(folder.done(&["grants", "list", "--app", "wallboard"]).contains("granted"));
    assert_eq!(
        folder.done(&["grants", "give-back", "--api", "weather", "--app", "wallboard"]),
        "given back\n"
    );
    let denied = folder.run(&["call", "--app", "wallboard", "/weather/rome"]);
    assert!(denied.out.contains("X-Tidegate-Reason: cancelled"), "{denied:?}");
}

/// C13: what a list prints can be given to the next command, also where it is another workspace's.
#[test]
fn names_of_another_workspace_are_known_where_they_are_printed() {
    let folder = Folder::new();
    let world = WORLD.replace(
        "    workspaces:\n",
        "    workspaces:\n      - {id: w2, name: lab, members: [{user: lena, role: developer}]}\n",
    );
    let world = world.replace(
        "    users:\n",
        "    users:\n      - {name: lena, access_key: LENAKEY, secret_key: lena-secret}\n",
    );
    let file = folder.file("world.yaml", &world);
    folder.done(&["apply", "-f", &file]);
    let server = Server::serve(&folder);
    let as_user = |name: &str, workspace: &str, words: &[&str]| -> Ran {
        let Keys { access, secret } = keys(name);
        let mut command = tidegate(words);
        command.args(["--endpoint", &server.control, "--project", "p1", "--workspace", workspace]);
        command.args(["--access-key", &access]).env("TIDEGATE_SECRET_KEY", secret);
        command.output().unwrap().into()
    };
    let done = |name: &str, workspace: &str, words: &[&str]| {
        let ran = as_user(name, workspace, words);
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        ran.out
    };
    let http = Http::new();
    let apis = format!("{}/v1/p1/service/apis", server.control);
    let mut definition = definition("orders", "127.0.0.1:9");
    definition["visibility"] = "PROJECT".into();
    let made = http.send(
        Method::POST,
        &apis,
        &[("workspace", "w1")],
        Some(&definition),
        Some(&keys("rita")),
    );
    let api = made.json()["id"].as_str().unwrap_or_else(|| panic!("{:?}", made.body)).to_owned();
    done("rita", "w1", &["apis", "publish", "orders"]);
    done("lena", "w2", &["apps", "create", "probe"]);
    // The first time an id is needed, for nothing of the other's was printed yet.
    let apply = |api: &str| {
        as_user("lena", "w2", &["grants", "apply", "--api", api, "--app", "probe", "--for", "3d"])
    };
    assert_eq!(apply("orders").code, Some(1));
    assert_eq!(apply(&api).code, Some(0));
    assert!(done("rita", "w1", &["applications", "list"]).contains("probe"));
    let grant = ["grants", "authorize", "--api", "orders", "--app", "probe", "--for", "9d"];
    done("rita", "w1", &grant);
    assert!(done("lena", "w2", &["grants", "list", "--app", "probe"]).contains("orders"));
    let pair = ["--api", "orders", "--app", "probe"];
    assert!(done("lena", "w2", &[&["grants", "show"], &pair[..]].concat()).contains("granted"));
    done("lena", "w2", &[&["grants", "renew"], &pair[..], &["--for", "30d"]].concat());
    assert!(done("rita", "w1", &["grants", "list", "--api", "orders"]).contains("probe"));
    done("rita", "w1", &[&["grants", "cancel"], &pair[..]].concat());
    done("lena", "w2", &[&["grants", "give-back"], &pair[..]].concat());
}

#[test]
fn a_refusal_is_told_with_its_code_and_ends_with_one() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    let by_owner = folder.run(&[
        "grants",
        "authorize",
        "--as",
        "owner",
        "--api",
        "weather",
        "--app",
        "wallboard",
        "--for",
        "3d",
    ]);
    assert_eq!(by_owner.code, Some(1));
    assert!(by_owner.err.contains("DLM."), "{by_owner:?}");
    let unknown = folder.run(&["grants", "list", "--api", "nothing"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    let endless = folder.run(&["grants", "authorize", "--api", "weather", "--app", "wallboard"]);
    assert!(endless.err.contains("--until MOMENT or --for SPAN"), "{endless:?}");
    let both = folder.run(&[
        "grants",
        "authorize",
        "--api",
        "weather",
        "--app",
        "wallboard",
        "--for",
        "3d",
        "--until",
        "2099-01-01T00:00Z",
    ]);
    assert_eq!(both.code, Some(2));
}

#[test]
fn notices_are_listed_confirmed_and_withdrawn() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    let on = ["--api", "weather", "--app", "wallboard"];
    folder.done(&[&["grants", "authorize", "--for", "30d"], &on[..]].concat());
    folder.done(&[&["grants", "cancel"], &on[..]].concat());
    let notices = ids(&folder, &["notices", "list"]);
    assert_eq!(folder.done(&["notices", "withdraw", &notices[0]]), "withdrawn: access goes on\n");
    assert!(folder.done(&["grants", "list", "--api", "weather"]).contains("granted"));

    folder.done(&[&["grants", "cancel", "--for", "5d"], &on[..]].concat());
    let listed = folder.done(&["notices", "list"]);
    assert!(listed.contains("unanswered"), "{listed}");
    let notices = ids(&folder, &["notices", "list"]);
    folder.done(&["notices", "confirm", &notices[0]]);
    let denied = folder.run(&["call", "--app", "wallboard", "/weather/rome"]);
    assert!(denied.out.contains("X-Tidegate-Reason: cancelled"), "{denied:?}");
}

#[test]
fn apps_are_made_shown_and_deleted() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    let made = folder.done(&["apps", "create", "billing", "--description", "Sends invoices"]);
    assert!(made.contains("secret"), "{made}");
    assert!(folder.done(&["apps", "list", "--name", "bill"]).contains("billing"));
    assert_eq!(folder.done(&["apps", "show", "billing"]), made);
    let by_reviewer = folder.done(&["apps", "show", "billing", "--as", "reviewer"]);
    let secret = made.lines().find(|line| line.starts_with("secret")).unwrap();
    assert!(!by_reviewer.contains(secret), "{by_reviewer}");
    folder.done(&["apps", "reset-secret", "billing"]);
    assert_ne!(folder.done(&["apps", "show", "billing"]), made);

    let many = ["--api", "weather", "--app", "billing", "--app", "wallboard", "--for", "2d"];
    let granted = folder.done(&[&["grants", "authorize"], &many[..]].concat());
    assert!(granted.starts_with("granted to 2 apps until"), "{granted}");
    let in_use = folder.run(&["apps", "delete", "billing", "--yes"]);
    assert_eq!(in_use.code, Some(1), "{in_use:?}");
    let asked = folder.run(&["apps", "delete", "billing", "--force"]);
    assert!(asked.code == Some(2) && asked.err.contains("give --yes"), "{asked:?}");
    assert!(asked.err.contains("Delete the app billing of owner?"), "{asked:?}");
    let delete = ["apps", "delete", "billing", "--force", "--yes"];
    let colleague = folder.run(&[&delete[..], &["--as", "reviewer"]].concat());
    assert!(colleague.code == Some(1) && colleague.err.contains("not-app-owner"), "{colleague:?}");
    assert_eq!(folder.done(&delete), "deleted\n");
    assert!(!folder.done(&["apps", "list"]).contains("billing"));
}

#[test]
fn apis_are_stopped_recovered_and_taken_offline() {
    let folder = Folder::new();
    let _server = Server::dev(&folder, &[]);
    assert_eq!(folder.done(&["apis", "stop", "weather"]), "now stopped\n");
    let stopped = folder.run(&["call", "--app", "wallboard", "/weather/rome"]);
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    let recover = folder.done(&["apis", "recover", "weather", "--as", "owner"]);
    assert_eq!(recover, "now stopped, waiting for a reviewer to recover it\n");
    folder.done(&["applications", "approve", "--all"]);
    assert!(folder.done(&["apis", "show", "weather"]).contains("published"));

    folder.done(&["grants", "authorize", "--api", "weather", "--app", "wallboard", "--for", "9d"]);
    let instance = ["--instance", "gate-1"];
    let ending = folder.done(&[&["apis", "unpublish", "weather"], &instance[..]].concat());
    assert_eq!(ending, "now published, about to go offline\n");
    let told = folder.done(&["call", "--app", "wallboard", "/weather/rome"]);
    assert!(told.contains("X-Tidegate-Cancelled-At: "), "{told}");
    folder.done(&["clock", "advance", "50h"]);
    let gone = folder.run(&["call", "--app", "wallboard", "/weather/rome"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert_eq!(folder.done(&["apis", "publish", "weather"]), "now published\n");
}
