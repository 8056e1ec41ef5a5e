//! Serves one [`RequestHandler`](a2a_server::RequestHandler) over JSON-RPC, REST and gRPC as the A2A v1.0
//! specification says.
//!
//! | concern | JSON-RPC | REST | gRPC |
//! |---|---|---|---|
//! | `A2A-Version` must be 1.x (§3.6) | header or `?A2A-Version=` | header or `?A2A-Version=` | metadata |
//! | HTTP | 1.1 and 2 | 1.1 and 2 | 2; over 1.1 505 |
//! | what is asked for | ProtoJSON, read once | the path, the query, ProtoJSON | the decoded proto, by the SDK's conversions |
//! | unreadable requests | a JSON-RPC error | `google.rpc.Status` as JSON | `INVALID_ARGUMENT` |
//! | tenant | in `params` | `/{tenant}/…`, `?tenant=`, or in the body | in the message |
//! | not now ([`unavailable`](a2a_cluster::unavailable)) | -32603, as 503 with `Retry-After` | 503 and `Retry-After` | `UNAVAILABLE` |
//! | caller unknown ([`unauthenticated`](a2a_cluster::unauthenticated)) | 401 | 401 | `UNAUTHENTICATED` |
//! | not this caller ([`forbidden`](a2a_cluster::forbidden)) | 403 | 403 | `PERMISSION_DENIED` |
//! | extensions in use (§3.2.6) | `A2A-Extensions` | same | metadata |
//! | size | [`RequestLimits::max_body_bytes`] | same | same |
//!
//! A message is its user's: a role that is missing or another is refused. Fields that the protocol requires are required.
//!
//! Start at [`router`]; [`serve()`] puts it on a socket.

mod advice;
mod answer_body;
mod call;
mod card;
mod content;
mod discard;
mod edge;
mod error;
mod extensions;
mod grpc;
mod grpc_compression;
mod grpc_service;
mod hosts;
mod http;
mod in_flight;
mod json;
mod jsonrpc;
mod limits;
mod nesting;
mod numbers;
mod outermost;
mod pages;
mod proto;
mod refusal;
mod report;
mod rest;
mod serve;
mod sse;
mod status;
mod stream_body;
mod told;
mod unsent;
mod version;
mod violations;
mod weight;
mod whole_body;

pub(crate) use answer_body::Outgoing;
pub(crate) use edge::{Edge, OfCluster};
pub use grpc::{GrpcService, grpc_service};
pub(crate) use hosts::Hosts;
pub(crate) use http::whole;
pub use http::{http_router, router};
pub(crate) use in_flight::InFlight;
pub use limits::RequestLimits;
pub(crate) use pages::Pages;
pub use serve::serve;
pub(crate) use serve::{Bounds, Departure, serve_within};
