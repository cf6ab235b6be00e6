//! The plan of a backend call: a backend's definition, read once when it arrives, and filled in on
//! every call from the one [`Target`] that was signed and routed.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tidegate_sign::Target;

use crate::denial::{Denial, Reason};
use crate::feed::{Backend, Constant, Moved, Position};
use crate::headers;
use crate::limits::ADDRESS_BYTES;

/// Everything but the unreserved characters of RFC 3986: as it is signed, so it is sent.
pub(crate) const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A backend's definition, ready to be filled in.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) method: Method,
    path: Vec<Piece>,
    moved: Vec<Moved>,
    constants: Vec<Constant>,
}

/// A part of the path's template.
#[derive(Debug)]
enum Piece {
    Text(String),
    Var(String),
}

impl Plan {
    /// Reads a definition. `placeholders` are the names in the API's own path.
    pub(crate) fn read(backend: &Backend, placeholders: &[&str]) -> Result<Self, String> {
        let path = pieces(&backend.path)?;
        let plan = Self {
            method: match backend.method {
                tidegate_domain::api::Method::Get => Method::GET,
                tidegate_domain::api::Method::Post => Method::POST,
            },
            path,
            moved: backend.moved.clone(),
            constants: backend.constants.clone(),
        };
        plan.check(placeholders)?;
        Ok(plan)
    }

    fn check(&self, placeholders: &[&str]) -> Result<(), String> {
        for piece in &self.path {
            if let Piece::Var(name) = piece {
                let moved = self.moved_to(Position::Path).any(|m| m.backend_name == *name);
                let constant = self.constants_at(Position::Path).any(|c| c.name == *name);
                if !moved && !constant && !placeholders.contains(&name.as_str()) {
                    return Err(format!("nothing fills {{{name}}} in the backend's path"));
                }
            }
        }
        for constant in &self.constants {
            let fits = match constant.position {
                Position::Path => is_segment(&constant.value),
                Position::Query => true,
                Position::Header => HeaderValue::from_bytes(constant.value.as_bytes()).is_ok(),
            };
            if !fits {
                return Err(format!("the constant {} cannot be sent", constant.name));
            }
        }
        let moved = self.moved_to(Position::Header).map(|m| &m.backend_name);
        let constants = self.constants_at(Position::Header).map(|c| &c.name);
        for name in moved.chain(constants) {
            let parsed = HeaderName::from_bytes(name.as_bytes());
            if !parsed.is_ok_and(|name| headers::may_be_set_by_author(&name)) {
                return Err(format!("the header {name} cannot be sent to a backend"));
            }
        }
        for moved in &self.moved {
            let known = match moved.position {
                Position::Path => placeholders.contains(&moved.name.as_str()),
                Position::Query => true,
                Position::Header => HeaderName::from_bytes(moved.name.as_bytes()).is_ok(),
            };
            if !known {
                return Err(format!("the API has no parameter {}", moved.name));
            }
        }
        Ok(())
    }

    /// Do headers depend on other parts of a call, or other parts on headers?
    pub(crate) fn changes_headers(&self) -> bool {
        let moves = |m: &Moved| [m.position, m.backend_position].contains(&Position::Header);
        self.moved.iter().any(moves) || self.constants_at(Position::Header).next().is_some()
    }

    fn moved_to(&self, position: Position) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(move |m| m.backend_position == position)
    }

    fn moved_from(&self, position: Position) -> impl Iterator<Item = &Moved> {
        self.moved.iter().filter(move |m| m.position == position)
    }

    fn constants_at(&self, position: Position) -> impl Iterator<Item = &Constant> {
        self.constants.iter().filter(move |c| c.position == position)
    }

    /// The path and query for the backend. Headers that are mapped are changed in `headers`, which
    /// are those that will be sent on.
    ///
    /// The query goes out in the order it was signed in (by name, then value): the order in which it
    /// came is covered by no signature, so it must not reach the backend.
    pub(crate) fn fill(
        &self,
        target: &Target,
        placeholders: &[(usize, String)],
        headers: &mut HeaderMap,
    ) -> Result<String, Denial> {
        if self.moved.is_empty() && self.constants.is_empty() {
            let mut address = self.path(&[], target, placeholders)?;
            if !target.canonical_query().is_empty() {
                address.push(if address.contains('?') { '&' } else { '?' });
                address.push_str(target.canonical_query());
            }
            return fits(address);
        }
        let mut pairs: Vec<(&str, &str)> = target.query().collect();
        pairs.sort_unstable();

        let mut in_path: Vec<(&str, String)> = Vec::new();
        let mut in_query: Vec<(&str, String)> = Vec::new();
        let mut in_headers: Vec<(&str, String)> = Vec::new();
        for moved in &self.moved {
            let values = self.values(moved, target, placeholders, &pairs, headers)?;
            let one_at_most = moved.backend_position != Position::Query;
            if one_at_most && values.len() > 1 {
                return Err(bad(&moved.name, "was sent more than once"));
            }
            for value in values {
                let place = match moved.backend_position {
                    Position::Path => &mut in_path,
                    Position::Query => &mut in_query,
                    Position::Header => &mut in_headers,
                };
                place.push((&moved.backend_name, value));
            }
        }

        let path = self.path(&in_path, target, placeholders)?;
        // What has a name of the author's cannot be sent under it by a caller.
        pairs.retain(|(name, _)| {
            !self.moved_from(Position::Query).any(|m| m.name == *name)
                && !self.moved_to(Position::Query).any(|m| m.backend_name == *name)
                && !self.constants_at(Position::Query).any(|c| c.name == *name)
        });
        let passed = pairs.into_iter();
        let mapped = in_query.iter().map(|(name, value)| (*name, value.as_str()));
        let constant =
            self.constants_at(Position::Query).map(|c| (c.name.as_str(), c.value.as_str()));
        let address = with_query(path, passed.chain(mapped).chain(constant));

        for moved in self.moved_from(Position::Header) {
            headers.remove(moved.name.as_str());
        }
        for moved in self.moved_to(Position::Header) {
            headers.remove(moved.backend_name.as_str());
        }
        let constant =
            self.constants_at(Position::Header).map(|c| (c.name.as_str(), c.value.clone()));
        for (name, value) in in_headers.into_iter().chain(constant) {
            let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
            let value = HeaderValue::from_bytes(value.as_bytes()).ok();
            match parsed.zip(value) {
                Some((name, value)) => headers.insert(name, value),
                None => return Err(bad(name, "cannot be a header")),
            };
        }

        fits(address)
    }

    /// What the caller sent for a parameter.
    fn values(
        &self,
        moved: &Moved,
        target: &Target,
        placeholders: &[(usize, String)],
        pairs: &[(&str, &str)],
        headers: &HeaderMap,
    ) -> Result<Vec<String>, Denial> {
        let mut values: Vec<String> = match moved.position {
            Position::Path => placeholder(&moved.name, target, placeholders)
                .map(str::to_owned)
                .into_iter()
                .collect(),
            Position::Query => pairs
                .iter()
                .filter(|(name, _)| *name == moved.name)
                .map(|(_, value)| (*value).to_owned())
                .collect(),
            Position::Header => {
                let mut values = Vec::new();
                for value in headers.get_all(moved.name.as_str()) {
                    let text = std::str::from_utf8(value.as_bytes())
                        .map_err(|_| bad(&moved.name, "is not UTF-8"))?;
                    values.push(text.to_owned());
                }
                values
            }
        };
        if values.is_empty() {
            match (&moved.default, moved.required) {
                (Some(default), _) => values.push(default.clone()),
                (None, true) => return Err(bad(&moved.name, "is missing, or is not signed")),
                (None, false) => {}
            }
        }
        Ok(values)
    }

    fn path(
        &self,
        moved: &[(&str, String)],
        target: &Target,
        placeholders: &[(usize, String)],
    ) -> Result<String, Denial> {
        let mut path =
            String::with_capacity(target.path().len() + target.canonical_query().len() + 64);
        for piece in &self.path {
            let name = match piece {
                Piece::Text(text) => {
                    path.push_str(text);
                    continue;
                }
                Piece::Var(name) => name,
            };
            let value = moved
                .iter()
                .find(|(var, _)| var == name)
                .map(|(_, value)| value.as_str())
                .or_else(|| {
                    self.constants_at(Position::Path)
                        .find(|c| c.name == *name)
                        .map(|c| c.value.as_str())
                })
                .or_else(|| placeholder(name, target, placeholders))
                .ok_or_else(|| bad(name, "is missing"))?;
            // A segment of the call was let in by its route, odd or not.
            if !is_segment(value) && !target.segments().any(|segment| segment == value) {
                return Err(bad(name, "cannot be a part of a path"));
            }
            path.extend(utf8_percent_encode(value, ENCODED));
        }
        Ok(path)
    }
}

/// An address is made of what its author wrote, which was read as one, and of what is encoded. So it is
/// one, if it is not too long.
fn fits(address: String) -> Result<String, Denial> {
    if address.len() > ADDRESS_BYTES {
        return Err(Denial::new(Reason::BadRequest, "The backend's address is too long."));
    }
    Ok(address)
}

fn bad(name: &str, what: &str) -> Denial {
    Denial::new(Reason::BadRequest, format!("The parameter `{name}` {what}."))
}

fn placeholder<'t>(
    name: &str,
    target: &'t Target,
    placeholders: &[(usize, String)],
) -> Option<&'t str> {
    let (index, _) = placeholders.iter().find(|(_, known)| known == name)?;
    target.segment(*index)
}

/// May a value stand in a path? It must stay within its segment for every reader.
fn is_segment(value: &str) -> bool {
    !matches!(value, "" | "." | "..")
        && !value.chars().any(|c| matches!(c, '/' | '\\' | ';') || c.is_control())
}

fn with_query<'q>(mut path: String, pairs: impl Iterator<Item = (&'q str, &'q str)>) -> String {
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for (name, value) in pairs {
        path.push(separator);
        path.extend(utf8_percent_encode(name, ENCODED));
        path.push('=');
        path.extend(utf8_percent_encode(value, ENCODED));
        separator = '&';
    }
    path
}

/// Reads a template. What its author wrote outside the braces is sent as it is, if it can be.
fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    if !rest.starts_with('/') {
        pieces.push(Piece::Text("/".to_owned()));
    }
    let mut filled = String::from(if rest.starts_with('/') { "" } else { "/" });
    while let Some((text, after)) = rest.split_once('{') {
        let (name, after) =
            after.split_once('}').ok_or("the backend's path has a brace that is not closed")?;
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(Piece::Var(name.to_owned()));
        filled.push_str(text);
        filled.push('x');
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    filled.push_str(rest);
    let parsed: Result<http::uri::PathAndQuery, _> = filled.parse();
    match parsed {
        Ok(path) if !filled.contains('#') && path.path().starts_with('/') => Ok(pieces),
        _ => Err("the backend's path is malformed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(path: &str) -> Backend {
        Backend {
            https: false,
            authority: "10.0.0.7:8080".to_owned(),
            method: tidegate_domain::api::Method::Get,
            path: path.to_owned(),
            timeout_ms: None,
            moved: Vec::new(),
            constants: Vec::new(),
        }
    }

    fn moved(name: &str, from: Position, backend_name: &str, to: Position) -> Moved {
        Moved {
            name: name.to_owned(),
            position: from,
            backend_name: backend_name.to_owned(),
            backend_position: to,
            required: false,
            default: None,
        }
    }

    fn fill(backend: &Backend, target: &str, headers: &mut HeaderMap) -> Result<String, Denial> {
        let plan = Plan::read(backend, &["id"]).unwrap();
        let placeholders = [(1, "id".to_owned())];
        let address = plan.fill(&Target::parse(target).unwrap(), &placeholders, headers)?;
        assert!(address.parse::<http::Uri>().is_ok_and(|uri| uri.path().starts_with('/')));
        Ok(address)
    }

    #[test]
    fn placeholders_and_the_query_pass_as_they_were_signed() {
        let none = &mut HeaderMap::new();
        let address = fill(&backend("/v2/o/{id}/x"), "/orders/a%20b?z=1&a=%2F&a", none).unwrap();
        assert_eq!(address, "/v2/o/a%20b/x?a=&a=%2F&z=1");
        let inline = fill(&backend("v-{id}.json?fix=1"), "/orders/7?a=1", none).unwrap();
        assert_eq!(inline, "/v-7.json?fix=1&a=1");
    }

    #[test]
    fn parameters_move_between_all_positions() {
        let mut b = backend("/c/{who}");
        b.moved = vec![
            moved("customer", Position::Query, "who", Position::Path),
            moved("id", Position::Path, "order", Position::Query),
            moved("X-Region", Position::Header, "region", Position::Query),
            moved("lang", Position::Query, "X-Lang", Position::Header),
        ];
        b.constants = vec![
            Constant {
                name: "tier".to_owned(),
                position: Position::Query,
                value: "gold".to_owned(),
            },
            Constant {
                name: "X-Tier".to_owned(),
                position: Position::Header,
                value: "gold".to_owned(),
            },
        ];
        let mut headers = HeaderMap::new();
        headers.insert("x-region", HeaderValue::from_static("north"));
        headers.insert("x-lang", HeaderValue::from_static("spoofed"));
        headers.append("x-tier", HeaderValue::from_static("spoofed"));
        let target = "/orders/7?customer=mo&lang=de&keep=1&tier=lead&order=spoofed&region=spoofed";
        let address = fill(&b, target, &mut headers).unwrap();
        assert_eq!(address, "/c/mo?keep=1&order=7&region=north&tier=gold");
        assert_eq!(headers.get("x-lang").unwrap(), "de");
        assert_eq!(headers.get_all("x-tier").iter().count(), 1);
        assert!(!headers.contains_key("x-region"));
    }

    #[test]
    fn a_value_cannot_leave_its_segment() {
        let mut b = backend("/c/{who}");
        b.moved = vec![moved("who", Position::Query, "who", Position::Path)];
        for bad in ["..%2Fadmin", "..", ".", "", "a%5Cb", "a%3Bb", "a%0Ab"] {
            let denial = fill(&b, &format!("/orders/7?who={bad}"), &mut HeaderMap::new());
            assert_eq!(denial.unwrap_err().reason, Reason::BadRequest, "{bad}");
        }
        let twice = fill(&b, "/orders/7?who=a&who=b", &mut HeaderMap::new());
        assert!(twice.unwrap_err().detail.contains("more than once"));
        let none = fill(&b, "/orders/7", &mut HeaderMap::new());
        assert!(none.unwrap_err().detail.contains("missing"));
    }

    #[test]
    fn defaults_stand_in_and_what_is_required_is_asked_for() {
        let mut b = backend("/c");
        b.moved = vec![moved("n", Position::Query, "m", Position::Query)];
        assert!(fill(&b, "/orders/7", &mut HeaderMap::new()).unwrap().ends_with("/c"));
        b.moved[0].required = true;
        let denial = fill(&b, "/orders/7", &mut HeaderMap::new()).unwrap_err();
        assert_eq!(denial.reason, Reason::BadRequest);
        b.moved[0].default = Some("5".to_owned());
        assert!(fill(&b, "/orders/7", &mut HeaderMap::new()).unwrap().ends_with("/c?m=5"));
    }

    #[test]
    fn a_definition_that_cannot_work_is_refused_at_once() {
        for path in ["/{nobody}", "/{id", "/a b", "/a#b"] {
            assert!(Plan::read(&backend(path), &["id"]).is_err(), "{path}");
        }
        for name in ["X-Tidegate-App", "x_tidegate.app", "Host", "Connection", "a b"] {
            let mut b = backend("/");
            b.constants = vec![Constant {
                name: name.to_owned(),
                position: Position::Header,
                value: "x".to_owned(),
            }];
            assert!(Plan::read(&b, &[]).is_err(), "{name}");
        }
    }
}
