use serde_json::{Value, json};
use tidegate_domain::Timestamp;

use super::*;

fn parse(body: &Value) -> Result<TokenRequest, IamFault> {
    TokenRequest::parse(body.to_string().as_bytes())
}

fn by_password() -> Value {
    json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": {
            "name": "ann", "password": "hunter2", "domain": { "name": "acme" } } } },
        "scope": { "project": { "name": "cn-north-4" } },
    } })
}

#[test]
fn by_name_and_password_for_a_project() {
    let request = parse(&by_password()).ok().unwrap();
    assert_eq!(request.scope, Some(Scope::Project(ProjectChoice::Name("cn-north-4".into()))));
    let Identity::Password { user, domain, password } = &request.identity else {
        panic!("another method")
    };
    assert_eq!(user, "ann");
    assert_eq!(domain, &Some(Account::Name("acme".into())));
    assert_eq!(password.expose(), "hunter2");
    assert_eq!(request.identity.method().as_str(), "password");
}

#[test]
fn by_id_and_password_for_an_account() {
    let mut body = by_password();
    body["auth"]["identity"]["password"]["user"] = json!({ "id": "u1", "password": "p" });
    body["auth"]["scope"] = json!({ "domain": { "id": "d1" } });
    body["auth"]["unheard_of"] = json!(1);
    let request = parse(&body).ok().unwrap();
    assert_eq!(request.scope, Some(Scope::Domain(Account::Id("d1".into()))));
    assert!(
        matches!(request.identity, Identity::Password { user, domain: None, .. } if user == "u1")
    );
}

#[test]
fn by_token_and_by_access_key() {
    let token = json!({ "auth": {
        "identity": { "methods": ["token"], "token": { "id": "t" } },
        "scope": { "project": { "id": "p1" } } } });
    let request = parse(&token).ok().unwrap();
    assert!(matches!(&request.identity, Identity::Token { token } if token.expose() == "t"));
    assert_eq!(request.scope, Some(Scope::Project(ProjectChoice::Id("p1".into()))));

    let keys = json!({ "auth": { "identity": { "methods": ["hw_ak_sk"], "hw_ak_sk": {
        "access": { "key": "AK" }, "secret": { "key": "SK" } } } } });
    let request = parse(&keys).ok().unwrap();
    assert_eq!(request.scope, None);
    assert!(matches!(&request.identity, Identity::AccessKey { access, secret }
        if access == "AK" && secret.expose() == "SK"));
}

#[test]
fn what_is_missing_is_named() {
    for (pointer, with, names) in [
        ("/auth", json!(null), "`auth`"),
        ("/auth/identity", json!(null), "`auth.identity`"),
        ("/auth/identity/methods", json!([]), "methods"),
        ("/auth/identity/methods", json!(["password", "totp"]), "totp"),
        ("/auth/identity/methods", json!(["saml"]), "password, token and hw_ak_sk"),
        ("/auth/identity/methods", json!(["token"]), "token.id"),
        ("/auth/identity/methods", json!(["hw_ak_sk"]), "hw_ak_sk"),
        ("/auth/identity/password", json!({}), "password.user"),
        ("/auth/identity/password/user/password", json!(""), "user.password"),
        ("/auth/identity/password/user/name", json!(null), "user.name"),
        ("/auth/identity/password/user/domain", json!(null), "user.domain"),
        ("/auth/scope", json!({ "project": {}, "domain": {} }), "name one"),
        ("/auth/scope", json!({ "project": {} }), "scope.project.name"),
    ] {
        let mut body = by_password();
        *body.pointer_mut(pointer).unwrap() = with;
        let fault = parse(&body).err().unwrap();
        assert_eq!(fault.code, 400);
        assert!(fault.message.contains(names), "{pointer}: {}", fault.message);
    }
}

#[test]
fn a_password_in_the_wrong_place_is_not_repeated() {
    for body in [
        json!({ "auth": { "identity": { "methods": ["password"], "password": "hunter2" } } }),
        json!({ "auth": "hunter2" }),
        json!({ "auth": { "identity": { "methods": ["hunter2"] } } }),
    ] {
        let fault = parse(&body).err().unwrap();
        assert!(!fault.message.contains("hunter2"), "{}", fault.message);
    }
}

fn subject(project: bool) -> Subject {
    let domain = DomainRef { id: "d1".into(), name: "acme".into() };
    Subject {
        user_id: "u1".into(),
        user_name: "ann".into(),
        project: project.then(|| ProjectRef {
            id: "p1".into(),
            name: "cn-north-4".into(),
            domain: domain.clone(),
        }),
        domain,
        roles: vec![RoleRef::named("te_admin")],
    }
}

#[test]
fn the_answer_has_the_shape_clients_know() {
    let issued = Timestamp::from_ms(1_609_495_200_000);
    let expires = issued.plus_ms(86_400_000);
    let answer = TokenAnswer::new(Method::Password, subject(true), issued, expires);
    let domain = json!({ "id": "d1", "name": "acme" });
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({ "token": {
            "methods": ["password"],
            "issued_at": "2021-01-01T10:00:00.000000Z",
            "expires_at": "2021-01-02T10:00:00.000000Z",
            "user": { "id": "u1", "name": "ann", "domain": domain, "password_expires_at": "" },
            "project": { "id": "p1", "name": "cn-north-4", "domain": domain },
            "roles": [{ "id": "0", "name": "te_admin" }],
            "catalog": [],
        } })
    );
    let answer = TokenAnswer::new(Method::Token, subject(false), issued, expires);
    let answer = serde_json::to_value(answer).unwrap();
    assert_eq!(answer["token"]["domain"], domain);
    assert_eq!(answer["token"].get("project"), None);
}

#[test]
fn projects_and_faults() {
    let list = ProjectList { projects: vec![ProjectDto::new("p1", "cn-north-4", "d1")] };
    let list = serde_json::to_value(list).unwrap();
    assert_eq!(list["projects"][0]["id"], "p1");
    assert_eq!(list["projects"][0]["name"], "cn-north-4");
    assert_eq!(list["projects"][0]["domain_id"], "d1");
    assert_eq!(list["projects"][0]["enabled"], true);

    let body = IamErrorBody::from(&IamFault::unauthorized());
    assert_eq!(
        serde_json::to_value(body).unwrap(),
        json!({ "error": {
            "code": 401,
            "message": "The user name, password, key or token is incorrect.",
            "title": "Unauthorized",
        } })
    );
    for (fault, title) in [
        (IamFault::bad_request("x"), "Bad Request"),
        (IamFault::forbidden(), "Forbidden"),
        (IamFault::not_found("the token"), "Not Found"),
    ] {
        assert_eq!(fault.title(), title);
    }
}
