//! A call that an actor wants made, in a place that is used again.
//!
//! Most calls of a store in memory are over when they are polled once. The next one on the same thread takes the place of
//! the last, so that a commit needs no memory of its own.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use tokio_util::sync::ReusableBoxFuture;

use super::core::Input;

type Place = ReusableBoxFuture<'static, Option<Input>>;

thread_local! {
    static LAST: Cell<Option<Place>> = const { Cell::new(None) };
}

/// A call under way.
pub(super) struct Call(Place);

impl Call {
    pub(super) fn new(work: impl Future<Output = Option<Input>> + Send + 'static) -> Self {
        match LAST.take() {
            Some(mut place) => {
                place.set(work);
                Call(place)
            }
            None => Call(Place::new(work)),
        }
    }

    /// Returns what comes of it, where it is over without waiting; else gives the call back.
    pub(super) fn at_once(mut self) -> Result<Option<Input>, Self> {
        match (&mut self.0).now_or_never() {
            Some(input) => {
                LAST.set(Some(self.0));
                Ok(input)
            }
            None => Err(self),
        }
    }
}

impl Future for Call {
    type Output = Option<Input>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}
