//! The world file: what an operator writes down, as YAML or JSON.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tidegate_control::{InstanceSpec, MemberSpec, ProjectSpec, UserSpec, WorkspaceSpec, World};
use tidegate_domain::name::{check, visible};
use tidegate_domain::{DomainId, HostName, InstanceId, ProjectId, Role, WorkspaceId};
use tidegate_sign::Secret;

/// The longest name, in characters.
const NAME_CHARS: usize = 64;

/// The shortest password, in characters.
const PASSWORD_CHARS: usize = 8;

/// The longest access key, in characters.
const ACCESS_KEY_CHARS: usize = 128;

/// How many different characters a password has at least.
const PASSWORD_DISTINCT: usize = 5;

/// A world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    /// The projects.
    #[serde(default)]
    pub projects: Vec<ProjectFile>,
}

/// A project of a world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectFile {
    /// Its id.
    pub id: String,
    /// Its name: the region an SDK asks for.
    pub name: String,
    /// Its account.
    pub domain: DomainFile,
    /// Its users.
    #[serde(default)]
    pub users: Vec<UserFile>,
    /// Its instances beside `APIG`.
    #[serde(default)]
    pub instances: Vec<InstanceFile>,
    /// Its workspaces.
    #[serde(default)]
    pub workspaces: Vec<WorkspaceFile>,
}

/// An account of a world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DomainFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A user of a world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UserFile {
    /// His name.
    pub name: String,
    /// His password, if he logs in with one.
    #[serde(default)]
    pub password: Option<String>,
    /// His access key, if he signs.
    #[serde(default)]
    pub access_key: Option<String>,
    /// His secret key, if he signs.
    #[serde(default)]
    pub secret_key: Option<String>,
}

/// An instance of a world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The hosts whose calls are its own. Left out, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
}

/// A workspace of a world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceFile {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its members.
    #[serde(default)]
    pub members: Vec<MemberFile>,
}

/// A member of a world file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MemberFile {
    /// The user's name.
    pub user: String,
    /// `admin`, `developer`, `operator` or `viewer`.
    pub role: String,
    /// Is he on the list of reviewers?
    #[serde(default)]
    pub reviewer: bool,
}

impl WorldFile {
    /// The world the file describes, or everything that is wrong with it, a line each.
    pub fn into_world(self) -> Result<World, String> {
        let mut faults = Vec::new();
        once("project", self.projects.iter().map(|project| &project.id), &mut faults);
        let users = || self.projects.iter().flat_map(|project| &project.users);
        once("access_key", users().filter_map(|user| user.access_key.as_ref()), &mut faults);
        let projects =
            self.projects.into_iter().filter_map(|project| project.read(&mut faults)).collect();
        if faults.is_empty() { Ok(World { projects }) } else { Err(faults.join("\n")) }
    }
}

fn id<T, E: std::fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E>,
    what: &str,
    text: &str,
    faults: &mut Vec<String>,
) -> Option<T> {
    let fault = |error: E| format!("{what} `{}`: {error}", visible(text));
    parse(text).map_err(|error| faults.push(fault(error))).ok()
}

fn name(what: &str, text: &str, faults: &mut Vec<String>) {
    let shown = visible(text);
    if !(1..=NAME_CHARS).contains(&text.chars().count()) {
        faults.push(format!("{what} `{shown}`: a name has 1 to {NAME_CHARS} characters"));
    } else if let Err(bad) = check(text) {
        faults.push(format!("{what} `{shown}`: {bad}"));
    }
}

/// Nothing is named twice: which of the two would count is anybody's guess.
fn once<'a>(what: &str, names: impl Iterator<Item = &'a String>, faults: &mut Vec<String>) {
    let (mut seen, mut told) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        if !seen.insert(name) && told.insert(name) {
            faults.push(format!("{what} `{}`: it is there twice", visible(name)));
        }
    }
}

/// A password that a stranger would not guess within the first thousands.
fn is_strong(password: &str) -> bool {
    let distinct: BTreeSet<char> = password.chars().collect();
    let is_number = password.chars().all(|c| c.is_ascii_digit());
    password.chars().count() >= PASSWORD_CHARS && distinct.len() >= PASSWORD_DISTINCT && !is_number
}

/// A key that a client can name in its signature, which is a header with commas between its parts.
fn is_access_key(key: &str) -> bool {
    let plain = |c: u8| c.is_ascii_graphic() && c != b',';
    (1..=ACCESS_KEY_CHARS).contains(&key.len()) && key.bytes().all(plain)
}

impl ProjectFile {
    fn read(self, faults: &mut Vec<String>) -> Option<ProjectSpec> {
        name("project", &self.name, faults);
        name("domain", &self.domain.name, faults);
        once("user", self.users.iter().map(|user| &user.name), faults);
        once("instance", self.instances.iter().map(|instance| &instance.id), faults);
        once("workspace", self.workspaces.iter().map(|workspace| &workspace.id), faults);
        let project = id(ProjectId::parse, "project", &self.id, faults);
        let domain = id(DomainId::parse, "domain", &self.domain.id, faults);
        let users = self.users.into_iter().map(|user| user.read(faults)).collect();
        let instances = self.instances.into_iter().filter_map(|i| i.read(faults)).collect();
        let workspaces = self.workspaces.into_iter().filter_map(|w| w.read(faults)).collect();
        Some(ProjectSpec {
            id: project?,
            name: self.name,
            domain: domain?,
            domain_name: self.domain.name,
            users,
            instances,
            workspaces,
        })
    }
}

impl UserFile {
    fn read(self, faults: &mut Vec<String>) -> UserSpec {
        name("user", &self.name, faults);
        let shown = visible(&self.name);
        if self.access_key.is_some() != self.secret_key.is_some() {
            faults.push(format!("user `{shown}`: access_key and secret_key go together"));
        }
        let empty = [&self.password, &self.access_key, &self.secret_key]
            .into_iter()
            .flatten()
            .any(String::is_empty);
        if empty {
            faults.push(format!("user `{shown}`: leave a key out rather than empty"));
        }
        if self.access_key.as_ref().is_some_and(|key| !key.is_empty() && !is_access_key(key)) {
            faults.push(format!(
                "user `{shown}`: an access_key has 1 to {ACCESS_KEY_CHARS} letters, digits and signs of ASCII, without \
                 blanks, commas and control characters"
            ));
        }
        for (what, text) in [("password", &self.password), ("secret_key", &self.secret_key)] {
            if text.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
                let fault = "has a control character, such as a line break: write it on one line";
                faults.push(format!("user `{shown}`: the {what} {fault}"));
            }
        }
        if self.password.as_ref().is_some_and(|password| !is_strong(password)) {
            faults.push(format!(
                "user `{shown}`: the password is too weak; use at least {PASSWORD_CHARS} characters, \
                 {PASSWORD_DISTINCT} of them different, and not digits alone"
            ));
        }
        UserSpec {
            name: self.name,
            password: self.password.map(Secret::new),
            access_key: self.access_key,
            secret_key: self.secret_key.map(Secret::new),
        }
    }
}

impl InstanceFile {
    fn read(self, faults: &mut Vec<String>) -> Option<InstanceSpec> {
        name("instance", &self.name, faults);
        let what = format!("host of the instance `{}`", visible(&self.id));
        let hosts = self.hosts.map(|hosts| {
            let host = |text: String| id(HostName::parse, &what, &text, faults);
            hosts.into_iter().filter_map(host).collect()
        });
        let id = id(InstanceId::parse, "instance", &self.id, faults)?;
        Some(InstanceSpec { id, name: self.name, hosts })
    }
}

impl WorkspaceFile {
    fn read(self, faults: &mut Vec<String>) -> Option<WorkspaceSpec> {
        name("workspace", &self.name, faults);
        once("member", self.members.iter().map(|member| &member.user), faults);
        let id = id(WorkspaceId::parse, "workspace", &self.id, faults);
        let members = self.members.into_iter().filter_map(|m| m.read(faults)).collect();
        Some(WorkspaceSpec { id: id?, name: self.name, members })
    }
}

impl MemberFile {
    fn read(self, faults: &mut Vec<String>) -> Option<MemberSpec> {
        let Some(role) = Role::from_name(&self.role) else {
            let (user, role) = (visible(&self.user), visible(&self.role));
            faults.push(format!(
                "member `{user}`: the role `{role}` is none of admin, developer, operator, viewer"
            ));
            return None;
        };
        Some(MemberSpec { user: self.user, role, reviewer: self.reviewer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(json: &str) -> Result<World, String> {
        serde_json::from_str::<WorldFile>(json).map_err(|e| e.to_string())?.into_world()
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let fault = file(
            r#"{"projects": [{"id": "p 1", "name": "r", "domain": {"id": "d", "name": "d"},
                "users": [{"name": "u", "access_key": "AK"}],
                "instances": [{"id": "", "name": "i"}, {"id": "i", "name": "i",
                    "hosts": ["http://a.example", "a.example:80", "b\u00fccher.example"]}],
                "workspaces": [{"id": "w", "name": "w", "members": [{"user": "u", "role": "god"}]}]
            }]}"#,
        )
        .err()
        .unwrap();
        for part in [
            "`p 1`",
            "secret_key go together",
            "instance ``",
            "`god`",
            "host of the instance `i` `http://a.example`",
            "`a.example:80`",
            "xn-- form",
        ] {
            assert!(fault.contains(part), "{part} is missing in {fault}");
        }
    }

    #[test]
    fn nothing_is_named_twice_and_no_password_is_weak() {
        let project = |more: &str| {
            format!(r#"{{"id": "p", "name": "r", "domain": {{"id": "d", "name": "d"}}{more}}}"#)
        };
        let twice = file(&format!(r#"{{"projects": [{p}, {p}]}}"#, p = project(""))).err().unwrap();
        assert_eq!(twice, "project `p`: it is there twice");
        for password in ["12345", "1234567890", "aaaaaaaaaa", "abcdabcd", "Pw-1"] {
            let users = format!(r#", "users": [{{"name": "u", "password": "{password}"}}]"#);
            let fault = file(&format!(r#"{{"projects": [{}]}}"#, project(&users))).err().unwrap();
            assert!(fault.contains("too weak") && !fault.contains(password), "{fault}");
        }
        let two = |what: &str, one: &str| project(&format!(r#", "{what}": [{one}, {one}]"#));
        let member = r#"{"user": "u", "role": "viewer"}"#;
        let shop = |members: &str| format!(r#"{{"id": "w", "name": "w", "members": [{members}]}}"#);
        for (project, fault) in [
            (two("users", r#"{"name": "u"}"#), "user `u`: it is there twice"),
            (two("instances", r#"{"id": "i", "name": "i"}"#), "instance `i`: it is there twice"),
            (two("workspaces", &shop("")), "workspace `w`: it is there twice"),
            (
                project(&format!(r#", "workspaces": [{}]"#, shop(&format!("{member}, {member}")))),
                "member `u`: it is there twice",
            ),
        ] {
            let found = file(&format!(r#"{{"projects": [{project}]}}"#)).err();
            assert_eq!(found.as_deref(), Some(fault));
        }
    }

    /// A key that no client could sign with would never let anybody in.
    #[test]
    fn an_access_key_that_cannot_be_signed_with_is_refused_with_its_user() {
        let world = |access: &str, secret: &str, password: &str| {
            let user = serde_json::json!({
                "name": "u", "access_key": access, "secret_key": secret, "password": password
            });
            let project = serde_json::json!({
                "id": "p", "name": "r", "domain": {"id": "d", "name": "d"}, "users": [user]
            });
            file(&serde_json::json!({ "projects": [project] }).to_string())
        };
        for key in [
            "A B",
            " AK",
            "AK ",
            "AK\n",
            "A\tK",
            "A\u{0}K",
            "A\u{a0}K",
            "É",
            "A,K",
            &"A".repeat(129),
        ] {
            let fault = world(key, "secret", "long-enough-1").err().unwrap();
            assert!(fault.starts_with("user `u`: an access_key has 1 to 128"), "{key:?}: {fault}");
        }
        for key in ["A", "AK+/=-_.:~", &"A".repeat(128)] {
            assert!(world(key, "any secret", "long-enough 1").is_ok(), "{key}");
        }
        for (secret, password, what) in
            [("sec\n", "long-enough-1", "secret_key"), ("sec", "long-enough-1\n", "password")]
        {
            let fault = world("AK", secret, password).err().unwrap();
            assert_eq!(
                fault,
                format!(
                    "user `u`: the {what} has a control character, such as a line break: write it on one line"
                )
            );
        }
    }

    #[test]
    fn names_that_cannot_be_distinguished_by_eye_are_refused_with_the_rule() {
        let world = |kind: &str, name: &str| {
            let of = |it: &str| if it == kind { name.to_owned() } else { it.to_owned() };
            file(
                &serde_json::json!({ "projects": [{
                    "id": "p", "name": of("project"), "domain": {"id": "d", "name": of("domain")},
                    "users": [{"name": of("user")}], "instances": [{"id": "i", "name": of("instance")}],
                    "workspaces": [{"id": "w", "name": of("workspace"), "members": []}],
                }]})
                .to_string(),
            )
        };
        for kind in ["project", "domain", "user", "instance", "workspace"] {
            for good in ["订单", "Zoë", "a b"] {
                assert!(world(kind, good).is_ok(), "{kind} {good}");
            }
            for (bad, shown, why) in [
                ("a\u{2800}b", "a\\u{2800}b", "U+2800 in it is an invisible character"),
                ("a\u{fe0f}", "a\\u{fe0f}", "U+FE0F in it is a variation selector"),
                ("a\n", "a\\n", "U+000A in it is a control character"),
                ("a  b", "a  b", "a name has no two blanks in a row"),
                ("e\u{301}", "e\u{301}", "a name is written in Unicode's composed form (NFC)"),
                ("", "", "a name has 1 to 64 characters"),
            ] {
                let fault = world(kind, bad).err().unwrap();
                assert!(fault.starts_with(&format!("{kind} `{shown}`: {why}")), "{fault}");
                assert!(!fault.contains('\n'), "{fault}");
            }
        }
    }

    #[test]
    fn a_misspelled_key_is_a_fault() {
        assert!(file(r#"{"project": []}"#).is_err());
        assert!(file(r#"{"projects": []}"#).is_ok());
    }
}
