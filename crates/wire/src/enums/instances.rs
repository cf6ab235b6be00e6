//! Instances and editions.

use tidegate_domain::{InstanceId, Refusal};

use super::texts;
use crate::text::{malformed, none_of};

texts! {
    /// The two editions of the vendor's product.
    Edition {
        /// One instance, called `APIG`.
        Shared = "SHARED",
        /// Any number of instances.
        Exclusive = "EXCLUSIVE",
    }
}

impl Edition {
    /// The edition an instance belongs to.
    pub fn of(instance: &InstanceId) -> Self {
        if instance.is_shared() { Self::Shared } else { Self::Exclusive }
    }
}

/// The edition a call is meant for: what the header `Dlm-Type` says, which must agree with the
/// instance if the call names one, or else the edition of the instance. None when there is neither
/// header nor instance: then the call is about both.
pub fn edition(
    header: Option<&str>,
    instance: Option<&InstanceId>,
) -> Result<Option<Edition>, Refusal> {
    let inferred = instance.map(Edition::of);
    let Some(text) = header.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(inferred);
    };
    let told = Edition::from_text(&text.to_ascii_uppercase())
        .ok_or_else(|| none_of("Dlm-Type", Edition::TEXTS, text))?;
    match inferred {
        Some(edition) if edition != told => Err(malformed(format!(
            "the header Dlm-Type says {}, but the instance belongs to the {} edition; leave the header out, or correct it",
            told.as_str(),
            edition.as_str()
        ))),
        Some(_) | None => Ok(Some(told)),
    }
}

texts! {
    /// What the caller wants to do on an instance he looks for.
    InstanceAction {
        /// Publish an API.
        Publish = "PUBLISH",
        /// Take it offline.
        Unpublish = "UNPUBLISH",
        /// Stop it.
        Stop = "STOP",
        /// Let it answer again.
        Recover = "RECOVER",
        /// Let an account call it.
        Whitelist = "WHITELIST",
        /// Let an app call it.
        Authorize = "AUTHORIZE",
    }
}

texts! {
    /// Why an action is not possible on an instance.
    InstanceCause {
        /// Because of the API's state there.
        ApiStatusError = "API_STATUS_ERROR",
        /// Because the API was not tried there.
        ApiDebugError = "API_DEBUG_ERROR",
        /// Because app and API do not go together.
        TypeMismatch = "TYPE_MISMATCH",
    }
}

texts! {
    /// What an instance is.
    InstanceType {
        /// One of our own.
        Dlm = "DLM",
        /// The shared one.
        Apig = "APIG",
        /// A dedicated gateway of the vendor; never written.
        Apigw = "APIGW",
        /// A gateway of the vendor's integration product; never written.
        RomaApic = "ROMA_APIC",
    }
}

impl InstanceType {
    /// What the instance called `id` is.
    pub fn of(id: &InstanceId) -> Self {
        match Edition::of(id) {
            Edition::Shared => Self::Apig,
            Edition::Exclusive => Self::Dlm,
        }
    }
}
