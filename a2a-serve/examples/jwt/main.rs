//! An agent that serves whoever brings a token of an issuer's: `cargo run -p a2a-serve --example jwt -- ISSUER AUDIENCE KEYS_URL`.

mod bearer;

use std::env;
use std::error::Error;
use std::sync::Arc;

use a2a_serve::Server;
use bearer::Bearer;

#[path = "../support/greeter.rs"]
mod agent;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [issuer, audience, keys_url] = [1, 2, 3].map(|n| env::args().nth(n));
    let (Some(issuer), Some(audience), Some(keys_url)) = (issuer, audience, keys_url) else {
        return Err("usage: jwt ISSUER AUDIENCE KEYS_URL".into());
    };
    let card = agent::card("http://127.0.0.1:8080")?;
    let callers = Bearer::new(&issuer, &audience, keys_url)?;
    Ok(Server::new(agent::Greeter, card).callers(Arc::new(callers)).run().await?)
}
