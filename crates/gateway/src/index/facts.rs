//! What an index holds, as text: two indexes with the same facts answer everything alike. For tests,
//! since it shows secrets.

use tidegate_domain::api::Method;
use tidegate_sign::Target;

use super::Index;
use crate::feed::FeedApp;

impl Index {
    /// All the index would ever answer; its routes by what they find for these paths.
    pub fn facts(&self, paths: &[&str]) -> Vec<String> {
        let mut facts = vec![format!("{} {}", self.epoch, self.revision)];
        let show = |app: &FeedApp| {
            let secret = app.secret.as_ref().map(|secret| secret.expose().to_owned());
            format!("{:?} {:?} {:?} {} {secret:?}", app.id, app.domain, app.kind, app.key)
        };
        facts.extend(self.apps.values().map(|app| show(app)));
        facts.extend(self.keys.iter().map(|(key, app)| format!("{key} -> {}", show(app))));
        facts.extend(self.accounts.iter().map(|account| format!("{account:?}")));
        facts.extend(self.tokens.values().map(|token| format!("{token:?}")));
        facts.extend(self.apis.values().map(|api| format!("{:?}", api.feed)));
        for (on, apis) in self.publications.iter() {
            facts.extend(apis.iter().map(|(api, status)| format!("{on} {api} {status:?}")));
        }
        for (place, apps) in self.standings.iter() {
            facts.extend(apps.iter().map(|(app, kept)| format!("{place:?} {app} {kept:?}")));
        }
        for target in paths.iter().filter_map(|path| Target::parse(path).ok()) {
            for method in [Method::Get, Method::Post] {
                facts.push(format!(
                    "{method:?} {} {:?}",
                    target.path(),
                    self.find(method, &target)
                ));
            }
        }
        facts.sort();
        facts
    }
}
