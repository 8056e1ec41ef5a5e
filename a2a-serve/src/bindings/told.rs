//! What an answer tells the one who wrote it down: that it is an error, and of which kind.

use a2a::A2AError;
use axum::http::HeaderMap;
use axum::response::Response;
use tonic::{Code, Status};

use super::status::{grpc_code, name};

/// The kind of an error that a response tells of: its gRPC code, whatever the binding. Nothing of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told(Code);

impl Told {
    pub(super) fn of(error: &A2AError) -> Self {
        Told(grpc_code(error))
    }

    /// Notes it at a response.
    pub(super) fn tell(self, response: &mut Response) {
        response.extensions_mut().insert(self);
    }

    /// What was noted at a response, or what gRPC says in its head.
    pub(super) fn by(response: &Response) -> Option<Self> {
        response.extensions().get().copied().or_else(|| in_head(response.headers()))
    }

    pub(super) fn name(self) -> &'static str {
        name(self.0)
    }

    /// Whether it is this server's fault, or somebody's behind it.
    pub(super) fn is_ours(self) -> bool {
        matches!(self.0, Code::Internal | Code::Unknown | Code::DataLoss)
    }
}

fn in_head(headers: &HeaderMap) -> Option<Told> {
    headers.get(Status::GRPC_STATUS)?;
    let code = Status::from_header_map(headers)?.code();
    (code != Code::Ok).then_some(Told(code))
}
