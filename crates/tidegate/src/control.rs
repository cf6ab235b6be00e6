//! The control side as the commands see it: signed calls, answers as JSON, names in place of ids.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tidegate_domain::Timestamp;

use crate::client::{Answer, Client, Outgoing, Signer};
use crate::clock::wall;
use crate::exit::{SaidNo, misused};
use crate::login::Session;
use crate::out::{cell, is, raw, records};
use crate::wait::Wait;

/// Everything but the unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a gateway says of a path that it does not know: no control side says it.
const NO_ROUTE: &str = "no-route";

/// How many records a list is asked for at a time.
const PAGE: usize = 100;

/// The control side, through the eyes of one user.
pub struct Control {
    client: Client,
    session: Session,
}

/// A text as a part of a path or query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

impl Control {
    /// Talks in this session.
    pub fn new(session: Session) -> anyhow::Result<Self> {
        let client = Client::for_endpoint(&session.endpoint)?;
        Ok(Self { client, session })
    }

    /// GET of a path below the project's service.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// POST of a change that is waited for; tells the headers of the answer.
    pub async fn post_waiting(
        &self,
        path: &str,
        body: &Value,
        wait: &Wait,
    ) -> anyhow::Result<HeaderMap> {
        let mut request = self.request(Method::POST, path, Some(body))?.patient(wait.patience());
        for (name, value) in wait.headers() {
            request = request.header(name, &value)?;
        }
        let answer = self.send(request).await?;
        let headers = answer.headers.clone();
        answered(answer)?;
        Ok(headers)
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        answered(self.send(self.request(method, path, body)?).await?)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Outgoing> {
        let session = &self.session;
        let project = encoded(&session.project);
        let address = format!("{}/v1/{project}/service{path}", session.endpoint);
        let mut request = Outgoing::new(method, address);
        if let Some(body) = body {
            request = request.json(body);
        }
        request = request.header("x-project-id", &session.project)?;
        if let Some(workspace) = &session.workspace {
            request = request.header("workspace", workspace)?;
        }
        Ok(request)
    }

    async fn send(&self, request: Outgoing) -> anyhow::Result<Answer> {
        let session = &self.session;
        let signer =
            Signer { key: &session.access_key, secret: &session.secret_key, as_app: false };
        self.client.send(request.signed(&signer)?).await
    }

    /// All records of a list. `path` has no paging of its own; the records are under `field`.
    pub async fn list(&self, path: &str, field: &str) -> anyhow::Result<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        loop {
            let offset = all.len();
            let page = self.get(&format!("{path}{mark}offset={offset}&limit={PAGE}")).await?;
            let items = records(&page, field);
            all.extend_from_slice(items);
            let total = page.get("total").and_then(Value::as_u64).unwrap_or(0);
            // A list without a total is whole; an empty page ends a list that shrank meanwhile.
            if items.len() < PAGE || all.len() as u64 >= total {
                return Ok(serde_json::json!({ "total": all.len(), field: all }));
            }
        }
    }

    /// The id of an API that is given by its name or id.
    pub async fn api(&self, text: &str) -> anyhow::Result<String> {
        self.named("API", "/apis", "records", text).await
    }

    /// The id of an app that is given by its name or id.
    pub async fn app(&self, text: &str) -> anyhow::Result<String> {
        self.named("app", "/apps", "apps", text).await
    }

    /// The ids of an API and an app that are given by their names or ids. One of them may be another workspace's: it is
    /// known by its name to whoever the other one belongs to, from grants, applications and notices.
    pub async fn pair(&self, api: &str, app: &str) -> anyhow::Result<(String, String)> {
        let api_id = self.api(api).await?;
        let app_id = self.app_beside(api, &api_id, app).await?;
        // What is given by a name gets another text for its id.
        if api_id == api && app_id != app {
            return Ok((self.seen_beside("apps", &app_id, "api", api).await?, app_id));
        }
        Ok((api_id, app_id))
    }

    /// The id of an app that has to do with an API of this name and id.
    pub async fn app_beside(&self, api: &str, api_id: &str, app: &str) -> anyhow::Result<String> {
        let app_id = self.app(app).await?;
        if api_id != api && app_id == app {
            return self.seen_beside("apis", api_id, "app", app).await;
        }
        Ok(app_id)
    }

    /// The id of what is called `text` among all that has to do with something of yours; `text` itself if there is
    /// none. `of` names the list of grants in which it stands, `kind` what it is.
    async fn seen_beside(
        &self,
        of: &str,
        id: &str,
        kind: &str,
        text: &str,
    ) -> anyhow::Result<String> {
        let grants = self.list(&format!("/authorize/{of}/{}", encoded(id)), "records").await?;
        let mut found = BTreeSet::new();
        let (name, id_of) = if kind == "app" { ("app_name", "app_id") } else { ("name", "id") };
        let mut look = |answer: &Value, name: &str, id_of: &str| {
            let named = records(answer, "records").iter().filter(|item| is(item, name, text));
            found.extend(named.map(|item| raw(item, id_of).to_owned()).filter(|id| !id.is_empty()));
        };
        look(&grants, name, id_of);
        let (name, id_of) = (format!("{kind}_name"), format!("{kind}_id"));
        let applications = (0..4).map(|kind| format!("/applys?query_type={kind}"));
        for inbox in applications.chain(["/messages".to_owned()]) {
            if let Ok(answer) = self.list(&inbox, "records").await {
                look(&answer, &name, &id_of);
            }
        }
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (None, _) => Ok(text.to_owned()),
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => misused!("several {kind}s are called `{text}`; give an id"),
        }
    }

    /// The id of an instance that is given by its name or id, or the only one there is.
    pub async fn instance(&self, text: Option<&str>) -> anyhow::Result<String> {
        match text {
            Some(text @ "APIG") => Ok(text.to_owned()),
            Some(text) => self.named("instance", "/instances", "instances", text).await,
            None => {
                let all = self.list("/instances", "instances").await?;
                match records(&all, "instances") {
                    [one] => Ok(raw(one, "id").to_owned()),
                    [] => misused!("the project has no instance; use --instance APIG"),
                    several => {
                        let names: Vec<String> = several.iter().map(|i| cell(i, "name")).collect();
                        misused!("name an instance with --instance: {}", names.join(", "))
                    }
                }
            }
        }
    }

    /// A name of your workspace's is looked up; anything else is taken for an id, for there are
    /// things you may name but not list.
    async fn named(
        &self,
        kind: &str,
        path: &str,
        field: &str,
        text: &str,
    ) -> anyhow::Result<String> {
        let found = self.list(&format!("{path}?name={}", encoded(text)), field).await?;
        let exact: Vec<&Value> =
            records(&found, field).iter().filter(|item| is(item, "name", text)).collect();
        match exact.as_slice() {
            [] => Ok(text.to_owned()),
            [one] => Ok(raw(one, "id").to_owned()),
            several => {
                let ids: Vec<String> = several.iter().map(|item| cell(item, "id")).collect();
                misused!(
                    "{} {kind}s are called `{text}`; give an id: {}",
                    ids.len(),
                    ids.join(", ")
                )
            }
        }
    }

    /// What time it is at the server: a development server's clock may have been moved.
    pub async fn now(&self) -> anyhow::Result<Timestamp> {
        now_at(&self.client, &self.session.endpoint).await
    }
}

/// What time it is at a server.
pub async fn now_at(client: &Client, endpoint: &str) -> anyhow::Result<Timestamp> {
    let asked = Outgoing::new(Method::GET, format!("{endpoint}/dev/clock"));
    let answer = client.send(asked).await?;
    if !answer.status.is_success() {
        return Ok(wall());
    }
    let told: Value = serde_json::from_slice(&answer.body).context("the clock is not JSON")?;
    let now = told.get("now").and_then(Value::as_i64).context("the clock tells no time")?;
    Ok(Timestamp::from_ms(now))
}

/// The JSON of a good answer; a bad one as an error with the server's code and text.
pub fn answered(answer: Answer) -> anyhow::Result<Value> {
    if answer.status.is_success() {
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        return serde_json::from_slice(&answer.body).context("the answer is not JSON");
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let (code, text) = (cell(&told, "error_code"), cell(&told, "error_msg"));
    let reason = answer.header("x-tidegate-reason").unwrap_or_default();
    if reason == NO_ROUTE {
        misused!(
            "what answers there is a gateway, and not a control side: give the control side's address \
             (--endpoint)"
        );
    }
    if code.is_empty() {
        bail!(
            "what answers there is no control side of Tidegate, or a proxy before it: it says {}",
            answer.status
        );
    }
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    Err(SaidNo(format!("{code}{reason}: {text}")).into())
}
