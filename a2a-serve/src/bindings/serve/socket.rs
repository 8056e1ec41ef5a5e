//! A peer's socket, which tells that the peer is gone while nobody reads from it or writes to it: on Unix. Windows tells it to
//! whoever reads or writes.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What is read from and written to.
#[derive(Debug)]
pub(super) struct Socket {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
}

/// Tells when the peer of a socket is gone.
#[derive(Debug)]
pub(super) struct Absence(Arc<OwnedWriteHalf>);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Absence) {
        let (read, write) = stream.into_split();
        let write = Arc::new(write);
        (Socket { read, write: Arc::clone(&write) }, Absence(write))
    }

    fn stream(&self) -> &TcpStream {
        (*self.write).as_ref()
    }
}

impl Absence {
    /// Ends once the system knows that the peer is gone: it has reset the connection, or answers no more. Whoever waits for an
    /// answer over HTTP/1 is not read from meanwhile, since a peer that says nothing more is answered still. Cancel safe.
    pub(super) async fn told(&self) {
        // Whatever went wrong with asking, the connection meets it, too.
        let _ = self.0.ready(Interest::ERROR).await;
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream().poll_write_ready(context))?;
            match self.stream().try_write_vectored(slices) {
                // The system was not ready after all.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing is kept here.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match SockRef::from(self.stream()).shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            done => Poll::Ready(done),
        }
    }
}
