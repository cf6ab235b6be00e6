//! APIs and their definitions.

use tidegate_domain::api::Method;
use tidegate_domain::publication::Status;
use tidegate_domain::{AuthType, Refusal, Visibility};

use super::{look_up, texts};

texts! {
    /// The state of an API on an instance.
    ApiStatus {
        /// Never published here.
        Created = "API_STATUS_CREATED",
        /// Waits for the review of its publication.
        PublishWaitReview = "API_STATUS_PUBLISH_WAIT_REVIEW",
        /// Refused publication.
        PublishReject = "API_STATUS_PUBLISH_REJECT",
        /// Answers.
        Published = "API_STATUS_PUBLISHED",
        /// About to stop.
        WaitingStop = "API_STATUS_WAITING_STOP",
        /// Does not answer.
        Stopped = "API_STATUS_STOPPED",
        /// Waits for the review of its recovery.
        RecoverWaitReview = "API_STATUS_RECOVER_WAIT_REVIEW",
        /// About to go offline.
        WaitingOffline = "API_STATUS_WAITING_OFFLINE",
        /// Gone.
        Offline = "API_STATUS_OFFLINE",
        /// Waits for the review of its end; of the vendor's SHARED edition only, never written.
        OfflineWaitReview = "API_STATUS_OFFLINE_WAIT_REVIEW",
    }
}

impl From<Status> for ApiStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Created => Self::Created,
            Status::PublishPending => Self::PublishWaitReview,
            Status::PublishRejected => Self::PublishReject,
            Status::Published => Self::Published,
            Status::Stopping { .. } => Self::WaitingStop,
            Status::Stopped => Self::Stopped,
            Status::RecoverPending => Self::RecoverWaitReview,
            Status::Unpublishing { .. } => Self::WaitingOffline,
            Status::Offline => Self::Offline,
        }
    }
}

texts! {
    /// How the trial call of an API on an instance went.
    ApiDebug {
        /// There was none.
        Waiting = "API_DEBUG_WAITING",
        /// It failed.
        Failed = "API_DEBUG_FAILED",
        /// It succeeded.
        Success = "API_DEBUG_SUCCESS",
    }
}

texts! {
    /// How an API gets its answers.
    ApiType {
        /// From a table.
        Configuration = "API_SPECIFIC_TYPE_CONFIGURATION",
        /// From a statement.
        Script = "API_SPECIFIC_TYPE_SCRIPT",
        /// From a statement with tags.
        Mybatis = "API_SPECIFIC_TYPE_MYBATIS",
        /// From a program.
        Groovy = "API_SPECIFIC_TYPE_GROOVY",
        /// From an existing HTTP service.
        Register = "API_SPECIFIC_TYPE_REGISTER",
        /// From other APIs.
        Orchestrate = "API_SPECIFIC_TYPE_ORCHESTRATE",
        /// From a source of data; the older word.
        Create = "API_TYPE_CREATE",
        /// From an existing HTTP service; the older word.
        RegisterOld = "API_TYPE_REGISTER",
    }
}

impl ApiType {
    /// Does it put an existing HTTP service behind the gate?
    pub const fn is_register(self) -> bool {
        match self {
            Self::Register | Self::RegisterOld => true,
            Self::Configuration
            | Self::Script
            | Self::Mybatis
            | Self::Groovy
            | Self::Orchestrate
            | Self::Create => false,
        }
    }
}

texts! {
    /// Whether an API needs a grant, and whether the app asked about has one.
    AuthorizationStatus {
        /// The API asks nobody.
        NotRequired = "NO_AUTHORIZATION_REQUIRED",
        /// No grant.
        Unauthorized = "UNAUTHORIZED",
        /// A grant.
        Authorized = "AUTHORIZED",
    }
}

impl AuthorizationStatus {
    /// What to show of an API with `auth`, on which there is a live grant or not.
    pub const fn of(auth: AuthType, is_granted: bool) -> Self {
        match (auth, is_granted) {
            (AuthType::None, _) => Self::NotRequired,
            (AuthType::App | AuthType::Iam, true) => Self::Authorized,
            (AuthType::App | AuthType::Iam, false) => Self::Unauthorized,
        }
    }
}

texts! {
    /// The scheme of an API or a backend.
    Protocol {
        /// In clear.
        Http = "PROTOCOL_TYPE_HTTP",
        /// Over TLS.
        Https = "PROTOCOL_TYPE_HTTPS",
    }
}

texts! {
    /// Where an API is offered.
    PublishType {
        /// To all.
        Public = "PUBLISH_TYPE_PUBLIC",
        /// To some.
        Private = "PUBLISH_TYPE_PRIVATE",
    }
}

texts! {
    /// Where a request carries a parameter.
    Position {
        /// In the path.
        Path = "REQUEST_PARAMETER_POSITION_PATH",
        /// In a header.
        Header = "REQUEST_PARAMETER_POSITION_HEADER",
        /// In the query.
        Query = "REQUEST_PARAMETER_POSITION_QUERY",
        /// In the body.
        Body = "REQUEST_PARAMETER_POSITION_BODY",
    }
}

texts! {
    /// What a parameter's value is.
    ParaType {
        /// A number.
        Number = "REQUEST_PARAMETER_TYPE_NUMBER",
        /// A text.
        String = "REQUEST_PARAMETER_TYPE_STRING",
    }
}

texts! {
    /// What shall happen to an API on an instance.
    ApiActionKind {
        /// Take it offline; grants go.
        Unpublish = "UNPUBLISH",
        /// Stop it; grants stay.
        Stop = "STOP",
        /// Let it answer again.
        Recover = "RECOVER",
    }
}

texts! {
    /// Which APIs the caller wants listed.
    PublishFilter {
        /// Published somewhere.
        Published = "PUBLISHED",
        /// Published nowhere.
        NotPublished = "NOT_PUBLISHED",
    }
}

const AUTH_TYPES: [(&str, AuthType); 3] = [
    (auth_type_text(AuthType::App), AuthType::App),
    (auth_type_text(AuthType::Iam), AuthType::Iam),
    (auth_type_text(AuthType::None), AuthType::None),
];

/// What an API asks of its callers, as text.
pub const fn auth_type_text(auth: AuthType) -> &'static str {
    match auth {
        AuthType::App => "APP",
        AuthType::Iam => "IAM",
        AuthType::None => "NONE",
    }
}

/// What an API asks of its callers.
pub fn parse_auth_type(field: &str, text: &str) -> Result<AuthType, Refusal> {
    look_up(field, &AUTH_TYPES, text)
}

const VISIBILITIES: [(&str, Visibility); 3] = [
    (visibility_text(Visibility::Workspace), Visibility::Workspace),
    (visibility_text(Visibility::Project), Visibility::Project),
    (visibility_text(Visibility::Domain), Visibility::Domain),
];

/// From where an API can be seen, as text.
pub const fn visibility_text(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Workspace => "WORKSPACE",
        Visibility::Project => "PROJECT",
        Visibility::Domain => "DOMAIN",
    }
}

/// From where an API can be seen.
pub fn parse_visibility(field: &str, text: &str) -> Result<Visibility, Refusal> {
    look_up(field, &VISIBILITIES, text)
}

const METHODS: [(&str, Method); 2] =
    [(method_text(Method::Get), Method::Get), (method_text(Method::Post), Method::Post)];

/// A method, as text.
pub const fn method_text(method: Method) -> &'static str {
    match method {
        Method::Get => "REQUEST_TYPE_GET",
        Method::Post => "REQUEST_TYPE_POST",
    }
}

/// A method.
pub fn parse_method(field: &str, text: &str) -> Result<Method, Refusal> {
    look_up(field, &METHODS, text)
}
