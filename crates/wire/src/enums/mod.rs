//! The texts of every enumeration of the protocol, and what they mean to the domain.

mod apis;
mod apps;
mod instances;
mod records;

pub use apis::{
    ApiActionKind, ApiDebug, ApiStatus, ApiType, AuthorizationStatus, ParaType, Position, Protocol,
    PublishFilter, PublishType, auth_type_text, method_text, parse_auth_type, parse_method,
    parse_visibility, visibility_text,
};
pub use apps::{GatewayKind, app_kind_text, parse_app_kind, parse_role};
pub use instances::{Edition, InstanceAction, InstanceCause, InstanceType, edition};
pub use records::{ActionKind, ApplyStatus, ApplyType, QueryType, RelationshipType};

/// An enumeration with one text per value.
macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];
            /// Every text, in the order of the values.
            pub const TEXTS: &'static [&'static str] = &[$($text),+];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }

            /// The value with this text.
            pub fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$value),)+
                    _ => None,
                }
            }

            /// The value of `field` with this text; a refusal names all there are.
            pub fn parse(field: &str, text: &str) -> Result<Self, tidegate_domain::Refusal> {
                Self::from_text(text).ok_or_else(|| crate::text::none_of(field, Self::TEXTS, text))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}
use texts;

/// The value with this text, from a table of all there are.
fn look_up<T: Copy>(
    field: &str,
    table: &[(&str, T)],
    text: &str,
) -> Result<T, tidegate_domain::Refusal> {
    table.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let allowed: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        crate::text::none_of(field, &allowed, text)
    })
}

#[cfg(test)]
mod tests;
