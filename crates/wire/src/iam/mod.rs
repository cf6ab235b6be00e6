//! The little of IAM that clients need: tokens and projects.
//!
//! Unlike the bodies of DataService, these are read leniently: IAM clients send fields of all ages.
//! And what is wrong with one is never quoted, for it may hold a password.

mod answer;
mod token;

pub use answer::{
    DomainDto, DomainList, DomainRef, IamErrorBody, ProjectDto, ProjectList, ProjectRef, RoleRef,
    Subject, TokenAnswer,
};
pub use token::{Account, IamFault, Identity, Method, ProjectChoice, Scope, Secret, TokenRequest};

#[cfg(test)]
mod tests;
