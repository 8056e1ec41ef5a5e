//! Serves one [`RequestHandler`](a2a_server::RequestHandler) over JSON-RPC, REST and gRPC as the A2A v1.0
//! specification says, around the SDK's own transports.
//!
//! The SDK's transports turn wire formats into calls, but what they cannot read they tend to make up: a part
//! without content becomes an empty text, a page size of -1 becomes "unset", a missing message becomes a new
//! one. By the time a handler is called the evidence is gone. So each request is looked at *before* the SDK sees it, and
//! each answer that is not in the specification's form is put into it afterwards:
//!
//! | concern | JSON-RPC | REST | gRPC |
//! |---|---|---|---|
//! | `A2A-Version` must be 1.x (§3.6) | header or `?A2A-Version=` | header or `?A2A-Version=` | metadata |
//! | shape of messages and filters | one pass over the body that builds nothing | same, and the query | the decoded proto |
//! | unreadable requests | a JSON-RPC error | `application/problem+json` | `INVALID_ARGUMENT` |
//! | tenant | in `params` | `/{tenant}/…`, `?tenant=`, or in the body | in the message |
//! | backend down ([`unavailable`](unavailable::unavailable)) | -32603 and `Retry-After` | 503 and `Retry-After` | `UNAVAILABLE` |
//! | caller unknown ([`unauthenticated`](unavailable::unauthenticated)) | 401 | 401 | `UNAUTHENTICATED` |
//! | size | [`Limits::max_body_bytes`] | same | same |
//!
//! Start at [`http_router`] and [`grpc_service`]; [`serve`] puts either on a socket.

mod advice;
mod call;
mod checked_service;
mod content;
mod discard;
mod grpc;
mod http;
mod jsonrpc;
mod limits;
mod nesting;
mod params;
mod part;
mod problem;
mod proto;
mod refusal;
mod rest;
mod route;
mod serve;
mod shape;
mod sse;
mod version;
mod violations;

pub use grpc::{GrpcService, grpc_service};
pub use http::http_router;
pub use limits::Limits;
pub use serve::serve;

pub use crate::ground::unavailable;
