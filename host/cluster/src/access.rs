//! Who may see what Tollgate shows to people: the API server says who somebody is and what he may do.

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

/// The path that rights are given for: `nonResourceURLs: [/dashboard]`, `verbs: [get]`.
pub const PATH: &str = "/dashboard";

/// Whether somebody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// He may.
    Allowed,
    /// The API server does not know the token.
    Unknown,
    /// He may not.
    Forbidden {
        /// What the API server calls him.
        user: String,
    },
}

/// Asks the API server whether who brings a token may `get` [`PATH`].
///
/// # Errors
///
/// When the API server refuses to say so or is away.
pub async fn access(client: &Client, token: &str) -> Result<Access, kube::Error> {
    let Some(user) = who(client, token).await? else {
        return Ok(Access::Unknown);
    };
    let name = user.username.clone().unwrap_or_default();
    let review = SubjectAccessReview {
        spec: question(user),
        ..SubjectAccessReview::default()
    };
    let reviews = Api::all(client.clone());
    let reviewed = reviews.create(&PostParams::default(), &review).await?;
    // An evaluation may fail in part and allow all the same; only what is said to be allowed is.
    Ok(match reviewed.status.is_some_and(|status| status.allowed) {
        true => Access::Allowed,
        false => Access::Forbidden { user: name },
    })
}

async fn who(client: &Client, token: &str) -> Result<Option<UserInfo>, kube::Error> {
    let review = TokenReview {
        spec: TokenReviewSpec {
            token: token.to_owned(),
            ..TokenReviewSpec::default()
        },
        ..TokenReview::default()
    };
    let reviews = Api::all(client.clone());
    let reviewed: TokenReview = reviews.create(&PostParams::default(), &review).await?;
    let status = reviewed.status.unwrap_or_default();
    let is_known = status.authenticated == Some(true);
    Ok(status.user.filter(|_| is_known))
}

fn question(user: UserInfo) -> SubjectAccessReviewSpec {
    let UserInfo {
        extra,
        groups,
        uid,
        username,
    } = user;
    SubjectAccessReviewSpec {
        extra,
        groups,
        uid,
        user: username,
        non_resource_attributes: Some(NonResourceAttributes {
            path: Some(PATH.to_owned()),
            verb: Some("get".to_owned()),
        }),
        ..SubjectAccessReviewSpec::default()
    }
}
