//! The parameters of a request.

use tidegate_domain::Refusal;

use super::names::{PARA_NAME_RULE, is_para_name};
use crate::enums::{ParaType, Position};
use crate::limits::{PARAS, TEXT_CHARS, VALUE_CHARS};
use crate::requests::RequestPara;
use crate::text::{echo, free_text, malformed};

/// A parameter the API knows, by name.
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) position: Position,
}

/// The parameters that are declared, and the placeholders of the path that are not.
pub(super) fn known<'a>(
    paras: &'a [RequestPara],
    placeholders: &[&'a str],
) -> Result<Vec<Known<'a>>, Refusal> {
    if paras.len() > PARAS {
        return Err(Refusal::TooMany { what: "request parameters", max: PARAS });
    }
    let mut known: Vec<Known<'_>> = Vec::with_capacity(paras.len());
    for (i, para) in paras.iter().enumerate() {
        let next = check(para, &format!("request_paras[{i}]"))?;
        if next.position == Position::Path && !placeholders.contains(&next.name) {
            return Err(malformed(format!(
                "`request_paras[{i}]` lies in the path, but `path` has no placeholder {}",
                echo(&format!("{{{}}}", next.name))
            )));
        }
        if known.iter().any(|k| clash(k, &next)) {
            return Err(malformed(format!(
                "`request_paras` has the name {} twice; a backend's parameters refer to it by name \
                 alone",
                echo(next.name)
            )));
        }
        known.push(next);
    }
    for name in placeholders {
        match known.iter().find(|k| k.name == *name) {
            None => known.push(Known { name, position: Position::Path }),
            Some(k) if k.position == Position::Path => {}
            Some(_) => {
                return Err(malformed(format!(
                    "{} is a placeholder of `path`, but `request_paras` has it elsewhere",
                    echo(name)
                )));
            }
        }
    }
    Ok(known)
}

fn clash(a: &Known<'_>, b: &Known<'_>) -> bool {
    let both_headers = a.position == Position::Header && b.position == Position::Header;
    a.name == b.name || (both_headers && a.name.eq_ignore_ascii_case(b.name))
}

fn check<'a>(para: &'a RequestPara, at: &str) -> Result<Known<'a>, Refusal> {
    let name = item(at, "name", para.name.as_ref())?;
    if !is_para_name(name) {
        return Err(malformed(format!("`{at}.name` is {}; {PARA_NAME_RULE}", echo(name))));
    }
    let position = item(at, "position", para.position.as_ref())?;
    let position = Position::parse(&format!("{at}.position"), position)?;
    if is_reserved(name, position) {
        return Err(malformed(format!("`{at}.name` is {}, which is reserved", echo(name))));
    }
    if let Some(text) = &para.r#type {
        ParaType::parse(&format!("{at}.type"), text)?;
    }
    for (field, text, max) in [
        ("description", &para.description, TEXT_CHARS),
        ("example_value", &para.example_value, VALUE_CHARS),
        ("default_value", &para.default_value, VALUE_CHARS),
    ] {
        if let Some(text) = text {
            free_text(&format!("{at}.{field}"), text, max)?;
        }
    }
    Ok(Known { name, position })
}

/// A text that an item of a list needs.
pub(super) fn item<'a>(
    at: &str,
    field: &str,
    value: Option<&'a String>,
) -> Result<&'a str, Refusal> {
    value
        .map(String::as_str)
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| malformed(format!("`{at}.{field}` is missing")))
}

/// Is the name taken by the protocol itself?
fn is_reserved(name: &str, position: Position) -> bool {
    let name = name.to_ascii_lowercase();
    let everywhere = name.starts_with("x-apig-")
        || name.starts_with("x-sdk-")
        || matches!(name.as_str(), "x-stage" | "x-api-id" | "x-app-id" | "x-request-id");
    let in_headers = matches!(name.as_str(), "authorization" | "x-auth-token");
    everywhere || (in_headers && position == Position::Header)
}
