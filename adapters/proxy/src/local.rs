//! The calls of a session's own, which SDKs make by themselves. The proxy serves them
//! without ThingSpace: the session is the proxy's.

use http::{Method, Response};
use thingspace_core::api::OwnCall;
use thingspace_hyper::Streamed;

use crate::{path::ApiPath, problem::Problem};

/// The token that stands for all secrets at the proxy. It opens nothing.
const DUMMY: &str = "thingspace-proxy";

/// Returns the call of a session's own at a path, if that is one. Fails if its method is
/// another one.
pub(crate) fn at(path: &ApiPath, method: &Method) -> Result<Option<OwnCall>, Problem> {
    match OwnCall::at(path.below()) {
        Some(call) if *method != call.method() => Err(Problem::wrong_method()),
        call => Ok(call),
    }
}

/// The response of success. Of a reset, the program has saved the new password: what the client
/// saves works here all the same.
pub(crate) fn response(call: OwnCall) -> Response<Streamed> {
    call.stand_in(DUMMY).map(Streamed::from)
}
